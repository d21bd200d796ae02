"""``pytest-xks init``: a target file to fill in."""

from __future__ import annotations

from pathlib import Path

import click

from pytest_xks.cli.shared import FILE

__all__ = ["init"]

_TARGET = Path("target.toml")


@click.group()
def init() -> None:
    """Write a commented target file."""


@init.command("proxy")
@click.argument("file", type=FILE, default=_TARGET)
def _init_proxy(file: Path) -> None:
    """Write a target file for a proxy to FILE, by default target.toml.

    An existing file is never overwritten.
    """
    from pytest_xks.certify.templates.templates import write_proxy_template  # noqa: PLC0415 - not for --help

    write_proxy_template(file)
    click.echo(f"Wrote {file}. Fill it in, then run:")
    click.echo(f"  pytest-xks certify proxy --target {file}")


@init.command("kms")
@click.argument("file", type=FILE, default=_TARGET)
def _init_kms(file: Path) -> None:
    """Write a target file for a KMS emulator to FILE, and a CA beside it.

    FILE is target.toml by default. Existing files are never overwritten.
    """
    from pytest_xks.certify.templates.templates import write_kms_template  # noqa: PLC0415 - likewise

    certificate, private_key = write_kms_template(file)
    click.echo(f"Wrote {file}, {certificate} and {private_key}.")
    click.echo(
        f"Fill in {file}. Make the emulator trust {certificate}, and route it to"
    )
    click.echo(
        "the suite's XKS proxy. Unchanged, the files fit pytest-xks's own fake KMS:"
    )
    click.echo(
        "  pytest-xks serve --kms-port 5599 "
        f"--connect-to '*.xks.test:443:127.0.0.1:9443' --trust-ca {certificate}"
    )
    click.echo("and then, in another terminal:")
    click.echo(f"  pytest-xks certify kms --target {file}")
