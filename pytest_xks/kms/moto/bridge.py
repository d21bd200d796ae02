"""The way from moto's KMS to a fake, for as long as it is installed.

``moto.kms.urls.url_paths`` is read at every request; its handler is replaced.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import moto.kms.urls as kms_urls
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.moto_api._internal.models import moto_api_backend

from pytest_xks.kms.moto.installed import installed
from pytest_xks.kms.moto.responses import XksResponse

if TYPE_CHECKING:
    from pytest_xks.kms.moto.installed import InstalledKms

__all__ = ["DEFAULT_ACCOUNT_ID", "install", "mock_aws", "reset", "uninstall"]

_DISPATCH = "{0}/$"

_original: list[Any] = []
_lock = threading.RLock()


def install(kms: InstalledKms) -> None:
    """Send moto's KMS requests to a fake; of several, the last one answers."""
    with _lock:
        if not installed:
            _original.append(kms_urls.url_paths[_DISPATCH])
            kms_urls.url_paths[_DISPATCH] = XksResponse.dispatch
        installed.append(kms)


def reset() -> None:
    """Forget everything in every account, as moto's server does when it is told to."""
    moto_api_backend.reset()


def uninstall(kms: InstalledKms) -> None:
    """Undo ``install``; after the last fake moto is as it was."""
    with _lock:
        installed.remove(kms)
        if not installed:
            kms_urls.url_paths[_DISPATCH] = _original.pop()
