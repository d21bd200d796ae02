"""The catalogue of the fake KMS, and the two ways to write a fault down in it.

A fault replaces steps of the fake (functions marked with ``@step``), or does to every
answer what its effect says::

    row(
        "store-names-not-unique",
        "Two key stores may have one name.",
        Replace(uniqueness.check_name, nothing),
        violates=("KMS-CREATESTORE-021",),
    )
"""

from __future__ import annotations

from pytest_xks.faults import Catalogue
from pytest_xks.kms.desk.operation_names import OPERATION_NAMES

__all__ = ["CATALOGUE", "fault", "nothing", "row"]

_FILES = (
    "desk.errors",
    "desk.protocol",
    "keys.blobs",
    "keys.create_key",
    "keys.cryptography",
    "keys.management",
    "keys.names",
    "keys.states",
    "proxy_calls.answers",
    "proxy_calls.failures",
    "proxy_calls.requests",
    "stores.connection",
    "stores.creation",
    "stores.deletion",
    "stores.descriptions",
    "stores.updates",
)

CATALOGUE = Catalogue(
    owner="the fake KMS",
    operations=OPERATION_NAMES,
    modules=(f"pytest_xks.kms.faults.{file}" for file in _FILES),
)
"""Every fault of the fake KMS."""

fault = CATALOGUE.fault
"""Registers a function that builds effects; ``Catalogue.fault``."""

row = CATALOGUE.row
"""Registers a fault where there is nothing to compute; ``Catalogue.row``."""


def nothing(*_: object, **__: object) -> None:
    """In place of a check: whatever it is, it is fine."""
