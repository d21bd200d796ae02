"""What a failure of the proxy becomes: exceptions, ConnectionErrorCodes, messages.

The table is in ``failure_table``; every cell of it is a check.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.cases import cases
from ..client.expect import (
    REFUSED,
    SUCCEEDS,
    control,
    control_refused,
    expect,
    expect_message,
    refused,
    violated,
)
from .attempts import KmsOperation, attempt
from .attempts_of_failures import FailureAttempts
from .documented_messages import KEY_UNAVAILABLE, MESSAGES, NOT_CONNECTED
from .failure_table import CERTIFICATES, FAILURES, failure_named, reporting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.mark import ParameterSet

    from ..client.key_stores import KeyStore
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply
    from .attempts import Cause
    from .failure_table import Failure

_RAISING = (
    KmsOperation.CREATE,
    KmsOperation.UPDATE,
    KmsOperation.CREATE_KEY,
    KmsOperation.ENCRYPT,
    KmsOperation.DECRYPT,
)
# The first of each group that the scenario can occur in.
_GROUPS = (
    (KmsOperation.CREATE,),
    (KmsOperation.CREATE_KEY,),
    (KmsOperation.ENCRYPT, KmsOperation.DECRYPT),
)


@pytest.fixture(scope="module")
def attempts(
    request: pytest.FixtureRequest,
    kms_of_the_run: KmsClient,
    session_provisioner: Provisioner,
) -> FailureAttempts:
    """What operations answered while something was wrong; of all that will be asked."""
    parameters = (getattr(i, "callspec", None) for i in request.session.items)
    asked = [each.params.get("failure") for each in parameters if each]
    wanted = [each for each in FAILURES if each in asked]
    return FailureAttempts(kms_of_the_run, session_provisioner, wanted)


def _cells(*operations: KmsOperation) -> Iterator[ParameterSet]:
    """The cells of these columns, each marked with what states it."""
    for failure in (*FAILURES, *CERTIFICATES):
        for operation in operations:
            cell = failure.cells.get(operation)
            if cell is None:
                continue
            stated = filter(None, (failure.statement, cell.statement))
            yield pytest.param(
                failure,
                operation,
                id=f"{operation}-{failure.name}",
                marks=pytest.mark.requirement(*stated),
            )


def _texts() -> Iterator[ParameterSet]:
    """One operation of each group; a time-out takes its time, so one at all."""
    for failure in FAILURES:
        shown = [
            next((each for each in group if failure.documents(each)), None)
            for group in _GROUPS
        ]
        operations = [each for each in shown if each is not None]
        for operation in operations[-1:] if failure.takes_time else operations:
            yield pytest.param(failure, operation, id=f"{operation}-{failure.name}")


@pytest.mark.parametrize(("failure", "operation"), [*_cells(*_RAISING)])
def test_exception(
    attempts: FailureAttempts, failure: Failure, operation: KmsOperation
) -> None:
    """A failure of the proxy becomes the exception that is documented for it.

    Where none is documented, the operation fails all the same.
    """
    reply = attempts.of(operation, failure)
    accepted = failure.cells[operation].accepted
    expect(reply, refused(*accepted) if accepted else REFUSED)


@pytest.mark.parametrize(("failure", "operation"), [*_cells(KmsOperation.CONNECT)])
def test_connection_error_code(
    attempts: FailureAttempts, failure: Failure, operation: KmsOperation
) -> None:
    """A failure of the proxy ends ConnectCustomKeyStore in FAILED, with its code.

    Where no ConnectionErrorCode is documented, the store becomes FAILED all the same.
    """
    reply = attempts.of(operation, failure)
    _expect_failed(reply, *failure.cells[operation].accepted)


@pytest.mark.requirement("KMS-CONNECT-027")
@pytest.mark.parametrize(
    ("name", "code"),
    [
        pytest.param("ThrottlingException", "XKS_PROXY_NOT_REACHABLE"),
        pytest.param("InternalException", "XKS_PROXY_INVALID_RESPONSE"),
        pytest.param("ValidationException", "XKS_PROXY_INVALID_RESPONSE"),
    ],
)
def test_connection_error_code_by_analogy(
    attempts: FailureAttempts, name: str, code: str
) -> None:
    """The ConnectionErrorCode corresponds to the exception of CreateCustomKeyStore."""
    reply = attempts.of(KmsOperation.CONNECT, failure_named(name))
    entry = _entry(reply)
    if entry.get("ConnectionState") != "FAILED":
        raise NotTestable(f"The ConnectionState is {entry.get('ConnectionState')}.")
    _expect_failed(reply, code)


def _entry(reply: KmsReply) -> dict[str, object]:
    stores = control(reply).get("CustomKeyStores") or [{}]
    return dict(stores[0])


def _expect_failed(reply: KmsReply, *codes: str) -> None:
    entry = _entry(reply)
    state, code = entry.get("ConnectionState"), entry.get("ConnectionErrorCode")
    if state == "FAILED" and (not codes or code in codes):
        return
    violated(
        reply,
        [f"FAILED, {each}" for each in codes] or "FAILED",
        f"{state}, {code or 'without a ConnectionErrorCode'}",
    )


# -- a store that is not connected ------------------------------------------------


def _create_in(
    kms: KmsClient, provisioner: Provisioner, store: KeyStore, label: str
) -> KmsReply:
    reply = kms.call(
        "CreateKey",
        Origin="EXTERNAL_KEY_STORE",
        CustomKeyStoreId=store.id,
        XksKeyId=store.proxy.add_key().id,
        label=label,
    )
    provisioner.adopt_key(reply)
    return reply


def _create_disconnected(
    kms: KmsClient, provisioner: Provisioner, store: KeyStore
) -> KmsReply:
    """CreateKey in a store that is connected first, and then no longer."""
    control(_create_in(kms, provisioner, store, "control: the store is connected"))
    provisioner.disconnect(kms, store)
    return _create_in(kms, provisioner, store, "probe: it is disconnected")


def _use_disconnected(
    kms: KmsClient, provisioner: Provisioner, operation: KmsOperation
) -> KmsReply:
    """Encrypt or Decrypt with a key whose store is connected no longer."""
    key = provisioner.shared_key(kms, "other")
    encrypt = partial(kms.call, "Encrypt", KeyId=key.key_id, Plaintext=b"a plaintext")
    sealed = control(encrypt(label="control: the store is connected"))
    provisioner.disconnect(kms, key.store)
    if operation is KmsOperation.ENCRYPT:
        return encrypt()
    return kms.call("Decrypt", CiphertextBlob=sealed.get("CiphertextBlob"))


@pytest.mark.requirement("KMS-FAIL-019")
def test_create_key_in_disconnected_store(
    kms: KmsClient, provisioner: Provisioner, other_store: KeyStore
) -> None:
    """CreateKey in a store that is not connected has a wrong connection state."""
    reply = _create_disconnected(kms, provisioner, other_store)
    expect(reply, refused("CustomKeyStoreInvalidStateException"))


@pytest.mark.requirement("KMS-FAIL-019")
@pytest.mark.parametrize("operation", [KmsOperation.ENCRYPT, KmsOperation.DECRYPT])
def test_key_in_disconnected_store(
    kms: KmsClient, provisioner: Provisioner, operation: KmsOperation
) -> None:
    """A key in a store that is not connected has a wrong key state."""
    reply = _use_disconnected(kms, provisioner, operation)
    expect(reply, refused("KMSInvalidStateException"))


# -- messages ---------------------------------------------------------------------


@pytest.mark.requirement("KMS-FAIL-025")
@pytest.mark.parametrize(("failure", "operation"), [*_texts()])
def test_message(
    attempts: FailureAttempts, failure: Failure, operation: KmsOperation
) -> None:
    """The message is one of the texts that AWS documents for the scenario."""
    reply = attempts.of(operation, failure)
    expect_message(control_refused(reply), *MESSAGES[failure.name])


@pytest.mark.requirement("KMS-FAIL-025")
def test_message_of_create_key_in_disconnected_store(
    kms: KmsClient, provisioner: Provisioner, other_store: KeyStore
) -> None:
    """CreateKey tells to connect the store."""
    reply = _create_disconnected(kms, provisioner, other_store)
    expect_message(control_refused(reply), NOT_CONNECTED)


@pytest.mark.requirement("KMS-FAIL-025")
def test_message_of_key_in_disconnected_store(
    kms: KmsClient, provisioner: Provisioner
) -> None:
    """Encrypt tells to connect the store, or names the key as unavailable."""
    reply = _use_disconnected(kms, provisioner, KmsOperation.ENCRYPT)
    expect_message(control_refused(reply), NOT_CONNECTED, KEY_UNAVAILABLE)


@pytest.mark.requirement("KMS-FAIL-020")
def test_one_message_and_several_exceptions(attempts: FailureAttempts) -> None:
    """One scenario has one message, and an exception for each group of operations."""
    failure = failure_named("AuthenticationFailedException")
    first, *others = (
        control_refused(attempts.of(operation, failure))
        for operation in (
            KmsOperation.CREATE,
            KmsOperation.CREATE_KEY,
            KmsOperation.ENCRYPT,
        )
    )
    for each in others:
        expect_message(each, first.message)


# -- all cryptographic operations -------------------------------------------------


OTHER_CRYPTOGRAPHY = [
    KmsOperation.GENERATE_DATA_KEY,
    KmsOperation.GENERATE_DATA_KEY_WITHOUT_PLAINTEXT,
    KmsOperation.RE_ENCRYPT,
]
CAUSES: dict[str, Cause] = {
    "KeyNotFoundException": lambda p: p.failing("KeyNotFoundException", 404),
    "ThrottlingException": lambda p: p.failing("ThrottlingException", 429),
    "malformed-answer": lambda p: p.answering(200, b"this is not JSON"),
}


@pytest.mark.requirement("KMS-FAIL-021")
@cases("operation", OTHER_CRYPTOGRAPHY)
@cases("name", CAUSES)
def test_other_cryptographic_operations(
    kms: KmsClient, provisioner: Provisioner, operation: KmsOperation, name: str
) -> None:
    """Cryptographic operations have one exception, whatever goes wrong."""
    reply = attempt(kms, provisioner, operation, CAUSES[name])
    expect(reply, refused("KMSInvalidStateException"))


@pytest.mark.requirement("KMS-FAIL-024")
@pytest.mark.parametrize(
    ("operation", "name"),
    [
        pytest.param(KmsOperation.ENCRYPT, "AccessDeniedException"),
        pytest.param(KmsOperation.ENCRYPT, "DependencyTimeoutException"),
        pytest.param(KmsOperation.DECRYPT, "InvalidCiphertextException"),
        pytest.param(KmsOperation.ENCRYPT, "InvalidKeyUsageException"),
        pytest.param(KmsOperation.ENCRYPT, "ThrottlingException"),
        pytest.param(KmsOperation.ENCRYPT, "UnsupportedOperationException"),
        pytest.param(KmsOperation.ENCRYPT, "ValidationException"),
    ],
)
def test_error_name_is_not_passed_on(
    attempts: FailureAttempts, operation: KmsOperation, name: str
) -> None:
    """An errorName that is an error code of KMS, too, is not what the caller gets."""
    reply = attempts.of(operation, failure_named(name))
    if control_refused(reply).code == name:
        violated(reply, f"another exception than {name}")


@pytest.mark.requirement("KMS-CREATESTORE-032")
@cases(
    "statuses",
    [
        pytest.param(["DEGRADED", "DEGRADED"], id="all-degraded"),
        pytest.param(["UNAVAILABLE", "ACTIVE"], id="one-active"),
        pytest.param(["UNAVAILABLE", "DEGRADED"], id="one-degraded"),
    ],
    stores=2,
)
def test_some_key_manager_can_serve(
    kms: KmsClient, provisioner: Provisioner, statuses: list[str]
) -> None:
    """One external key manager that is ACTIVE or DEGRADED is enough."""
    control(
        attempt(kms, provisioner, KmsOperation.CREATE, reporting("ACTIVE", "ACTIVE"))
    )
    reply = attempt(kms, provisioner, KmsOperation.CREATE, reporting(*statuses))
    expect(reply, SUCCEEDS)
