"""``pytest-xks init``: a target file to fill in, every key explained."""

from __future__ import annotations

import os
from importlib.resources import files
from typing import TYPE_CHECKING

from pytest_xks.certify.errors import UsageProblem

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

__all__ = ["template", "write_kms_template", "write_proxy_template"]

# The names in the template, beside it.
_CA_CERTIFICATE = "ca.pem"
_CA_PRIVATE_KEY = "ca.key"


def template(part: str) -> str:
    """The commented target file of a part, "proxy" or "kms"."""
    return files(__package__).joinpath(f"target_{part}.toml").read_text("utf-8")


def write_proxy_template(path: Path) -> None:
    """Write the commented target file; never over an existing one.

    Raises:
        UsageProblem: the file exists or cannot be written.
    """
    _write_new({path: template("proxy").encode()})


def write_kms_template(path: Path) -> tuple[Path, Path]:
    """Write the commented target file, and a CA beside it; never over existing ones.

    Returns:
        The files of the CA's certificate and of its private key, which only its owner
        may read.

    Raises:
        UsageProblem: one of the files exists or cannot be written; then none is.
    """
    from pytest_xks.http.certificates import CertificateAuthority  # noqa: PLC0415 - slow

    ca = CertificateAuthority.create("pytest-xks CA for one emulator")
    certificate = path.parent / _CA_CERTIFICATE
    private_key = path.parent / _CA_PRIVATE_KEY
    _write_new(
        {
            path: template("kms").encode(),
            certificate: ca.certificate_pem,
            private_key: ca.private_key_pem,
        },
        private={private_key},
    )
    return certificate, private_key


def _write_new(
    contents: Mapping[Path, bytes], *, private: Collection[Path] = ()
) -> None:
    """Write all of the files or none."""
    written: list[Path] = []
    try:
        for path, content in contents.items():
            _write_one(path, content, mode=0o600 if path in private else 0o666)
            written.append(path)
    except UsageProblem:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def _write_one(path: Path, content: bytes, *, mode: int) -> None:
    try:
        # O_EXCL also refuses what appears between a look and the writing.
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(path, flags, mode), "wb") as file:
            file.write(content)
    except FileExistsError:
        raise UsageProblem(
            f"{str(path)!r} exists; it was left as it is.", "Give another file name."
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a legal file name"
        raise UsageProblem(f"{str(path)!r} cannot be written: {reason}.") from None
