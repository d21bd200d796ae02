"""Conventions of every operation: the protocol, errors, Regions, what is not said."""

from __future__ import annotations

import base64
import json
import secrets
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.cases import cases, own_key
from ..client.expect import (
    REFUSED,
    VALIDATION,
    Outcome,
    control,
    control_refused,
    expect,
    refused,
    violated,
)
from ..client.judging import judge
from ..stores.store_calls import CreateCalls

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..client.key_stores import Key, KeyStore
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply

ERRORS = [
    pytest.param(
        "DescribeCustomKeyStores",
        {"CustomKeyStoreId": "cks-00000000000000000"},
        "CustomKeyStoreNotFoundException",
        id="CustomKeyStoreNotFoundException",
    ),
    pytest.param(
        "DescribeKey",
        {"KeyId": "00000000-0000-0000-0000-000000000000"},
        "NotFoundException",
        id="NotFoundException",
    ),
    pytest.param(
        "DescribeCustomKeyStores",
        {"Marker": "no page gave this marker"},
        "InvalidMarkerException",
        id="InvalidMarkerException",
    ),
]
"""Calls that fail anywhere, and how."""

CRYPTOGRAPHIC = (
    "Decrypt",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "ReEncrypt",
)

OLDER_EXCEPTION = Outcome(
    "an exception that is older than external key stores",
    lambda reply: (
        reply.code is not None and not reply.code.startswith(("Xks", "CustomKeyStore"))
    ),
)


def _error(
    kms: KmsClient, operation: str, parameters: dict[str, Any], code: str
) -> KmsReply:
    """A call that fails with this exception, as a control."""
    reply = control_refused(kms.call(operation, **parameters))
    if reply.code != code:
        raise NotTestable(f"{operation} answered {reply.code}, and not {code}.")
    return reply


# -- the protocol -----------------------------------------------------------------


@pytest.mark.requirement("KMS-GEN-001")
def test_success_is_aws_json(kms: KmsClient) -> None:
    """A success is a JSON object, and its Content-Type is that of AWS JSON 1.1."""
    reply = kms.call("DescribeCustomKeyStores")
    control(reply)
    _expect_aws_json(reply)


@pytest.mark.requirement("KMS-GEN-001")
@cases(("operation", "parameters", "code"), ERRORS)
def test_error_is_aws_json(
    kms: KmsClient, operation: str, parameters: dict[str, Any], code: str
) -> None:
    """An error is a JSON object, and its Content-Type is that of AWS JSON 1.1."""
    _expect_aws_json(_error(kms, operation, parameters, code))


def _expect_aws_json(reply: KmsReply) -> None:
    kind = reply.header("Content-Type") or "none"
    if kind.partition(";")[0].strip().lower() != "application/x-amz-json-1.1":
        violated(reply, "Content-Type: application/x-amz-json-1.1", kind)
    if not reply.raw:
        violated(reply, "a JSON object", "something else")


@pytest.mark.requirement("KMS-GEN-002")
@cases(("operation", "parameters", "code"), ERRORS)
def test_error_message(
    kms: KmsClient, operation: str, parameters: dict[str, Any], code: str
) -> None:
    """An error has the member message, a string, in lower case."""
    reply = _error(kms, operation, parameters, code)
    if not isinstance(reply.raw.get("message"), str):
        members = ", ".join(sorted(reply.raw)) or "none"
        violated(reply, 'the member "message", a string', f"members: {members}")


@pytest.mark.requirement("KMS-GEN-003")
@cases(("operation", "parameters", "code"), ERRORS)
def test_error_status(
    kms: KmsClient, operation: str, parameters: dict[str, Any], code: str
) -> None:
    """An exception that is the caller's fault has the HTTP status 400."""
    reply = _error(kms, operation, parameters, code)
    if reply.status != 400:
        violated(reply, "HTTP status 400", f"HTTP status {reply.status}")


@pytest.mark.requirement("KMS-GEN-016")
@cases("kind", ["success", "error"])
def test_request_id(kms: KmsClient, kind: str) -> None:
    """Every answer names its request, each by another id."""
    filters = {} if kind == "success" else {"CustomKeyStoreId": "cks-of-nobody"}
    replies = [kms.call("DescribeCustomKeyStores", **filters) for _ in range(2)]
    ids = [reply.request_id for reply in replies]
    if None in ids:
        violated(replies[-1], "a header x-amzn-RequestId", "none")
    if ids[0] == ids[1]:
        violated(replies[-1], "two ids for two requests", f"{ids[0]} twice")


