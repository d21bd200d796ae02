"""KMS's client of the proxy: what it sends, how long it waits, what it accepts."""

from __future__ import annotations

import base64
import socket
from typing import TYPE_CHECKING, Any

import pytest

from pytest_xks.http.client import TransportTimeout
from pytest_xks.kms.behaviour import ProxyReliability, Timeouts
from pytest_xks.proxy_api.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.proxy_api.http import Request

    from ..conftest import AssertKmsError, System

TIME_OUT = (
    "AWS KMS rejected the request because the external key store proxy did not respond "
    "in time. Retry the request. If you see this error repeatedly, report it to your "
    "external key store proxy administrator."
)
CANNOT_INTERPRET = (
    "AWS KMS cannot interpret the response from the external key store proxy. If you "
    "see this error repeatedly, report it to your external key store proxy "
    "administrator."
)


class Scripted:
    """A way to a proxy that answers as it is told, then as the real one does."""

    def __init__(self, system: System, *answers: object) -> None:
        self._inner = system.proxy.transport
        self._answers = list(answers)
        self.requests: list[Request] = []
        self.timeouts: list[float] = []
        system.fake.connect_to(system.endpoint, self)

    def send(self, request: Request, *, timeout_ms: float) -> Response:
        """Note the request; raise, answer, or pass it on."""
        self.requests.append(request)
        self.timeouts.append(timeout_ms)
        if not self._answers:
            return self._inner.send(request, timeout_ms=timeout_ms)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Response)
        return answer


def test_the_request_on_the_wire(system: System):
    """POST, JSON, no query, signed over host and date, to the path of the key."""
    key = system.create_key()
    if system.https:
        # Over HTTPS the mock proxy has verified the same; here its journal is enough.
        system.kms.encrypt(KeyId=key, Plaintext=b"x")
        entry = system.proxy.requests[-1]
        assert f"{system.proxy.uri_path}/keys/usable/encrypt" == entry.path
        return
    wire = Scripted(system)
    system.kms.encrypt(KeyId=key, Plaintext=b"x")
    (request,) = wire.requests
    assert "POST" == request.method
    assert f"{system.proxy.uri_path}/keys/usable/encrypt" == request.target
    assert "application/json" == request.header("Content-Type")
    assert system.endpoint.removeprefix("https://") == request.header("Host")
    authorization = request.header("Authorization") or ""
    assert "/us-east-1/kms-xks-proxy/aws4_request" in authorization
    assert "SignedHeaders=host;x-amz-date" in authorization
    assert [250] == wire.timeouts


@pytest.mark.parametrize(
    ("switch", "attempts"), [(Timeouts.RETRY_ONCE, 2), (Timeouts.FAIL, 1)]
)
def test_time_outs(
    local_system: System,
    switch: Timeouts,
    attempts: int,
    assert_kms_error: AssertKmsError,
):
    """A network time-out is retried once, with the same body."""
    local_system.fake.behaviour.timeouts = switch
    key = local_system.create_key()
    wire = Scripted(local_system, TransportTimeout(""), TransportTimeout(""))
    assert_kms_error(
        lambda: local_system.kms.encrypt(KeyId=key, Plaintext=b"x"),
        "KMSInvalidStateException",
        TIME_OUT,
    )
    assert attempts == len(wire.requests)
    assert 1 == len({request.body for request in wire.requests})


def test_the_second_attempt_may_succeed(local_system: System):
    """The caller notices nothing."""
    key = local_system.create_key()
    wire = Scripted(local_system, TransportTimeout(""))
    assert local_system.kms.encrypt(KeyId=key, Plaintext=b"x")
    assert 2 == len(wire.requests)


def test_250_ms_on_the_simulated_clock(local_system: System, assert_kms_error):
    """249 ms are in time; 250 are not, and nobody waits for them."""
    key = local_system.create_key()
    with local_system.proxy.fault("delay", milliseconds=249):
        assert local_system.kms.encrypt(KeyId=key, Plaintext=b"x")
    with local_system.proxy.fault("delay", milliseconds=250):
        assert_kms_error(
            lambda: local_system.kms.encrypt(KeyId=key, Plaintext=b"x"),
            "KMSInvalidStateException",
        )


