"""Quotas of an account in a Region."""

from __future__ import annotations

from functools import partial
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
    provisioner.room()  # What is left of other checks goes first, and not meanwhile.
    control(_create(kms, provisioner))
    listed = (reply.document.get("CustomKeyStores") or [] for reply in pages(kms))
    there = sum(len(stores) for stores in listed)
    create = partial(_create, kms, provisioner)
    # The last of them alone: calls at once may slip past a limit.
    replies = kms.side_by_side([create] * max(QUOTA - there - 2, 0))
    failed = next((reply for reply in replies if not reply.succeeded), None)
    there += sum(reply.succeeded for reply in replies)
    while failed is None and there < MOST:
        reply = create()
        if reply.succeeded:
            there += 1
        else:
            failed = reply
    if failed is None:
        raise NotTestable(f"The endpoint takes {MOST} key stores in one account.")
    if str(failed.code).startswith("XksProxy"):
        control(failed)  # The proxy, and not the quota: this tells nothing.
    expect(failed, refused("LimitExceededException"))
    if there < QUOTA:
        violated(failed, f"room for {QUOTA} key stores", f"room for {there}")
