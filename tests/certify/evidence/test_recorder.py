"""Every exchange of a run is kept whole, in order, in bounded memory."""

from __future__ import annotations

import threading

import pytest

from pytest_xks.certify.evidence.exchange import Exchange, Meaning, Purpose, Received
from pytest_xks.certify.evidence.recorder import Recorder, RunRecorder
from pytest_xks.certify.evidence.spool import Digest, Spool
from pytest_xks.certify.run.side_by_side import side_by_side


def exchange(label="probe", *, body=b"", answer=b"{}"):
    """An exchange with these bodies."""
    return Exchange(
        label=label,
        url="https://proxy.example/kms/xks/v1/health",
        headers=(("Host", "proxy.example"),),
        body=body,
        received=Received(status=200, body=answer),
        milliseconds=1.5,
    )


def test_exchanges_are_kept_whole_and_in_order():
    """A thousand exchanges with long bodies come back as they were."""
    recorder = Recorder()
    kept = [recorder.add(exchange(str(n), body=b"x" * 20_000)) for n in range(1000)]
    assert list(recorder.exchanges) == kept
    assert [each.label for each in kept] == [str(n) for n in range(1000)]


def test_what_is_known_without_reading():
    """A reference has the meaning, the status and the digests of both bodies."""
    recorder = Recorder()
    meaning = Meaning(purpose=Purpose.CONTROL, operation="Encrypt", key_id="foo")
    raw = Exchange(url="https://proxy.example", raw=b"raw", meaning=meaning)
    for each in (exchange(body=b"sent", answer=b"received"), raw):
        recorder.add(each)
    first, second = recorder.recorded
    assert (first.sent, first.received) == (Digest.of(b"sent"), Digest.of(b"received"))
    assert (first.status, first.milliseconds) == (200, 1.5)
    assert (second.sent, second.received) == (Digest.of(b"raw"), None)
    assert (second.meaning, second.status) == (meaning, None)


def test_the_run_has_the_exchanges_of_all_checks():
    """What two checks recorded in turn is in the order of the run."""
    run = RunRecorder()
    first, second = Recorder(run), Recorder(run)
    for recorder, label in ((first, "one"), (second, "two"), (first, "three")):
        recorder.add(exchange(label))
    assert [each.label for each in run.recorded] == ["one", "two", "three"]
    assert [each.label for each in first.recorded] == ["one", "three"]


def test_reference_to_a_recorded_exchange():
    """An exchange that is recorded is not recorded again; another one is."""
    recorder = Recorder()
    kept = recorder.add(exchange("one"))
    recorder.add(exchange("two"))
    assert recorder.reference(kept) is recorder.recorded[0]
    assert recorder.reference(exchange("three")) is recorder.recorded[2]


@pytest.mark.parametrize("jobs", [1, 8])
def test_records_are_in_the_order_of_the_calls(jobs):
    """What finishes last is recorded first, if it was first in the list."""
    recorder = Recorder()
    turns = [threading.Event() for _ in range(4)]

    def call(number):
        if jobs > 1 and number + 1 < len(turns):
            assert turns[number + 1].wait(10)
        for part in ("control", "probe"):
            recorder.add(exchange(f"{part} {number}"))
        turns[number].set()
        return number

    calls = [lambda n=n: call(n) for n in range(4)]
    assert side_by_side(calls, jobs=jobs, recorder=recorder) == [0, 1, 2, 3]
    expected = [f"{part} {n}" for n in range(4) for part in ("control", "probe")]
    assert [each.label for each in recorder.recorded] == expected


@pytest.mark.parametrize("jobs", [1, 8])
def test_every_call_is_made_and_the_first_error_raised(jobs):
    """An error ends no other call: the records do not depend on the number of jobs."""
    recorder = Recorder()

    def call(number):
        recorder.add(exchange(str(number)))
        if number % 2:
            raise ValueError(number)

    with pytest.raises(ValueError, match="1"):
        side_by_side(
            [lambda n=n: call(n) for n in range(4)], jobs=jobs, recorder=recorder
        )
    assert [each.label for each in recorder.recorded] == ["0", "1", "2", "3"]


def test_no_more_calls_at_once_than_jobs():
    """The pool is bounded."""
    at_once, most, lock = 0, 0, threading.Lock()
    pair = threading.Barrier(2, timeout=10)

    def call():
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        pair.wait()
        with lock:
            at_once -= 1

    side_by_side([call] * 8, jobs=2, recorder=Recorder())
    assert most == 2


def test_side_by_side_within_side_by_side():
    """Calls that call several themselves keep the order of the list."""
    recorder = Recorder()

    def call(number):
        inner = [lambda m=m: recorder.add(exchange(f"{number}.{m}")) for m in range(2)]
        side_by_side(inner, jobs=2, recorder=recorder)

    side_by_side([lambda n=n: call(n) for n in range(3)], jobs=3, recorder=recorder)
    labels = [each.label for each in recorder.recorded]
    assert labels == ["0.0", "0.1", "1.0", "1.1", "2.0", "2.1"]


def test_spool_beyond_its_memory():
    """What does not fit into memory is read back from the file."""
    spool = Spool(in_memory_bytes=100)
    places = [spool.keep(bytes([n]) * 60) for n in range(5)]
    assert [spool.read(place) for place in places] == [
        bytes([n]) * 60 for n in range(5)
    ]
