"""The target of ``certify proxy`` without a target: our own mock proxy on loopback."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.certify.target_file import proxy_target_from_document
from pytest_xks.proxy.reference import ReferenceProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.target import ProxyTarget

__all__ = ["embedded_proxy"]


@contextmanager
def embedded_proxy() -> Iterator[tuple[ReferenceProxy, ProxyTarget]]:
    """A running reference proxy and the target that describes it.

    Raises:
        OSError: no port can be had.
    """
    with ReferenceProxy() as proxy:
        document = proxy.target_document()
        target = proxy_target_from_document(document, proxy.directory / "target.toml")
        yield proxy, replace(target, source="embedded mock proxy")
