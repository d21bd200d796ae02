"""boto3 sessions that know nothing of the user's AWS."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DEFAULT_REGION", "isolated_config", "isolated_session", "shared_session"]

DEFAULT_REGION = "us-east-1"
# AWS's own examples, which secret scanners know.
_ACCESS_KEY_ID = "AKIAIOSFODNN7EXAMPLE"
_NOT_A_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105 - AWS's example

# Configuration key, environment variable, default, conversion (botocore.session).
_Variable = tuple[None, None, Any, "Callable[[Any], Any] | None"]
_FILES = {"config_file": os.devnull, "credentials_file": os.devnull}


@cache
def _isolated() -> dict[str, _Variable]:
    """Every variable of botocore's with its default, whatever file or environment say.

    A profile may be missing in its file or name a role to assume, and a variable may
    have a value that botocore refuses.
    """
    table: dict[str, tuple[Any, ...]] = {
        **botocore.session.Session.SESSION_VARIABLES,
        **BOTOCORE_DEFAUT_SESSION_VARIABLES,
    }
    return {
        name: (None, None, _FILES.get(name, default), conversion)
        for name, (_, _, default, conversion) in table.items()
    }


def isolated_session(
    *, access_key_id: str, secret_access_key: str, region: str
) -> boto3.Session:
    """A session that takes nothing from the user's files and environment.

    Its clients do so with ``isolated_config`` and a ``verify`` of their own.

    Args:
        access_key_id: the credential of its clients.
        secret_access_key: likewise.
        region: the Region of clients that name none.
    """
    return boto3.Session(
        botocore_session=botocore.session.Session(session_vars=_isolated()),
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
        region_name=region,
    )


def isolated_config() -> Config:
    """The configuration of a client: one try, and no HTTP proxy of the environment."""
    return Config(
        # The standard mode would write into every error that it gave up.
        retries={"mode": "legacy", "total_max_attempts": 1},
        proxies={},
        ignore_configured_endpoint_urls=True,  # type: ignore[call-arg] # stubs
    )


@cache
def shared_session() -> boto3.Session:
    """A session with a made-up credential.

    Loading the service models takes 100 ms; clients of one session share them.
    """
    return isolated_session(
        access_key_id=_ACCESS_KEY_ID,
        secret_access_key=_NOT_A_SECRET,
        region=DEFAULT_REGION,
    )
