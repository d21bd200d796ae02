"""boto3 sessions that know nothing of the user's AWS."""

from __future__ import annotations

import os

import boto3
import botocore.session

__all__ = ["isolated_session"]

# A profile may be missing in its file, name a role to assume, or change the retries.
# Each: configuration key, environment variable, default, conversion (botocore.session).
_ISOLATED: dict[str, tuple[None, None, str | None, None]] = {
    "profile": (None, None, None, None),
    "config_file": (None, None, os.devnull, None),
    "credentials_file": (None, None, os.devnull, None),
}


def isolated_session(
    *, access_key_id: str, secret_access_key: str, region: str
) -> boto3.Session:
    """A session that reads no profile and no file of the user's.

    Args:
        access_key_id: the credential of its clients.
        secret_access_key: likewise.
        region: the Region of clients that name none.
    """
    return boto3.Session(
        botocore_session=botocore.session.Session(session_vars=_ISOLATED),
        aws_access_key_id=access_key_id,
        aws_secret_access_key=secret_access_key,
        region_name=region,
    )
