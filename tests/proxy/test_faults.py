"""Arming a fault, hitting it, and being good again."""

from __future__ import annotations

import json

import pytest

from pytest_xks.http.client import (
    ConnectFailure,
    ConnectionLost,
    MalformedResponse,
    TlsFailure,
    TransportTimeout,
)
from pytest_xks.proxy.faults.catalogue import CATALOGUE
from pytest_xks.proxy_api.errors import ERRORS

ENCRYPT = {"plaintext": "SGVsbG8gV29ybGQh", "encryptionAlgorithm": "AES_GCM"}
OPERATIONS = ["GetKeyMetadata", "Encrypt", "Decrypt", "GetHealthStatus"]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("name", [name.value for name in ERRORS])
def test_every_error_name_for_each_operation(proxy, assert_xks_error, name, operation):
    """Every error name can be had from each operation, with the status it goes with."""
    proxy.fault(name, operation=operation)
    key = None if operation == "GetHealthStatus" else "usable"

    assert_xks_error(proxy.call(operation, key), ERRORS[name].status, name)


def test_error_with_a_message(proxy):
    """The errorMessage of an error can be chosen."""
    proxy.fault("InternalException", message="the HSM is on fire")

    document = json.loads(proxy.call("GetHealthStatus").body)

    assert document["errorMessage"] == "the HSM is on fire"


def test_fault_of_one_operation(proxy):
    """A fault concerns the operation it is armed for and no other."""
    proxy.fault("ThrottlingException", operation="Encrypt")

    assert proxy.call("Encrypt", "usable", ENCRYPT).status == 429
    assert proxy.call("GetHealthStatus").status == 200


def test_fault_of_one_external_key(proxy):
    """A fault concerns the external key it is armed for and no other."""
    proxy.fault("InternalException", external_key_id="second")

    assert proxy.call("GetKeyMetadata", "usable").status == 200
    assert proxy.call("GetKeyMetadata", "second").status == 500


def test_fault_a_number_of_times(proxy):
    """After so many hits the proxy behaves again."""
    proxy.fault("InternalException", times=2)

    statuses = [proxy.call("GetHealthStatus").status for _ in range(3)]

    assert statuses == [500, 500, 200]


def test_fault_as_a_context_manager(proxy):
    """At the end of the block the proxy behaves again, and the hits are known."""
    with proxy.fault("InternalException") as armed:
        inside = proxy.call("GetHealthStatus").status
    outside = proxy.call("GetHealthStatus").status

    assert (inside, outside, armed.hits) == (500, 200, 1)


def test_journal_names_the_fault(proxy):
    """An answer that a fault changed is marked in the journal."""
    proxy.fault("wrong-status", status=418)
    proxy.call("GetHealthStatus")

    assert proxy.requests[-1].fault == "wrong-status"
    assert proxy.requests[-1].status == 418


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        pytest.param(
            {"name": "wrong-statu"}, LookupError, "wrong-status", id="unknown name"
        ),
        pytest.param(
            {"name": "delay", "seconds": 1}, TypeError, "milliseconds", id="option"
        ),
        pytest.param(
            {"name": "delay", "milliseconds": -1}, ValueError, "negative", id="value"
        ),
        pytest.param({"name": "delay", "times": 0}, ValueError, "times", id="times"),
        pytest.param(
            {"name": "delay", "operation": "Sign"}, ValueError, "Sign", id="operation"
        ),
    ],
)
def test_fault_that_makes_no_sense(proxy, arguments, error, said):
    """A slip in arming a fault is told, with what would have been right."""
    with pytest.raises(error, match=said):
        proxy.fault(**arguments)


