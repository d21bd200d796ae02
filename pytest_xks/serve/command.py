"""``pytest-xks serve``: fake KMS and mock proxy for programs in any language.

It runs until SIGTERM or SIGINT. The ready file, which others wait for, is written last,
and is complete as soon as it exists.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import tempfile
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import ClientError

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.preflight.proxy_preflight import preflight_proxy
from pytest_xks.certify.targets.proxy_file import proxy_target_from_document
from pytest_xks.certify.toml.writing import dump_toml
from pytest_xks.handles import register_key_store
from pytest_xks.kms.served import ServedKms
from pytest_xks.proxy.reference import REGION, ReferenceProxy
from pytest_xks.proxy_api.limits import RESPONSE_DEADLINE_MS
from pytest_xks.serve.instructions import Serving, instructions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_xks.clock import ServedClock
    from pytest_xks.handles import KeyStoreHandle

__all__ = ["ServeOptions", "serve"]

_Listener = TypeVar("_Listener")

# Keys of the target file that name files, in whatever table.
_PATH_KEYS = frozenset({"ca_bundle", "certificate", "private_key", "file"})

# Every name below it is routed to the mock proxy, whose certificate covers one label.
_DOMAIN = "xks.test"
_HOST = f"proxy.{_DOMAIN}"
_STORE_NAME = "pytest-xks"

# A KMS key takes an external key for good, and a server may serve many tests.
_SPARE_KEYS = [f"spare-{number}" for number in range(1, 1001)]

_HINTS = {
    "--connect-to": "Write HOST:443:ADDRESS:PORT; HOST may begin with '*.'.",
    "--trust-ca": "Give a file with the CA's certificate, in PEM.",
    "--behaviour": "Write NAME=VALUE, for instance timeouts=fail.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """The options of ``pytest-xks serve``."""

    host: str = "127.0.0.1"
    kms_port: int = 0
    proxy_port: int = 0
    ready_file: Path | None = None
    target_file: Path | None = None
    connect_to: tuple[str, ...] = ()
    """Each ``HOST:443:ADDRESS:PORT``."""
    trust_ca: tuple[Path, ...] = ()
    """Files with certificates in PEM."""
    behaviour: tuple[str, ...] = ()
    """Each ``NAME=VALUE``."""
    proxy_timeout_ms: float = RESPONSE_DEADLINE_MS
    """How long a proxy that ``connect_to`` leads to may take."""
    reach_out: bool = False
    """Whether other proxies are looked up on the real network."""
    allow_host: tuple[str, ...] = ()
    """Names in the Host of requests, besides those of this machine and ``host``."""
    until_end_of_input: bool = False
    """Whether the end of standard input, too, ends it."""


def serve(options: ServeOptions, echo: Callable[[str], None]) -> None:
    """Serve until a signal ends it.

    Args:
        options: where, and which files to write.
        echo: prints a line.

    Raises:
        UsageProblem: a port is not available, a file cannot be written, or an option
            is not understood.
    """
    kms = _kms(options)
    if options.ready_file:
        # One of an earlier run would tell others to go ahead.
        _attempt(options.ready_file, lambda p: p.unlink(missing_ok=True))
    with _reported(), _stop_signal() as stopped, _proxy(options, kms.clock) as proxy:
        if options.until_end_of_input:
            _watch_input(stopped)
        document = _absolute(proxy.target_document(), proxy.directory)
        target = proxy_target_from_document(document, proxy.directory / "target.toml")
        preflight_proxy(target)
        with _started(kms, proxy, options) as store:
            if options.target_file:
                _write(options.target_file, dump_toml(document))
            serving = Serving(
                target=target,
                spare_keys=_SPARE_KEYS,
                kms_endpoint_url=kms.kms_endpoint_url,
                custom_key_store_id=store.id,
                vpc_endpoint_service=kms.vpc_endpoint_service,
                another_uri_endpoint=_another_uri_endpoint(options),
                target_file=options.target_file,
            )
            if options.ready_file:
                ready = json.dumps(serving.ready(), indent=2)
                _write(options.ready_file, f"{ready}\n")
            for line in instructions(serving):
                echo(line)
            stopped.wait()


def _another_uri_endpoint(options: ServeOptions) -> str | None:
    """Another name of the mock proxy; None if the user routes them all elsewhere."""
    rerouted = any(route.startswith(f"*.{_DOMAIN}:") for route in options.connect_to)
    return None if rerouted else f"https://another.{_DOMAIN}"


def _kms(options: ServeOptions) -> ServedKms:
    """The fake KMS, not started; an option that it does not understand ends it here."""
    kms = ServedKms(
        host=options.host,
        port=options.kms_port,
        region=REGION,
        proxy_timeout_ms=options.proxy_timeout_ms,
        reach_out=options.reach_out,
        allow_hosts=options.allow_host,
    )

    def set_switch(text: str) -> None:
        name, _, value = text.partition("=")
        kms.fake.behaviour.set_switch(name, value)

    for route in options.connect_to:
        _apply("--connect-to", route, kms.fake.connect_to)
    for file in options.trust_ca:
        _apply("--trust-ca", str(file), kms.fake.trust_ca)
    for switch in options.behaviour:
        _apply("--behaviour", switch, set_switch)
    return kms


def _apply(flag: str, value: str, action: Callable[[str], None]) -> None:
    try:
        action(value)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageProblem(f"{flag} {value!r}: {reason}.", _HINTS[flag]) from None


@contextmanager
def _started(
    kms: ServedKms, proxy: ReferenceProxy, options: ServeOptions
) -> Iterator[KeyStoreHandle]:
    """The running fake KMS, with a connected key store on the mock proxy."""
    for key_id in _SPARE_KEYS:
        proxy.proxy.add_key(key_id)
    # In this process, where no load of the machine makes it late. Routes of the user's
    # come last, so that they win.
    for name in (f"*.{_DOMAIN}", _HOST):
        kms.fake.connect_to(name, proxy.transport)
    for route in options.connect_to:
        kms.fake.connect_to(route)
    with _listen(options, "--kms-port", options.kms_port, kms.start):
        store = _create_key_store(kms, proxy)
        kms.fake.keep_key_store(store.id)
        yield store


def _create_key_store(kms: ServedKms, proxy: ReferenceProxy) -> KeyStoreHandle:
    try:
        return register_key_store(
            kms.fake.client(),
            proxy.proxy,
            name=_STORE_NAME,
            endpoint=f"https://{_HOST}",
        )
    except ClientError as error:
        raise UsageProblem(
            f"No key store could be created on the mock proxy: {error}",
            f"Does --connect-to route {_HOST} elsewhere?",
        ) from None


@contextmanager
def _reported() -> Iterator[None]:
    """Say on standard error what the fake KMS says of calls of proxies that failed."""
    log, handler = logging.getLogger("pytest_xks.kms"), logging.StreamHandler()
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)


@contextmanager
def _stop_signal() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set; handlers are put back at the end."""
    stopped = threading.Event()
    saved = {
        number: signal.signal(number, lambda *_: stopped.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stopped
    finally:
        for number, handler in saved.items():
            signal.signal(number, handler)


def _watch_input(stopped: threading.Event) -> None:
    """Stop when the parent process closes our standard input, be it by dying."""

    def read() -> None:
        # Not from sys.stdin, whose lock must be free when the interpreter ends.
        with suppress(OSError):
            while os.read(0, 4096):
                pass
        stopped.set()

    threading.Thread(target=read, name="xks-input", daemon=True).start()


@contextmanager
def _proxy(options: ServeOptions, clock: ServedClock) -> Iterator[ReferenceProxy]:
    def listen() -> ReferenceProxy:
        # Tried first, so that a proxy that cannot listen is never half made.
        family = socket.AF_INET6 if ":" in options.host else socket.AF_INET
        address = (options.host, options.proxy_port)
        socket.create_server(address, family=family).close()
        return ReferenceProxy(
            host=_name(options.host),
            address=options.host,
            port=options.proxy_port,
            clock=clock,
        )

    with _listen(options, "--proxy-port", options.proxy_port, listen) as proxy:
        yield proxy


def _listen(
    options: ServeOptions, flag: str, port: int, action: Callable[[], _Listener]
) -> _Listener:
    try:
        return action()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "no such address"
        raise UsageProblem(
            f"Cannot listen on {options.host}:{port}: {reason}.",
            f"Choose another {flag} (0 for any) or --host.",
        ) from None


def _name(host: str) -> str:
    """The name in the certificate: "localhost" for an address of this machine."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return "localhost" if address.is_loopback or address.is_unspecified else host


def _absolute(document: dict[str, object], folder: Path) -> dict[str, object]:
    """``document`` with absolute paths, so that it may be written anywhere."""

    def value(key: str, item: object) -> object:
        if isinstance(item, dict):
            return {name: value(name, inner) for name, inner in item.items()}
        if isinstance(item, list):
            return [value(key, inner) for inner in item]
        if key in _PATH_KEYS and isinstance(item, str):
            return str(folder / item)
        return item

    return {key: value(key, item) for key, item in document.items()}


def _write(path: Path, text: str) -> None:
    """Write a file that others may be waiting for: whole, and private to the user."""

    def replace(final: Path) -> None:
        descriptor, name = tempfile.mkstemp(dir=final.absolute().parent, prefix=".xks-")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            Path(name).replace(final)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    _attempt(path, replace)


def _attempt(path: Path, action: Callable[[Path], None]) -> None:
    try:
        action(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a legal file name"
        raise UsageProblem(f"{str(path)!r} cannot be written: {reason}.") from None