@pytest.mark.requirement("KMS-GEN-017")
@cases(
    "body",
    [
        pytest.param(b"no JSON", id="no-json"),
        pytest.param(b'{"Limit": 10', id="cut-off"),
        pytest.param(b'["Limit", 10]', id="array"),
    ],
)
def test_body_is_no_object(kms: KmsClient, body: bytes) -> None:
    """A body that is no JSON object is the caller's error."""
    control(kms.post("DescribeCustomKeyStores", b'{"Limit": 10}', label="control"))
    expect(kms.post("DescribeCustomKeyStores", body), REFUSED)


@pytest.mark.requirement("KMS-GEN-018")
def test_unknown_operation(kms: KmsClient) -> None:
    """An operation that KMS does not have is the caller's error."""
    control(kms.post("DescribeCustomKeyStores", b"{}", label="control"))
    expect(kms.post("DescribeAllKeyStoresOfTheWorld", b"{}"), REFUSED)


@pytest.mark.requirement("KMS-GEN-010")
@cases(
    "operation",
    [
        "ConnectCustomKeyStore",
        "DeleteCustomKeyStore",
        "DisconnectCustomKeyStore",
        "UpdateCustomKeyStore",
    ],
    stores=1,
)
def test_no_members(kms: KmsClient, provisioner: Provisioner, operation: str) -> None:
    """What returns nothing answers with a JSON object; its members mean nothing."""
    store = provisioner.make_store(kms, connect=operation == "DisconnectCustomKeyStore")
    changes = (
        {"NewCustomKeyStoreName": f"{store.name}-renamed"}
        if operation == "UpdateCustomKeyStore"
        else {}
    )
    reply = kms.call(operation, CustomKeyStoreId=store.id, **changes)
    received = reply.exchange.received
    body = received.body if received else b""
    if reply.status == 200 and not isinstance(_json(body), dict):
        violated(reply, "the body {}", f"the body {body[:200]!r}")
    control(reply)


def _json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError:
        return None


# -- exceptions of cryptographic operations ---------------------------------------


def _cryptographic_calls(kms: KmsClient, key: Key) -> Mapping[str, dict[str, Any]]:
    """Good parameters of each, tried out by an Encrypt."""
    encrypt: dict[str, Any] = {"KeyId": key.arn, "Plaintext": b"plaintext"}
    blob = control(kms.call("Encrypt", label="control: Encrypt", **encrypt)).get(
        "CiphertextBlob"
    )
    data_key = {"KeyId": key.arn, "KeySpec": "AES_256"}
    return {
        "Decrypt": {"CiphertextBlob": blob},
        "Encrypt": encrypt,
        "GenerateDataKey": data_key,
        "GenerateDataKeyWithoutPlaintext": data_key,
        "ReEncrypt": {"CiphertextBlob": blob, "DestinationKeyId": key.arn},
    }


@pytest.mark.requirement("KMS-GEN-004")
@cases("operation", CRYPTOGRAPHIC, key=own_key)
def test_no_new_exception(kms: KmsClient, key: Key, operation: str) -> None:
    """A failure of the proxy has no exception that older programs do not know."""
    parameters = _cryptographic_calls(kms, key)[operation]
    control(kms.call(operation, label="control: a good proxy", **parameters))
    with key.proxy.failing("AccessDeniedException", 403):
        expect(control_refused(kms.call(operation, **parameters)), OLDER_EXCEPTION)


@pytest.mark.requirement("KMS-GEN-005")
@cases("operation", CRYPTOGRAPHIC, key=own_key)
def test_invalid_state_while_the_proxy_refuses(
    kms: KmsClient, key: Key, operation: str
) -> None:
    """What is wrong with the proxy is a KMSInvalidStateException."""
    parameters = _cryptographic_calls(kms, key)[operation]
    control(kms.call(operation, label="control: all is well", **parameters))
    with key.proxy.failing("AccessDeniedException", 403):
        _expect_invalid_state(kms, operation, parameters)


