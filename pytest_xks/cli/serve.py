"""``pytest-xks serve``: a fake KMS and a mock proxy for programs in any language."""

from __future__ import annotations

from typing import Any

import click

from pytest_xks.cli.shared import FILE

__all__ = ["serve"]


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Listen on ADDRESS.",
)
@click.option(
    "--kms-port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port of the fake KMS; by default any free one.",
)
@click.option(
    "--proxy-port",
    type=click.IntRange(0, 65535),
    default=0,
    help="Port of the mock proxy; by default any free one.",
)
@click.option(
    "--ready-file",
    type=FILE,
    metavar="FILE",
    help="Once both servers answer, write addresses and credentials to FILE, as JSON.",
)
@click.option(
    "--target-file",
    type=FILE,
    metavar="FILE",
    help="Write a target file for the mock proxy to FILE.",
)
@click.option(
    "--connect-to",
    multiple=True,
    metavar="HOST:443:ADDRESS:PORT",
    help="Route HOST:443 to ADDRESS:PORT; HOST may begin with '*.'; repeatable.",
)
@click.option(
    "--trust-ca",
    type=FILE,
    multiple=True,
    metavar="FILE",
    help="Trust the CA certificate in FILE (PEM) when the fake KMS calls a proxy; "
    "repeatable.",
)
@click.option(
    "--behaviour",
    multiple=True,
    metavar="NAME=VALUE",
    help="Choose what the fake KMS does where AWS contradicts itself; repeatable.",
)
@click.option(
    "--proxy-timeout-ms",
    type=click.FloatRange(min=0, min_open=True),
    default=250.0,
    show_default=True,
    metavar="MS",
    help="How long a proxy of --connect-to or --reach-out may take. KMS waits 250 ms; "
    "a slow machine needs more.",
)
@click.option(
    "--reach-out",
    is_flag=True,
    help="Look proxies that --connect-to does not route up on the real network.",
)
@click.option(
    "--allow-host",
    multiple=True,
    metavar="NAME",
    help="Accept NAME in the Host of requests to the fake KMS, besides localhost and "
    "--host; repeatable.",
)
@click.option(
    "--until-end-of-input",
    is_flag=True,
    help="Also stop when standard input is closed, such as by the end of the parent "
    "process.",
)
def serve(**options: Any) -> None:  # noqa: ANN401 - those above; ServeOptions types them
    """Run a fake KMS and a mock XKS proxy until SIGTERM or Ctrl-C.

    The fake KMS listens over HTTP, the mock proxy over HTTPS. A connected external key
    store exists from the start, and the output says how to use it.
    """
    from pytest_xks.serve import command  # noqa: PLC0415 - slow, not for --help

    command.serve(command.ServeOptions(**options), click.echo)