@pytest.mark.parametrize("transport", ["in-process", "https"])
@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("connection-closed", ConnectionLost),
        ("connection-reset", ConnectionLost),
        ("response-truncated", ConnectionLost),
        ("response-garbage", MalformedResponse),
        ("silence", TransportTimeout),
        ("connection-refused", ConnectFailure),
        ("certificate-expired", TlsFailure),
        ("certificate-not-yet-valid", TlsFailure),
        ("certificate-wrong-host", TlsFailure),
        ("certificate-unknown-ca", TlsFailure),
        ("certificate-self-signed", TlsFailure),
    ],
)
def test_faults_of_the_wire(proxy, transport, name, error):
    """A fault of the wire raises the same in-process as over HTTPS, and then heals."""
    if transport == "https":
        proxy.start_https()

    timeout_ms = 100 if error is TransportTimeout else 10_000

    with proxy.fault(name), pytest.raises(error):
        proxy.call("GetHealthStatus", timeout_ms=timeout_ms)

    assert proxy.call("GetHealthStatus", timeout_ms=10_000).status == 200


@pytest.mark.parametrize("transport", ["in-process", "https"])
def test_delay_beyond_the_deadline(proxy, transport):
    """KMS's 250 ms run out when the proxy takes longer."""
    if transport == "https":
        proxy.start_https()

    with proxy.fault("delay", milliseconds=300), pytest.raises(TransportTimeout):
        proxy.call("GetHealthStatus", timeout_ms=250)


def test_delay_in_process_passes_on_the_simulated_clock(proxy):
    """A delay within the deadline moves the simulated clock, and the answer comes."""
    before = proxy.clock.monotonic()
    proxy.fault("delay", milliseconds=60_000)

    assert proxy.call("GetHealthStatus", timeout_ms=61_000).status == 200
    assert proxy.clock.monotonic() - before >= 60


@pytest.mark.parametrize(
    "fault", CATALOGUE.all().values(), ids=lambda fault: fault.name
)
def test_every_fault_explains_itself(fault):
    """Each fault says in one sentence what the faulty proxy does."""
    assert fault.summary.endswith(".")
    assert "\n" not in fault.summary


@pytest.mark.parametrize("transport", ["in-process", "https"])
@pytest.mark.parametrize(
    ("schedule", "statuses"),
    [
        pytest.param({"times": 2}, [500, 500, 200, 200, 200, 200], id="times"),
        pytest.param({"after": 4}, [200, 200, 200, 200, 500, 500], id="after"),
        pytest.param({"every": 3}, [200, 200, 500, 200, 200, 500], id="every"),
    ],
)
def test_schedule(proxy, transport, schedule, statuses):
    """A fault strikes when it is meant to, over both transports."""
    if transport == "https":
        proxy.start_https()
    proxy.fault("InternalException", **schedule)

    answers = [proxy.call("GetHealthStatus", timeout_ms=10_000) for _ in statuses]

    assert [each.status for each in answers] == statuses


def test_rate(proxy):
    """Five of a hundred requests time out, the same ones with the same seed."""
    runs = []
    for _ in range(2):
        with proxy.fault("ThrottlingException", rate=0.05, seed=11):
            runs.append([proxy.call("GetHealthStatus").status for _ in range(200)])

    assert runs[0] == runs[1]
    assert 1 <= runs[0].count(429) <= 25


def test_fault_of_one_key_store(proxy):
    """A fault concerns the key store that it is armed for and no other."""
    other = proxy.add_store("/other/kms/xks/v1")
    proxy.fault("InternalException", key_store=other.uri_path)

    assert proxy.call("GetHealthStatus").status == 200


def test_fault_that_was_not_reached(proxy):
    """A fault is hit when the step that it changes is reached, not before."""
    armed = proxy.fault("wrong-cdiv")
    proxy.call("GetHealthStatus")

    assert armed.hits == 0


def test_fault_of_connections_is_not_choosy(proxy):
    """What acts on connections cannot be told to look at requests."""
    with pytest.raises(ValueError, match="acts on connections"):
        proxy.fault("certificate-expired", operation="Encrypt")


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("timeout", "delay"),
        ("outage", "InternalException"),
        ("slow", "delay"),
        ("expired certificate", "certificate-expired"),
    ],
)
def test_wrong_name(proxy, words, meant):
    """A name that is none is answered with what was meant."""
    with pytest.raises(LookupError, match=meant):
        proxy.fault(words)
