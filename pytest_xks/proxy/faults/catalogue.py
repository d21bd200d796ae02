"""The catalogue of the mock proxy, and the two ways to write a fault down in it."""

from __future__ import annotations

from pytest_xks.faults import Catalogue
from pytest_xks.proxy_api.errors import Operation

__all__ = ["CATALOGUE", "fault", "row"]

_FILES = (
    "answers",
    "authentication.clock",
    "authentication.coverage",
    "authentication.payload",
    "authentication.presence",
    "authentication.scope",
    "authentication.spelling",
    "authentication.telling",
    "cryptography.decryption",
    "cryptography.encryption",
    "cryptography.exactness",
    "cryptography.integrity",
    "cryptography.vectors",
    "health",
    "leaks",
    "log",
    "metadata",
    "policies",
    "request_metadata",
    "requests",
    "wire",
)

CATALOGUE = Catalogue(
    owner="the mock XKS proxy",
    operations=Operation,
    modules=(f"pytest_xks.proxy.faults.{file}" for file in _FILES),
)
"""Every fault of the mock proxy."""

fault = CATALOGUE.fault
"""Registers a function that builds effects; ``Catalogue.fault``."""

row = CATALOGUE.row
"""Registers a fault where there is nothing to compute; ``Catalogue.row``."""
