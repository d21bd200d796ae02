"""Which socket a host name is routed to, and which CAs TLS trusts.

KMS refuses a port in an XksProxyUriEndpoint and always connects to 443
(KMS-CREATESTORE-007 to KMS-CREATESTORE-009). So a test routes the host name to another
socket, as curl's ``--connect-to`` does, or to a transport of its own.
"""

from __future__ import annotations

import re
import ssl
import threading
from typing import TYPE_CHECKING

from pytest_xks.http.client import ConnectFailure, HttpsTransport
from pytest_xks.proxy_api.limits import RESPONSE_DEADLINE_MS

if TYPE_CHECKING:
    from pytest_xks.http.client import PeerCertificate, Transport

__all__ = ["PORT", "Network", "parse_connect_to"]

PORT = 443

Address = tuple[str, int]

# An IPv6 address stands in brackets, and so may any other.
_CONNECT_TO = re.compile(
    r"(?P<host>(?:https://)?[^:/\s]+):(?P<port>[0-9]{1,5})"
    r":(?P<address>\[[^\[\]\s]+\]|[^:\[\]\s]+):(?P<to_port>[0-9]{1,5})"
)


class Network:
    """The way from KMS to proxies. Safe to use from many threads at once.

    Args:
        reach_out: whether a host without a route is looked up on the real network;
            without, it cannot be reached.
        timeout_ms: how long a proxy at a socket may take. A transport of somebody
            else's simulates time, and has AWS's own deadline.
    """

    def __init__(
        self, *, reach_out: bool = False, timeout_ms: float = RESPONSE_DEADLINE_MS
    ) -> None:
        self.reach_out = reach_out
        self.timeout_ms = timeout_ms
        self._routes: dict[str, Address | Transport] = {}
        self._anchors: list[bytes] = []
        self._opened: dict[str, HttpsTransport] = {}
        self._contexts: dict[bool, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def connect_to(self, host: str, target: Address | Transport) -> None:
        """Route a host name, at port 443, to a socket or to a transport.

        Args:
            host: a host name; ``*.`` in front stands for one or more labels.
            target: address and port, or whatever takes requests there.

        Raises:
            ValueError: a wildcard elsewhere than in front.
        """
        name = host.lower()
        if "*" in name.removeprefix("*."):
            raise ValueError(f"a wildcard stands in front, as in *.xks.test: {host!r}")
        with self._lock:
            self._routes[name] = target
            self._forget_opened()

    def trust_ca(self, pem: bytes) -> None:
        """Trust a certificate authority for every proxy.

        Args:
            pem: its certificate, or several.

        Raises:
            ValueError: it is not a certificate in PEM.
        """
        _check_certificates(pem)
        with self._lock:
            self._anchors.append(pem)
            self._contexts.clear()
            self._forget_opened()

    def close(self) -> None:
        """Close the connections that are kept open."""
        with self._lock:
            self._forget_opened()

    def transport_to(self, host: str) -> Transport:
        """What takes requests to a host.

        Raises:
            ConnectFailure: nothing is there.
        """
        name = host.lower()
        route = self._route(name)
        if route is not None and not isinstance(route, tuple):
            return route
        with self._lock:
            if name not in self._opened:
                self._opened[name] = self._open(name, route)
            return self._opened[name]

    def timeout_ms_for(self, transport: Transport) -> float:
        """How long an exchange may take, in milliseconds of the transport's time."""
        at_a_socket = isinstance(transport, HttpsTransport)
        return self.timeout_ms if at_a_socket else RESPONSE_DEADLINE_MS

    def certificate_of(self, host: str) -> PeerCertificate | None:
        """The certificate of a host, as of the newest connection to it, if any."""
        name = host.lower()
        with self._lock:
            at_a_socket = self._opened.get(name)
        shown_by = at_a_socket or self._route(name)
        return getattr(shown_by, "peer_certificate", None)

    def _route(self, name: str) -> Address | Transport | None:
        exact = self._routes.get(name)
        if exact is not None:
            return exact
        wildcards = [
            pattern
            for pattern in self._routes
            if pattern.startswith("*.") and name.endswith(pattern[1:])
        ]
        # The nearest, as with certificates: *.a.test before *.test.
        return self._routes[max(wildcards, key=len)] if wildcards else None

    def _open(self, name: str, address: Address | None) -> HttpsTransport:
        if address is None and not self.reach_out:
            raise ConnectFailure(
                f"no socket is known for {name}: connect_to leads it to one, reach_out "
                "looks it up on the real network"
            )
        host, port = address or (name, PORT)
        return HttpsTransport(
            host=host,
            port=port,
            context=self._context(routed=address is not None),
            server_name=name,
        )

    def _context(self, *, routed: bool) -> ssl.SSLContext:
        # The system's authorities take 50 ms to load: they are only for the real
        # network, or when no other CA is trusted. And they are loaded once.
        anchored = routed and bool(self._anchors) and not self.reach_out
        if anchored not in self._contexts:
            self._contexts[anchored] = self._new_context(anchored=anchored)
        return self._contexts[anchored]

    def _new_context(self, *, anchored: bool) -> ssl.SSLContext:
        from pytest_xks.http.contexts import client_context  # noqa: PLC0415 - slow to import

        pem = b"\n".join(self._anchors)
        if anchored:
            return client_context(pem)
        context = client_context(None)
        if pem:
            context.load_verify_locations(cadata=pem.decode("ascii"))
        return context

    def _forget_opened(self) -> None:
        while self._opened:
            self._opened.popitem()[1].close()


def parse_connect_to(text: str) -> tuple[str, Address]:
    """Read ``HOST:PORT:ADDRESS:PORT``, curl's syntax; the first port must be 443.

    Raises:
        ValueError: something else; the message says what is expected.
    """
    match = _CONNECT_TO.fullmatch(text)
    if match is None or not 0 < int(match["to_port"]) < 65536:
        raise ValueError(
            f"expected HOST:{PORT}:ADDRESS:PORT, e.g. "
            f"*.xks.test:{PORT}:127.0.0.1:9443, not {text!r}"
        )
    if match["port"] != str(PORT):
        raise ValueError(f"KMS connects to port {PORT} and to no other: {text!r}")
    return match["host"], (match["address"].strip("[]"), int(match["to_port"]))


def _check_certificates(pem: bytes) -> None:
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=pem.decode("ascii"))
    except (ssl.SSLError, ValueError):
        raise ValueError("it has no certificate in PEM") from None