@pytest.mark.requirement("KMS-GEN-005")
def test_invalid_state_while_disconnected(
    kms: KmsClient, provisioner: Provisioner, other_store: KeyStore
) -> None:
    """What is wrong with the connection is a KMSInvalidStateException."""
    calls = _cryptographic_calls(kms, provisioner.shared_key(kms, "other"))
    label = "control: all is well"
    for reply in kms.side_by_side(
        partial(kms.call, operation, label=label, **parameters)
        for operation, parameters in calls.items()
    ):
        control(reply)
    provisioner.disconnect(kms, other_store)
    judge(
        kms,
        {
            operation: partial(_expect_invalid_state, kms, operation, parameters)
            for operation, parameters in calls.items()
        },
    )


def _expect_invalid_state(
    kms: KmsClient, operation: str, parameters: Mapping[str, Any]
) -> None:
    reply = kms.call(operation, **parameters)
    expect(control_refused(reply), refused("KMSInvalidStateException"))


# -- Regions ----------------------------------------------------------------------


def _elsewhere(kms: KmsClient) -> str:
    return "eu-west-1" if kms.target.region != "eu-west-1" else "us-west-2"


@pytest.mark.requirement("KMS-GEN-009")
@cases("member", ["CustomKeyStoreId", "CustomKeyStoreName"])
def test_store_of_another_region(kms: KmsClient, store: KeyStore, member: str) -> None:
    """A key store is known in its own Region, and in no other one."""
    filters = {"CustomKeyStoreId": store.id, "CustomKeyStoreName": store.name}
    wanted = {member: filters[member]}
    region = _elsewhere(kms)
    control(kms.call("DescribeCustomKeyStores", label="control: here", **wanted))
    control(
        kms.call("DescribeCustomKeyStores", label="control: elsewhere", region=region)
    )
    reply = kms.call("DescribeCustomKeyStores", region=region, **wanted)
    expect(reply, refused("CustomKeyStoreNotFoundException"))


# -- validation -------------------------------------------------------------------


@pytest.mark.requirement("KMS-GEN-011")
@pytest.mark.parametrize(
    ("member", "value"),
    [
        pytest.param("CustomKeyStoreName", "x" * 257, id="length"),
        pytest.param("XksProxyUriPath", "/kms/xks/v1/", id="pattern"),
        pytest.param("XksProxyConnectivity", "PIGEON", id="enum"),
    ],
)
def test_validation(
    kms: KmsClient, provisioner: Provisioner, member: str, value: str
) -> None:
    """What the service model rules out is a ValidationException before all else."""
    calls = CreateCalls(kms, provisioner, provisioner.probe_proxy.open_store())
    with provisioner.probe_proxy.watching() as asked:
        reply = calls.call(**{member: value})
        heard = len(asked())
    control_refused(reply)
    control(calls.call(label="control: without the defect"))
    expect(reply, VALIDATION)
    if heard:
        violated(reply, "no request to the proxy", f"{heard} requests")


@pytest.mark.requirement("KMS-GEN-014")
@cases("member", ["AccessKeyId", "RawSecretAccessKey"], stores=1)
def test_bad_credential_is_not_echoed(
    kms: KmsClient, provisioner: Provisioner, member: str
) -> None:
    """The answer to a malformed credential does not repeat it."""
    calls = CreateCalls(kms, provisioner, provisioner.probe_proxy.open_store())
    bad = f"{secrets.token_hex(16)}!"
    credential = {**calls.proxy.credential, member: bad}
    reply = calls.call(XksProxyAuthenticationCredential=credential)
    _expect_absent(control_refused(reply), bad)


@pytest.mark.requirement("KMS-GEN-014")
def test_plaintext_is_not_echoed(kms: KmsClient, key: Key) -> None:
    """The answer to a plaintext that is too long does not repeat it."""
    plaintext = secrets.token_bytes(4097)
    reply = kms.call("Encrypt", KeyId=key.arn, Plaintext=plaintext)
    _expect_absent(control_refused(reply), base64.b64encode(plaintext).decode()[:64])


def _expect_absent(reply: KmsReply, value: str) -> None:
    received = reply.exchange.received
    if received and value.encode() in received.body:
        violated(reply, "an answer without the sensitive value", "an answer with it")
