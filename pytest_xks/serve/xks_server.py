"""``pytest-xks serve`` as a subprocess: what the fixture ``xks_server`` gives.

In a process of its own, because whoever serves a fake KMS mocks all of AWS in the whole
process, and every ``mock_aws`` of a test would begin it anew.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, cast, overload

from pytest_xks.proxy_api.sigv4 import Credential

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from botocore.client import BaseClient
    from mypy_boto3_kms import KMSClient

    from pytest_xks.handles import KeyStoreHandle

__all__ = ["ServedProxy", "ServerDidNotStartError", "XksServer"]

_START_S = 60.0
_STOP_S = 10.0
_POLL_S = 0.02

_LOOPBACK = "127.0.0.1,localhost"
_VARIABLES = {
    # moto takes any credentials; a client takes none that it has not got.
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    # A profile of the user's may say what it likes.
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
}


class ServerDidNotStartError(Exception):
    """``pytest-xks serve`` ended, or said nothing in time; the message has its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedProxy:
    """The mock XKS proxy of a server."""

    endpoint: str
    """Scheme, host and port: where it is, not an XksProxyUriEndpoint."""
    uri_path: str
    """The XksProxyUriPath."""
    credential: Credential
    ca_bundle: Path
    """A file with the CA of its certificate, in PEM."""
    keys: Mapping[str, str]
    """External key ids by role: ``usable``, ``encrypt_only`` …"""
    spare_keys: Sequence[str] = field(repr=False)
    """More usable ones; see ``XksServer.spare_key``."""


