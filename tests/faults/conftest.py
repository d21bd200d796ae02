"""An owner of faults: small, and with each kind of effect."""

from __future__ import annotations

import itertools
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pytest_xks.faults import (
    Catalogue,
    Delay,
    Edit,
    Effect,
    End,
    Error,
    FaultBoard,
    Latency,
    Listen,
    Occasion,
    Replace,
)


@pytest.fixture
def catalogue():
    """The faults of a small proxy."""
    catalogue = Catalogue(
        owner="the small proxy", operations=["Encrypt", "Decrypt"], modules=[]
    )

    @catalogue.fault(keywords=("sluggish",))
    def delay(milliseconds: Latency = 1000) -> Effect:
        """Answers late; KMS waits 250 ms."""
        return Delay(milliseconds)

    @catalogue.fault(operations=("Decrypt",), violates=("XKS-DEC-001",))
    def decrypt_ignores_aad() -> Effect:
        """Decrypts whatever the AAD says."""
        return Replace("bind", lambda _proceed, *_: b"")

    def counting() -> Effect:
        numbers = itertools.count(1)
        return Edit(lambda document: document.update(number=next(numbers)))

    catalogue.row("counts-answers", "Numbers its answers.", counting)
    catalogue.row("silence", "Takes the request and never answers.", End("silence"))
    catalogue.row(
        "ThrottlingException",
        "Answers 429 ThrottlingException.",
        Error("ThrottlingException"),
    )
    catalogue.row(
        "connection-refused", "Refuses TCP connections.", Listen("connection-refused")
    )
    catalogue.row(
        "certificate-expired",
        "Presents a certificate that has expired.",
        Listen("certificate-expired"),
    )
    return catalogue


@pytest.fixture
def board(catalogue):
    """What is armed in the small proxy, which counts refused connections."""
    return FaultBoard(catalogue, counted=["connection-refused"])


@pytest.fixture
def strikes(board):
    """Ask whether the faults that are armed strike one request."""

    def ask(**occasion):
        return [chance.strikes() for chance in board.at(Occasion(**occasion))]

    return ask


@pytest.fixture
def in_threads():
    """Call something in 32 threads at once, which take turns as often as they can."""

    def call(function, times):
        start = threading.Barrier(32)

        def work(_):
            start.wait(timeout=60)
            return [function() for _ in range(times)]

        with ThreadPoolExecutor(32) as pool:
            return [each for answers in pool.map(work, range(32)) for each in answers]

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield call
    sys.setswitchinterval(before)
