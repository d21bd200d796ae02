"""The first messages of a TLS handshake, written by hand: what does the proxy choose?

A TLS library offers what it considers safe. To learn whether a proxy accepts one cipher
suite, or an old version, a ClientHello that offers exactly that is sent, and the answer
read as far as the ServerHello (RFC 8446, section 4.1; RFC 5246, section 7.4.1). Nothing
is negotiated further.
"""

from __future__ import annotations

import ipaddress
import os
import socket
import struct
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from ..client.http1 import Failure, NoResponseError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_xks.certify.targets.proxy_target import Endpoint

__all__ = ["TLS_1_0", "TLS_1_1", "TLS_1_2", "TLS_1_3", "Choice", "offer"]

TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 = 0x0301, 0x0302, 0x0303, 0x0304

_ALERT, _HANDSHAKE = 21, 22
_SERVER_HELLO = 2
_SERVER_NAME, _GROUPS, _POINT_FORMATS, _SIGNATURES = 0, 10, 11, 13
_VERSIONS, _KEY_SHARE = 43, 51
_X25519 = 0x001D
_ALL_GROUPS = (_X25519, 0x0017, 0x0018, 0x0019)
_ALL_SIGNATURES = (
    *(0x0403, 0x0503, 0x0603, 0x0807),
    *(0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601),
    *(0x0203, 0x0201),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """What a server chose from an offer."""

    version: int
    cipher_suite: int


def _vector(data: bytes, size: int = 2) -> bytes:
    """Bytes behind their length."""
    return len(data).to_bytes(size, "big") + data


def _numbers(values: Sequence[int]) -> bytes:
    return b"".join(struct.pack(">H", value) for value in values)


def _extension(kind: int, data: bytes) -> bytes:
    return struct.pack(">H", kind) + _vector(data)


def _is_name(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False


def _client_hello(host: str, version: int, cipher_suites: Sequence[int]) -> bytes:
    extensions = b""
    if _is_name(host):
        name = b"\x00" + _vector(host.encode("idna"))
        extensions += _extension(_SERVER_NAME, _vector(name))
    extensions += _extension(_GROUPS, _vector(_numbers(_ALL_GROUPS)))
    extensions += _extension(_POINT_FORMATS, _vector(b"\x00", 1))
    if version >= TLS_1_2:
        extensions += _extension(_SIGNATURES, _vector(_numbers(_ALL_SIGNATURES)))
    if version >= TLS_1_3:
        # Any 32 bytes are a public key of X25519, and no shared key will be needed.
        share = struct.pack(">H", _X25519) + _vector(os.urandom(32))
        extensions += _extension(_VERSIONS, _vector(_numbers([TLS_1_3]), 1))
        extensions += _extension(_KEY_SHARE, _vector(share))
    hello = (
        struct.pack(">H", min(version, TLS_1_2))
        + os.urandom(32)
        + _vector(os.urandom(32), 1)
        + _vector(_numbers(cipher_suites))
        + _vector(b"\x00", 1)
        + _vector(extensions)
    )
    message = b"\x01" + _vector(hello, 3)
    return bytes([_HANDSHAKE]) + struct.pack(">H", TLS_1_0) + _vector(message)


def offer(
    endpoint: Endpoint, version: int, cipher_suites: Sequence[int], *, seconds: float
) -> Choice | None:
    """What the server chooses from one version and some cipher suites.

    Args:
        endpoint: where it listens.
        version: the only version offered.
        cipher_suites: the only cipher suites offered, by their numbers.
        seconds: how long it may take.

    Returns:
        The choice; None if the server refuses all of it.

    Raises:
        NoResponseError: there is no TCP connection, or no answer in time.
    """
    deadline = monotonic() + seconds
    try:
        with socket.create_connection(
            (endpoint.host, endpoint.port), timeout=seconds
        ) as sock:
            sock.sendall(_client_hello(endpoint.host, version, cipher_suites))
            return _read_choice(_RecordReader(sock, deadline))
    except TimeoutError:
        raise NoResponseError(
            "no answer to a ClientHello in time", Failure.LATE
        ) from None
    except ConnectionError as error:
        if isinstance(error, ConnectionRefusedError):
            raise NoResponseError("no TCP connection", Failure.NO_CONNECTION) from None
        return None
    except OSError:
        raise NoResponseError("no TCP connection", Failure.NO_CONNECTION) from None


class _RecordReader:
    """Handshake messages out of TLS records."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._socket = sock
        self._deadline = deadline

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            self._socket.settimeout(max(self._deadline - monotonic(), 0.001))
            more = self._socket.recv(size - len(data))
            if not more:
                raise ConnectionResetError
            data += more
        return data

    def first_message(self) -> bytes | None:
        """The first handshake message; None if there is another record."""
        data = b""
        while len(data) < 4 or len(data) < 4 + int.from_bytes(data[1:4], "big"):
            kind, _, size = struct.unpack(">BHH", self._exactly(5))
            if kind != _HANDSHAKE or not size:
                return None
            data += self._exactly(size)
        return data


def _read_choice(reader: _RecordReader) -> Choice | None:
    message = reader.first_message()
    if message is None or message[0] != _SERVER_HELLO:
        return None
    try:
        return _parse_server_hello(message[4:])
    except (struct.error, IndexError):
        return None


def _parse_server_hello(hello: bytes) -> Choice:
    (version,) = struct.unpack_from(">H", hello)
    position = 2 + 32
    position += 1 + hello[position]
    (cipher_suite,) = struct.unpack_from(">H", hello, position)
    position += 2 + 1 + 2
    while position + 4 <= len(hello):
        kind, size = struct.unpack_from(">HH", hello, position)
        position += 4
        if kind == _VERSIONS:
            (version,) = struct.unpack_from(">H", hello, position)
        position += size
    return Choice(version, cipher_suite)
