"""Build a proxy of another framework, run it on loopback, and describe it as a target.

A folder here is a proxy: its sources, ``target.toml`` with the placeholders that are
filled in below, and ``expected.toml``. Nothing is written beside the sources.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_xks.http.certificates import CertificateAuthority

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FRAMEWORKS", "Framework", "deployed"]

_HERE = Path(__file__).parent
_REGION = "eu-central-1"
_KMS = f"cks.kms.{_REGION}.amazonaws.com"
_URI_PATH = "/example/kms/xks/v1"
_CREDENTIALS = {
    "EXAMPLE2EXAMPLE3EXAMPLE4": "Secret+Of+The/Example/0123456789012345678901=",
    "ROTATED2ROTATED3ROTATED4": "Another+Secret/Example/0123456789012345678901=",
}
_BUILD_SECONDS = 540
_START_SECONDS = 60
_PAUSE_SECONDS = 0.05
# Somebody else may take a free port before the proxy does.
_ATTEMPTS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """How a proxy is built and started; commands run in a copy of its folder."""

    name: str
    tools: tuple[str, ...]
    """Programs that must be installed."""
    build: tuple[tuple[str, ...], ...]
    start: tuple[str, ...]
    in_front_of: str = ""
    """The proxy that it is a gateway of, if it is one."""

    @property
    def folder(self) -> Path:
        """Its sources."""
        return _HERE / self.name

    @property
    def missing(self) -> list[str]:
        """The tools that are not installed."""
        return [tool for tool in self.tools if shutil.which(tool) is None]

    def built(self, directory: Path) -> Path:
        """Build a copy in ``directory``, where what an earlier build left is used.

        Returns:
            The folder to start it in.

        Raises:
            AssertionError: the build failed; the message is what it printed.
        """
        if self.in_front_of:
            FRAMEWORKS[self.in_front_of].built(directory)
        copy = directory / self.name
        shutil.copytree(self.folder, copy, dirs_exist_ok=True)
        for command in self.build:
            process = subprocess.run(
                command,
                cwd=copy,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=_BUILD_SECONDS,
            )
            assert 0 == process.returncode, process.stdout
        return copy


FRAMEWORKS = {
    framework.name: framework
    for framework in (
        Framework(
            name="go",
            tools=("go",),
            build=(("go", "build", "-o", "proxy", "."),),
            start=("./proxy",),
        ),
        Framework(
            name="express",
            tools=("node", "npm"),
            build=(("npm", "ci", "--no-audit", "--no-fund"),),
            start=("node", "server.js"),
        ),
        Framework(
            name="nginx",
            tools=("nginx", "go"),
            build=(),
            start=("sh", "start.sh"),
            in_front_of="go",
        ),
        Framework(
            name="axum",
            tools=("cargo",),
            build=(("cargo", "build", "--locked", "--quiet"),),
            start=("target/debug/xks-proxy",),
        ),
        Framework(
            name="appliance",
            tools=(),
            build=(),
            start=(sys.executable, "server.py"),
        ),
        Framework(
            name="spring",
            tools=("java", "mvn"),
            build=(("mvn", "--batch-mode", "--quiet", "package"),),
            start=("java", "-jar", "target/proxy.jar"),
        ),
    )
}


@contextmanager
def deployed(
    framework: Framework, built: Path, directory: Path, *, wrong: str = ""
) -> Iterator[Path]:
    """Run a proxy on loopback while the context is open.

    Args:
        framework: of which it is.
        built: where ``Framework.built`` has built it.
        directory: for the target file, certificates and the log.
        wrong: the mistake that it makes; without one it is correct.

    Yields:
        The target file.
    """
    _write_certificates(directory, f"CA of {framework.name}")
    settings = {
        "XKS_CERTIFICATE": str(directory / "proxy.pem"),
        "XKS_PRIVATE_KEY": str(directory / "proxy.key"),
        "XKS_CLIENT_CA": str(directory / "ca.pem"),
        "XKS_CLIENT_NAME": _KMS,
        "XKS_URI_PATH": _URI_PATH,
        "XKS_CREDENTIALS": ",".join(map(":".join, _CREDENTIALS.items())),
        "XKS_WRONG": wrong,
    }
    with _running(framework, built, directory / "proxy.log", settings) as ports:
        target = directory / "target.toml"
        target.write_text(_target(framework, ports), "utf-8")
        yield target


def _write_certificates(directory: Path, name: str) -> None:
    authority = CertificateAuthority.create(name)
    (directory / "ca.pem").write_bytes(authority.certificate_pem)
    authority.issue("localhost").write(directory, "proxy")
    authority.issue_client(_KMS).write(directory, "kms")
    authority.issue_client("cks.kms.eu-west-3.amazonaws.com").write(directory, "paris")
    alien = CertificateAuthority.create("Alien CA")
    alien.issue_client(_KMS).write(directory, "alien")


def _target(framework: Framework, ports: dict[str, str]) -> str:
    main, rotated = _CREDENTIALS.items()
    filled = {
        "endpoint": f"https://localhost:{ports['XKS_PORT']}",
        "mtls_endpoint": f"https://localhost:{ports['XKS_MTLS_PORT']}",
        "region": _REGION,
        "uri_path": _URI_PATH,
        "credential": _inline(main),
        "rotated_credential": _inline(rotated),
    }
    text = (framework.folder / "target.toml").read_text("utf-8")
    for name, value in filled.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _inline(credential: tuple[str, str]) -> str:
    access_key_id, secret = credential
    return f'{{ access_key_id = "{access_key_id}", secret_access_key = "{secret}" }}'


@contextmanager
def _running(
    framework: Framework, built: Path, log: Path, settings: dict[str, str]
) -> Iterator[dict[str, str]]:
    for _ in range(_ATTEMPTS):
        ports = _free_ports("XKS_PORT", "XKS_MTLS_PORT", "XKS_UPSTREAM_PORT")
        with log.open("wb") as output:
            process = subprocess.Popen(
                framework.start,
                cwd=built,
                env=os.environ | settings | ports,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            if _answers(process, int(ports["XKS_PORT"])):
                yield ports
                return
        finally:
            # With what it started: a gateway has a proxy behind it.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=_START_SECONDS)
    raise AssertionError(log.read_text("utf-8", "replace"))


def _free_ports(*names: str) -> dict[str, str]:
    with ExitStack() as stack:
        listeners = [stack.enter_context(socket.socket()) for _ in names]
        for listener in listeners:
            listener.bind(("127.0.0.1", 0))
        ports = [str(listener.getsockname()[1]) for listener in listeners]
    return dict(zip(names, ports, strict=True))


def _answers(process: subprocess.Popen, port: int) -> bool:
    """Wait until the proxy takes connections; false if it ended instead."""
    end = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(_PAUSE_SECONDS)
        else:
            return process.poll() is None
    return False
