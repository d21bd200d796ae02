"""``pytest-xks serve``: a mock proxy over HTTPS for programs in any language.

It runs until SIGTERM or SIGINT. What others wait for is written last and at once: the
ready file is complete as soon as it exists.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import tempfile
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.preflight import preflight
from pytest_xks.certify.target_file import proxy_target_from_document
from pytest_xks.certify.toml_output import dump_toml
from pytest_xks.proxy.reference import ReferenceProxy
from pytest_xks.spec.limits import URI_PATH_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_xks.certify.target import ProxyTarget

__all__ = ["ServeOptions", "serve"]

# Keys of the target file that name files, wherever they stand in it.
_PATH_KEYS = frozenset({"ca_bundle", "certificate", "private_key", "file"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServeOptions:
    """The options of ``pytest-xks serve``."""

    host: str = "127.0.0.1"
    proxy_port: int = 0
    ready_file: Path | None = None
    target_file: Path | None = None


def serve(options: ServeOptions, echo: Callable[[str], None]) -> None:
    """Serve until a signal ends it.

    Args:
        options: where, and which files to write.
        echo: prints a line.

    Raises:
        UsageProblem: the port cannot be had, or a file not be written.
    """
    if options.ready_file:
        # One of an earlier run would tell others to go ahead.
        _attempt(options.ready_file, lambda p: p.unlink(missing_ok=True))
    with _stop_signal() as stopped, _proxy(options) as proxy:
        document = _absolute(proxy.target_document(), proxy.directory)
        target = proxy_target_from_document(document, proxy.directory / "target.toml")
        preflight(target)
        if options.target_file:
            _write(options.target_file, dump_toml(document))
        if options.ready_file:
            _write(options.ready_file, json.dumps(_ready(target), indent=2) + "\n")
        for line in _instructions(target, options):
            echo(line)
        stopped.wait()


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


@contextmanager
def _proxy(options: ServeOptions) -> Iterator[ReferenceProxy]:
    try:
        # Tried first, so that a proxy that cannot listen is never half made.
        socket.create_server((options.host, options.proxy_port)).close()
        proxy = ReferenceProxy(
            host=_name(options.host), address=options.host, port=options.proxy_port
        )
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or "no such address"
        raise UsageProblem(
            f"Cannot listen on {options.host}:{options.proxy_port}: {reason}.",
            "Choose another --proxy-port (0 for any) or --host.",
        ) from None
    with proxy:
        yield proxy


def _name(host: str) -> str:
    """The name in the certificate: of an address that stands for this machine, ours."""
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


def _ready(target: ProxyTarget) -> dict[str, object]:
    return {
        "region": target.region,
        "proxy": {
            "endpoint": target.endpoint.url,
            "uri_path": target.uri_path,
            "ca_bundle": str(target.ca_bundle),
            "access_key_id": target.credential.access_key_id,
            "secret_access_key": target.credential.secret_access_key,
            "keys": dict(target.keys),
        },
    }


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


def _instructions(target: ProxyTarget, options: ServeOptions) -> Iterator[str]:
    yield f"The mock XKS proxy answers at {target.endpoint.url}{target.uri_path}"
    yield ""
    yield "For AWS's test client (test-xks-proxy -a), in its folder:"
    for name, value in _variables(target).items():
        yield f"  export {name}={shlex.quote(value)}"
    yield ""
    yield "To certify it:"
    if options.target_file:
        file = shlex.quote(str(options.target_file))
        yield f"  pytest-xks certify proxy --target {file}"
    else:
        yield "  pytest-xks certify proxy --from-env    (with the variables above)"
    yield ""
    yield "Ctrl-C or SIGTERM ends it."


def _variables(target: ProxyTarget) -> dict[str, str]:
    return {
        "XKS_PROXY_HOST": target.endpoint.authority,
        "URI_PREFIX": target.uri_path.removesuffix(URI_PATH_SUFFIX).removeprefix("/"),
        "SIGV4_ACCESS_KEY_ID": target.credential.access_key_id,
        "SIGV4_SECRET_ACCESS_KEY": target.credential.secret_access_key,
        "REGION": target.region,
        "KEY_ID": target.keys["usable"],
        "ENCRYPT_ONLY_KEY_ID": target.keys["encrypt_only"],
        "DECRYPT_ONLY_KEY_ID": target.keys["decrypt_only"],
        "IMPOTENT_KEY_ID": target.keys["no_usage"],
        "SECURE": f"--cacert {target.ca_bundle}",
    }
