"""Which occasions a fault is meant for."""

from __future__ import annotations

import pytest

from pytest_xks.faults import Occasion
from pytest_xks.faults.occasion import Filter

ENCRYPT = Occasion(
    operation="Encrypt",
    key_stores=frozenset({"cks-1", "my store"}),
    external_key_ids=frozenset({"first", "second"}),
)


@pytest.mark.parametrize(
    ("chosen", "admitted"),
    [
        ({}, True),
        ({"operation": "Encrypt"}, True),
        ({"operation": "Decrypt"}, False),
        ({"key_store": "cks-1"}, True),
        ({"key_store": "my store"}, True),
        ({"key_store": "cks-2"}, False),
        ({"external_key_id": "second"}, True),
        ({"external_key_id": "third"}, False),
        ({"operation": "Encrypt", "key_store": "cks-2"}, False),
        ({"operation": "Encrypt", "external_key_id": "first"}, True),
    ],
    ids=str,
)
def test_filters(chosen, admitted):
    """All that was chosen has to fit; a key store goes by each of its names."""
    assert Filter(**chosen).admits(ENCRYPT) is admitted


@pytest.mark.parametrize("name", ["operation", "key_store", "external_key_id"])
def test_request_without_anything(name):
    """A request of which nothing is known is for faults without filters only."""
    assert Filter().admits(Occasion())
    assert not Filter(**{name: "x"}).admits(Occasion())


@pytest.mark.parametrize("name", ["operation", "key_store", "external_key_id"])
def test_no_string(name):
    """An object where its name is meant would never fit; it is refused."""
    with pytest.raises(TypeError, match=f"{name} must be a string, not 5"):
        Filter(**{name: 5})
