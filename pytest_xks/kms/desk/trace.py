"""What a call has to do with: for the operations, for CloudTrail and CloudWatch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.keys.key import NamedKey, XksKey
    from pytest_xks.kms.stores.store import ExternalKeyStore

__all__ = ["Trace"]


@dataclass(slots=True)
class Trace:
    """What a call has to do with, as the operation comes across it.

    It is complete when the call is over, and as far as it goes if the call fails.
    """

    named: Mapping[str, NamedKey] = field(default_factory=dict)
    """The KMS keys that the call names, by the member that names them."""
    keys: list[XksKey] = field(default_factory=list)
    """The keys in external key stores; of ReEncrypt, the source first."""
    store: ExternalKeyStore | None = None
    """The external key store that the call is about."""
    handed_on: Call | None = None
    """The call as moto is to answer it: by the owner's account, with key ids."""
