"""Exceptions that come whatever was asked, and answers that come late."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pytest_xks.faults import Delay, Error, Latency
from pytest_xks.kms.desk.exceptions import ErrorCode
from pytest_xks.kms.faults.catalogue import fault, row

if TYPE_CHECKING:
    from pytest_xks.faults import Effect

# KMS-GEN: exceptions that any operation may meet, and that no external key store leads
# to; the service model has them.
_MORE = ("DependencyTimeoutException", "KeyUnavailableException")

for _code in (*map(str, ErrorCode), *_MORE):
    row(_code, f"Answers {_code}, whatever was asked.", partial(Error, _code))


@fault(keywords=("latency",))
def delay(milliseconds: Latency = 1000) -> Effect:
    """Answers late."""
    return Delay(milliseconds)
