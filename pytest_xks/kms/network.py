"""Which socket a host name leads to, and whom TLS trusts.

KMS refuses a port in an XksProxyUriEndpoint and always connects to 443
(KMS-CREATESTORE-007 to KMS-CREATESTORE-009). So a test leads the host name elsewhere,
as curl's ``--connect-to`` does, or to a transport of its own.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from pytest_xks.transport import ConnectFailure, HttpsTransport

if TYPE_CHECKING:
    import ssl

    from pytest_xks.transport import Transport

__all__ = ["PORT", "Network", "parse_connect_to"]

PORT = 443

Address = tuple[str, int]


class Network:
    """The way from KMS to proxies. Safe to use from many threads at once.

    Args:
        reach_out: whether a host that is not led elsewhere is looked for on the real
            network; without, there is nothing at it.
    """

    def __init__(self, *, reach_out: bool = False) -> None:
        self.reach_out = reach_out
        self._routes: dict[str, Address | Transport] = {}
        self._anchors: list[bytes] = []
        self._opened: dict[str, HttpsTransport] = {}
        self._lock = threading.Lock()

    def connect_to(self, host: str, target: Address | Transport) -> None:
        """Lead a host name, at port 443, to a socket or to a transport.

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
        """
        with self._lock:
            self._anchors.append(pem)
            self._forget_opened()

    def close(self) -> None:
        """Close the connections that are kept for the next request."""
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
            raise ConnectFailure(f"nothing is at {name}; see connect_to")
        host, port = address or (name, PORT)
        return HttpsTransport(
            host=host,
            port=port,
            context=self._context(led=address is not None),
            server_name=name,
        )

    def _context(self, *, led: bool) -> ssl.SSLContext:
        from pytest_xks.tls import client_context  # noqa: PLC0415 - slow to import

        # The system's authorities take 50 ms to load: they are only for hosts that are
        # looked for on the real network, or when nobody else is trusted.
        pem = b"\n".join(self._anchors)
        if led and pem:
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
    parts = text.rsplit(":", 2)
    host, _, port = parts[0].rpartition(":")
    if len(parts) != 3 or not host or not parts[1] or not parts[2].isdecimal():
        raise ValueError(
            f"expected HOST:{PORT}:ADDRESS:PORT, e.g. "
            f"*.xks.test:{PORT}:127.0.0.1:9443, not {text!r}"
        )
    if port != str(PORT):
        raise ValueError(f"KMS connects to port {PORT} and to no other: {text!r}")
    return host, (parts[1].strip("[]"), int(parts[2]))