@pytest.mark.parametrize(
    "fault",
    ["InternalException", "DependencyTimeoutException", "silence", "connection-closed"],
)
def test_a_reliable_proxy(local_system: System, fault: str, assert_kms_error):
    """Of a reliable proxy these are an error that SDKs retry."""
    local_system.fake.behaviour.proxy_reliability = ProxyReliability.RELIABLE
    key = local_system.create_key()
    local_system.proxy.fault(fault)
    error = assert_kms_error(
        lambda: local_system.kms.encrypt(KeyId=key, Plaintext=b"x"),
        "KMSInternalException",
    )
    assert 500 == error.response["ResponseMetadata"]["HTTPStatusCode"]


def test_a_reliable_proxy_that_nothing_listens_for(
    local_system: System, assert_kms_error
):
    """Cannot communicate: as a reliable proxy that is late, with its own text."""
    local_system.fake.behaviour.proxy_reliability = ProxyReliability.RELIABLE
    key = local_system.create_key()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = closed.getsockname()
    local_system.fake.connect_to(local_system.endpoint, address)
    error = assert_kms_error(
        lambda: local_system.kms.encrypt(KeyId=key, Plaintext=b"x"),
        "KMSInternalException",
    )
    message = error.response["Error"]["Message"]
    assert message.startswith("AWS KMS cannot communicate with the external key store")


def test_reliability_changes_nothing_else(local_system: System, assert_kms_error):
    """Throttling stays what it is."""
    local_system.fake.behaviour.proxy_reliability = ProxyReliability.RELIABLE
    key = local_system.create_key()
    local_system.proxy.fault("ThrottlingException")
    assert_kms_error(
        lambda: local_system.kms.encrypt(KeyId=key, Plaintext=b"x"),
        "KMSInvalidStateException",
    )


# -- answers ----------------------------------------------------------------------


def answer(status: int, body: bytes) -> Response:
    """A response of a proxy."""
    return Response(
        status=status, headers=(("Content-Type", "application/json"),), body=body
    )


NO_ANSWERS = {
    "no-json": answer(200, b"fine"),
    "nothing": answer(200, b""),
    "a-list": answer(200, b"[]"),
    "not-utf-8": answer(200, b'{"plaintext": "\xff"}'),
    "members-missing": answer(200, b"{}"),
    "error-without-json": answer(500, b"<html>"),
    "error-without-name": answer(500, b'{"message": "no"}'),
    "unknown-name": answer(400, b'{"errorName": "TeapotException"}'),
    "name-is-no-text": answer(400, b'{"errorName": 7}'),
    "redirect": answer(302, b"{}"),
    "twice-a-member": answer(200, b'{"plaintext": "AA==", "plaintext": "AA=="}'),
}


@pytest.mark.parametrize(
    "response", [pytest.param(value, id=name) for name, value in NO_ANSWERS.items()]
)
def test_what_is_no_answer(
    local_system: System, response: Response, assert_kms_error: AssertKmsError
):
    """Malformed answers all give one exception with one text."""
    key = local_system.create_key()
    blob = local_system.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    Scripted(local_system, response)
    assert_kms_error(
        lambda: local_system.kms.decrypt(CiphertextBlob=blob),
        "KMSInvalidStateException",
        CANNOT_INTERPRET,
    )


def test_the_name_counts_and_not_the_status(local_system: System, assert_kms_error):
    """A wrong status under a known name is no matter."""
    store_id = local_system.connected_store()
    Scripted(local_system, answer(418, b'{"errorName": "KeyNotFoundException"}'))
    assert_kms_error(
        lambda: local_system.create_key(store_id), "XksKeyNotFoundException"
    )


def encoded(length: int) -> str:
    """So many zero bytes in Base64."""
    return base64.b64encode(bytes(length)).decode()


ENCRYPT_EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "no-ciphertext": lambda document: document.pop("ciphertext"),
    "no-iv": lambda document: document.pop("initializationVector"),
    "no-tag": lambda document: document.pop("authenticationTag"),
    "no-cdiv": lambda document: document.pop("ciphertextDataIntegrityValue"),
    "short-ciphertext": lambda document: document.update(ciphertext=encoded(3)),
    "iv-of-13-bytes": lambda document: document.update(
        initializationVector=encoded(13)
    ),
    "tag-of-12-bytes": lambda document: document.update(authenticationTag=encoded(12)),
    "metadata-of-21-bytes": lambda document: document.update(
        ciphertextMetadata=encoded(21)
    ),
    "another-cdiv": lambda document: document.update(
        ciphertextDataIntegrityValue=encoded(32)
    ),
    "url-safe-base64": lambda document: document.update(
        initializationVector="-_-_-_-_-_-_-_-_"
    ),
    "iv-is-a-number": lambda document: document.update(initializationVector=7),
}


