"""Calls of one check side by side, over a bounded pool of threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_xks.certify.evidence.recorder import Lane, Recorder

__all__ = ["side_by_side"]

T = TypeVar("T")


def side_by_side(
    calls: Sequence[Callable[[], T]], *, jobs: int, recorder: Recorder
) -> list[T]:
    """Make independent calls side by side; results and records are in their order.

    Every call is made, whatever became of the others: with one job as with many, the
    records are the same.

    Args:
        calls: what to call.
        jobs: how many at once.
        recorder: where the calls record what they exchange.

    Raises:
        Exception: that of the first of the calls that raised one.
    """
    if not calls:
        return []
    lanes: list[Lane] = [[] for _ in calls]

    def made(call: Callable[[], T], lane: Lane) -> T:
        with recorder.lane(lane):
            return call()

    pool = ThreadPoolExecutor(min(jobs, len(calls)), thread_name_prefix="probe")
    try:
        started = [pool.submit(made, *each) for each in zip(calls, lanes, strict=True)]
        for each in started:
            each.exception()
    finally:
        # After Ctrl-C, what has not begun does not begin.
        pool.shutdown(cancel_futures=True)
        recorder.join(lanes)
    return [each.result() for each in started]
