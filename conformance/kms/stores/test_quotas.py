"""Quotas of an account in a Region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.expect import control, expect, refused, violated
from .store_calls import CreateCalls
from .store_states import pages

if TYPE_CHECKING:
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply

QUOTA = 10
MOST = 20
"""How many key stores the account may come to have before the check gives up."""


def _create(kms: KmsClient, provisioner: Provisioner) -> KmsReply:
    """Create one more key store, which is removed with the check."""
    return CreateCalls(kms, provisioner, provisioner.probe_proxy.open_store()).call()


@pytest.mark.requirement("KMS-QUOTA-001")
def test_custom_key_stores(kms: KmsClient, provisioner: Provisioner) -> None:
    """Beside ten key stores, another one is a LimitExceededException.

    The quota may be adjusted: it is never under ten, and may be over it.
    """
    control(_create(kms, provisioner))
    listed = (reply.document.get("CustomKeyStores") or [] for reply in pages(kms))
    there = sum(len(stores) for stores in listed)
    for count in range(there, MOST):
        reply = _create(kms, provisioner)
        if reply.succeeded:
            continue
        if str(reply.code).startswith("XksProxy"):
            control(reply)  # The proxy, and not the quota: this tells nothing.
        expect(reply, refused("LimitExceededException"))
        if count < QUOTA:
            violated(reply, f"room for {QUOTA} key stores", f"room for {count}")
        return
    raise NotTestable(f"The endpoint takes {MOST} key stores in one account.")
