"""Why a proxy may refuse a signature that the suite made: what can be found out.

The user's credential may be wrong, a gateway may have changed what was signed, or the
proxy's own verification is at fault; whoever debugs that needs what was signed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.http.client import TransportError
from pytest_xks.proxy_api.sigv4 import (
    canonical_request,
    parse_authorization,
    string_to_sign,
)

if TYPE_CHECKING:
    from pytest_xks.certify.preflight.proxy_caller import Called, ProxyCaller
    from pytest_xks.proxy_api.http import Request

__all__ = ["refused_signature"]


def refused_signature(caller: ProxyCaller, refused: Called) -> UsageProblem:
    """What to tell the user of a proxy that answers 401 to well-signed requests.

    Args:
        caller: calls it once more, with another Host.
        refused: the call of GetHealthStatus that got the 401.
    """
    endpoint = caller.target.endpoint
    name = f"[{endpoint.host}]" if ":" in endpoint.host else endpoint.host
    if name != endpoint.authority and _is_served(caller, name):
        return UsageProblem(
            f"{endpoint.url}: the proxy is given a Host without the port, so it "
            f"verifies {name!r} where {endpoint.authority!r} was signed.",
            "The gateway in front of it drops the port (nginx: `proxy_set_header Host "
            "$host`; `$http_host` keeps it). KMS always connects to 443, where it does "
            "no harm: pass the Host on as it is, or let the gateway listen at 443.",
        )
    said = f"{refused.said} to GetHealthStatus and to GetKeyMetadata"
    return UsageProblem(
        f"{endpoint.url} refuses the credential: it answers {said}.",
        "Check access_key_id and secret_access_key in [proxy.credential], uri_path and "
        "region in [proxy], and this machine's clock. If they are right, the proxy "
        f"verifies something else than this.\n{_what_was_signed(refused.request)}",
    )


def _is_served(caller: ProxyCaller, authority: str) -> bool:
    try:
        return caller.health(authority=authority).status == 200
    except TransportError:
        return False


def _what_was_signed(request: Request) -> str:
    authorization = parse_authorization(request.header("Authorization") or "")
    canonical = canonical_request(request, authorization.signed_headers)
    timestamp = request.header("X-Amz-Date") or ""
    to_sign = string_to_sign(canonical, timestamp, authorization.scope)
    return (
        f"Canonical request:\n{_indented(canonical)}\n"
        f"String to sign:\n{_indented(to_sign)}"
    )


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
