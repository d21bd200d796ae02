"""Faults of authentication: spellings of Authorization that KMS never sends."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.proxy.faults.authentication.verifying import (
    edited_authorization,
    or_else,
)
from pytest_xks.proxy.faults.catalogue import fault, row
from pytest_xks.proxy_api import sigv4

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_xks.faults import Effect
    from pytest_xks.proxy_api.http import Request

_COMPONENTS = ("Credential", "SignedHeaders", "Signature")


def _proper_names(header: str, _: Request) -> str:
    for name in _COMPONENTS:
        header = re.sub(f"{name}=", f"{name}=", header, flags=re.IGNORECASE)
    return header


row(
    "ignores-case-of-algorithm",
    "Reads the algorithm of an Authorization header in any case.",
    edited_authorization(
        lambda header, _: re.sub("(?i)^aws4-hmac-sha256", sigv4.ALGORITHM, header)
    ),
    violates=("XKS-AUTH-036",),
)
row(
    "ignores-case-of-components",
    "Reads the names of the parts of an Authorization header in any case.",
    edited_authorization(_proper_names),
    violates=("XKS-AUTH-036",),
)
row(
    "first-signature-counts",
    "Of two signatures in one Authorization header it reads the first.",
    edited_authorization(
        lambda header, _: re.sub(
            "(Signature=[0-9a-f]*), Signature=[0-9a-f]*", r"\1", header
        )
    ),
    violates=("XKS-AUTH-036",),
)
row(
    "last-signature-counts",
    "Of two signatures in one Authorization header it reads the last.",
    edited_authorization(
        lambda header, _: re.sub(
            "Signature=[0-9a-f]*, (Signature=[0-9a-f]*)", r"\1", header
        )
    ),
    violates=("XKS-AUTH-036",),
)
row(
    "ignores-rest-of-scope",
    "Reads five parts of a credential and no more.",
    edited_authorization(
        lambda header, _: re.sub(
            "(Credential=[^/]*/[^/]*/[^/]*/[^/]*/[^/,]*)/[^,]*", r"\1", header
        )
    ),
    violates=("XKS-AUTH-036",),
)


@fault(violates=("XKS-AUTH-036",))
def takes_one_of_two_authorizations(position: int = 0) -> Effect:
    """Of two Authorization headers it reads one, and serves if that is right.

    Args:
        position: which one: 0 for the first, -1 for the last.
    """

    def variants(request: Request) -> Iterable[Request]:
        values = request.header_values("Authorization")
        if len(values) > 1:
            others = tuple(h for h in request.headers if h[0] != "Authorization")
            chosen = ("Authorization", values[position])
            yield replace(request, headers=(*others, chosen))

    return or_else(variants)
