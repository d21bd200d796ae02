"""TLS contexts of a faulty server: what is offered that should not be."""

from __future__ import annotations

import ssl
import warnings
from typing import TYPE_CHECKING

from pytest_xks.http.tricks import Trick

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["misconfigure"]


def _unlisted_suites_only(context: ssl.SSLContext) -> None:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")


def _tls_1_1(context: ssl.SSLContext) -> None:
    # OpenSSL 3 allows it on security level 0 only.
    context.set_ciphers("ECDHE:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1


def _weak_suites(context: ssl.SSLContext) -> None:
    context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384:aNULL:eNULL:@SECLEVEL=0")


def _no_verification(context: ssl.SSLContext) -> None:
    context.verify_mode = ssl.CERT_NONE


_CHANGES: dict[Trick, Callable[[ssl.SSLContext], None]] = {
    Trick.OFFERS_UNLISTED_SUITES_ONLY: _unlisted_suites_only,
    Trick.OFFERS_TLS_1_1: _tls_1_1,
    Trick.OFFERS_WEAK_SUITES: _weak_suites,
    Trick.ACCEPTS_ANY_CLIENT_AUTHORITY: _no_verification,
}


def misconfigure(context: ssl.SSLContext, trick: Trick) -> None:
    """Change a server's context as a trick has it; most tricks leave it alone."""
    change = _CHANGES.get(trick)
    if change is not None:
        change(context)
