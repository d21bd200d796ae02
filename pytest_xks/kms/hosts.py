"""Which Host a request may have, and which Origin one that changes the server itself.

A web page in a browser of this machine can send requests to loopback. Its Origin gives
it away, and the Host if its name was rebound to 127.0.0.1.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Collection

    from pytest_xks.proxy_api.http import Request

__all__ = ["foreign_header", "is_foreign_host"]

_AUTHORITY = re.compile(r"(?P<name>\[[^\[\]]*\]|[^:\[\]]*)(?::[0-9]*)?")


def foreign_header(request: Request, allowed: Collection[str] = ()) -> str | None:
    """The header that shows that a request is none of this machine's; None if none.

    Args:
        request: as it was sent.
        allowed: host names besides 127.0.0.0/8, [::1], localhost and those below it.
    """
    if is_foreign_host(request, allowed):
        return "Host"
    for origin in request.header_values("Origin"):
        if not _is_ours(_authority_of(origin), allowed):
            return "Origin"
    return None


def is_foreign_host(request: Request, allowed: Collection[str] = ()) -> bool:
    """Whether the Host of a request is another machine's, or there is not just one.

    Args:
        request: as it was sent.
        allowed: as above.
    """
    hosts = request.header_values("Host")
    return len(hosts) != 1 or not _is_ours(hosts[0], allowed)


def _authority_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _is_ours(authority: str, allowed: Collection[str]) -> bool:
    match = _AUTHORITY.fullmatch(authority)
    name = match["name"].lower().strip("[]") if match else ""
    if name in {each.lower() for each in allowed}:
        return bool(name)
    address = _address(name)
    if address is not None:
        return address.is_loopback
    return name == "localhost" or name.endswith(".localhost")


def _address(name: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(name)
    except ValueError:
        return None