class XksServer:
    """A fake KMS and a mock XKS proxy, for clients in this and other processes.

    They live from ``start`` to ``stop``, or as a context manager, and no longer than
    this process. Key stores and keys stay until then.
    """

    def __init__(self) -> None:
        self.kms_endpoint_url = ""
        """Where the fake KMS is; moto's other services answer there as well."""
        self.region = ""
        """The Region of everything below."""
        self.custom_key_store_id = ""
        """An external key store on the proxy, connected at the start."""
        self.proxy: ServedProxy
        """The mock XKS proxy; ``https://<label>.xks.test`` leads KMS to it."""
        self._numbers = itertools.count(1)
        self._spare_keys: Iterator[str] = iter(())
        self._clients: dict[tuple[str, str], BaseClient] = {}
        self._started = ExitStack()

    def __repr__(self) -> str:
        """Where it is."""
        return f"XksServer({self.kms_endpoint_url or 'stopped'})"

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()

    def start(self) -> Self:
        """Start, and return when both servers answer; no-op if they do.

        Raises:
            ServerDidNotStartError: they do not; after a minute at the latest.
        """
        if self.kms_endpoint_url:
            return self
        with ExitStack() as starting:
            folder = Path(
                starting.enter_context(
                    tempfile.TemporaryDirectory(prefix="pytest-xks-")
                )
            )
            errors = starting.enter_context((folder / "errors").open("w+b"))
            process = subprocess.Popen(  # noqa: S603 - our own program
                _command(folder / "ready.json"),
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=_clean_environment(),
            )
            starting.callback(_end, process)
            if not _wait_for(folder / "ready.json", process):
                errors.seek(0)
                raise ServerDidNotStartError(_why_not(process, errors.read()))
            self._read(json.loads((folder / "ready.json").read_bytes()))
            self._started = starting.pop_all()
        return self

    def stop(self) -> None:
        """End both servers; no-op if they have ended."""
        while self._clients:
            self._clients.popitem()[1].close()
        self._started.close()
        self.kms_endpoint_url = ""

    def _read(self, ready: Mapping[str, Any]) -> None:
        proxy = ready["proxy"]
        self.kms_endpoint_url = ready["kms_endpoint_url"]
        self.region = ready["region"]
        self.custom_key_store_id = ready["custom_key_store_id"]
        self.proxy = ServedProxy(
            endpoint=proxy["endpoint"],
            uri_path=proxy["uri_path"],
            credential=Credential(proxy["access_key_id"], proxy["secret_access_key"]),
            ca_bundle=Path(proxy["ca_bundle"]),
            keys=proxy["keys"],
            spare_keys=proxy["spare_keys"],
        )
        self._spare_keys = iter(self.proxy.spare_keys)

    @property
    def environment(self) -> dict[str, str]:
        """The environment for a subprocess whose AWS is this server.

        It is this process's own without any other ``AWS_`` variable, so that neither a
        profile nor a real credential of the user's gets into the test.
        """
        return _clean_environment() | {
            **_VARIABLES,
            "AWS_ENDPOINT_URL": self.kms_endpoint_url,
            "AWS_ENDPOINT_URL_KMS": self.kms_endpoint_url,
            "AWS_REGION": self.region,
            "AWS_DEFAULT_REGION": self.region,
            **{name: _without_http_proxy(name) for name in ("NO_PROXY", "no_proxy")},
        }

    @overload
    def client(
        self, service: Literal["kms"] = "kms", region: str | None = None
    ) -> KMSClient: ...
    @overload
    def client(self, service: str, region: str | None = None) -> Any: ...  # noqa: ANN401 - boto3 makes the type at run time
    def client(self, service: str = "kms", region: str | None = None) -> object:
        """A boto3 client on this server; it is closed with it.

        Args:
            service: another of moto's services, e.g. ``cloudwatch``.
            region: the Region; the server's own by default.
        """
        wanted = (service, region or self.region)
        if wanted not in self._clients:
            self._clients[wanted] = self._new_client(*wanted)
        return self._clients[wanted]

    def create_key_store(self, *, connect: bool = True) -> KeyStoreHandle:
        """Create another external key store on the proxy, for a test to take apart.

        Args:
            connect: whether to connect it too.

        Raises:
            ClientError: CreateCustomKeyStore's; a Region takes ten of them.
        """
        from pytest_xks.handles import register_key_store  # noqa: PLC0415 - likewise

        number = next(self._numbers)
        return register_key_store(
            self.client(),
            self.proxy,
            name=f"key-store-{number}",
            endpoint=f"https://key-store-{number}.xks.test",
            connect=connect,
        )

    def spare_key(self) -> str:
        """The id of an external key that no KMS key uses, another one at each call.

        Raises:
            LookupError: there is none left.
        """
        key_id = next(self._spare_keys, None)
        if key_id is None:
            count = len(self.proxy.spare_keys)
            raise LookupError(f"all {count} spare external keys have been given out")
        return key_id

    def _new_client(self, service: str, region: str) -> BaseClient:
        # boto3 is slow to import, and not everyone needs it.
        from pytest_xks.kms.sessions import (  # noqa: PLC0415
            isolated_config,
            isolated_session,
        )

        session = isolated_session(
            access_key_id=_VARIABLES["AWS_ACCESS_KEY_ID"],
            secret_access_key=_VARIABLES["AWS_SECRET_ACCESS_KEY"],
            region=region,
        )
        client: BaseClient = session.client(
            cast("Any", service),
            endpoint_url=self.kms_endpoint_url,
            verify=True,
            config=isolated_config(),
        )
        return client


def _command(ready_file: Path) -> list[str]:
    arguments = ["--ready-file", str(ready_file), "--until-end-of-input"]
    # -P: a file in the working directory must not stand in for a module.
    return [sys.executable, "-P", "-m", "pytest_xks", "serve", *arguments]


def _clean_environment() -> dict[str, str]:
    return {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("AWS_")
    }


def _without_http_proxy(variable: str) -> str:
    hosts = os.environ.get(variable)
    return f"{hosts},{_LOOPBACK}" if hosts else _LOOPBACK


def _wait_for(ready_file: Path, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline:
        if ready_file.exists():
            return True
        with suppress(subprocess.TimeoutExpired):
            process.wait(_POLL_S)
            return False
    return False


def _why_not(process: subprocess.Popen[bytes], errors: bytes) -> str:
    said = errors.decode("utf-8", "replace").strip() or "It said nothing."
    if process.returncode is None:
        return f"`pytest-xks serve` is not ready after {_START_S:g} seconds. {said}"
    return f"`pytest-xks serve` ended with status {process.returncode}. {said}"


def _end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None  # noqa: S101 - for the type checker
    with suppress(BrokenPipeError):
        process.stdin.close()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