@pytest.mark.parametrize(
    "edit", [pytest.param(edit, id=name) for name, edit in ENCRYPT_EDITS.items()]
)
def test_answers_to_encrypt(
    local_system: System, edit: Callable[[dict[str, Any]], object], assert_kms_error
):
    """Every member is checked, the CDIV recomputed, and no data key given out."""
    key = local_system.create_key()
    local_system.tamper(edit)
    assert_kms_error(
        lambda: local_system.kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
        "KMSInvalidStateException",
        CANNOT_INTERPRET,
    )


KEY_METADATA_EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "no-spec": lambda document: document.pop("keySpec"),
    "no-usage": lambda document: document.pop("keyUsage"),
    "no-status": lambda document: document.pop("keyStatus"),
    "usage-is-text": lambda document: document.update(keyUsage="ENCRYPT"),
    "usage-of-numbers": lambda document: document.update(keyUsage=[1, 2]),
    "eleven-usages": lambda document: document.update(keyUsage=["ENCRYPT"] * 11),
    "unknown-status": lambda document: document.update(keyStatus="PENDING"),
    "endless-spec": lambda document: document.update(keySpec="x" * 10_000),
    "spec-with-control-characters": lambda document: document.update(keySpec="\x1b[2J"),
}


@pytest.mark.parametrize(
    "edit", [pytest.param(edit, id=name) for name, edit in KEY_METADATA_EDITS.items()]
)
def test_answers_to_get_key_metadata(
    local_system: System, edit: Callable[[dict[str, Any]], object], assert_kms_error
):
    """Every member is checked."""
    store_id = local_system.connected_store()
    local_system.tamper(edit)
    assert_kms_error(
        lambda: local_system.create_key(store_id),
        "CustomKeyStoreInvalidStateException",
        CANNOT_INTERPRET,
    )


HEALTH_EDITS: dict[str, Callable[[dict[str, Any]], object]] = {
    "no-size": lambda document: document.pop("xksProxyFleetSize"),
    "size-zero": lambda document: document.update(xksProxyFleetSize=0),
    "size-true": lambda document: document.update(xksProxyFleetSize=True),
    "no-vendor": lambda document: document.pop("xksProxyVendor"),
    "no-model": lambda document: document.pop("xksProxyModel"),
    "no-ekm-vendor": lambda document: document.pop("ekmVendor"),
    "no-managers": lambda document: document.update(ekmFleetDetails=[]),
    "eleven-managers": lambda document: document.update(
        ekmFleetDetails=document["ekmFleetDetails"][:1] * 11
    ),
    "manager-is-text": lambda document: document.update(ekmFleetDetails=["ekm"]),
    "unknown-status": lambda document: document["ekmFleetDetails"][0].update(
        healthStatus="FINE"
    ),
}


@pytest.mark.parametrize(
    "edit", [pytest.param(edit, id=name) for name, edit in HEALTH_EDITS.items()]
)
def test_answers_to_get_health_status(
    local_system: System, edit: Callable[[dict[str, Any]], object], assert_kms_error
):
    """Every member is checked."""
    local_system.tamper(edit)
    assert_kms_error(
        local_system.create_store, "XksProxyInvalidResponseException", CANNOT_INTERPRET
    )


def test_one_manager_that_can_serve_is_enough(local_system: System):
    """Only if all are UNAVAILABLE, creation fails."""

    def degrade(document: dict[str, Any]) -> None:
        first, *others = document["ekmFleetDetails"]
        unavailable = [{**each, "healthStatus": "UNAVAILABLE"} for each in others]
        degraded = {**first, "healthStatus": "DEGRADED"}
        document["ekmFleetDetails"] = [degraded, *unavailable]

    local_system.tamper(degrade)
    assert local_system.create_store()


def test_texts_of_get_health_status(local_system: System):
    """Vendors, models and ids may be long, in any script, and empty."""

    def edit(document: dict[str, Any]) -> None:
        if "ekmFleetDetails" not in document:
            return
        detail = document["ekmFleetDetails"][0]
        document["ekmFleetDetails"] = [
            {**detail, "id": "鑰" * 300, "model": "a\nb"},
        ]
        document.update(xksProxyVendor="x" * 5000, xksProxyModel="", ekmVendor="\u202e")

    local_system.tamper(edit)
    store = local_system.connected_store()

    assert "CONNECTED" == local_system.describe_store(store)["ConnectionState"]
    assert "x" * 5000 == local_system.fake.check_health(store).xks_proxy_vendor
