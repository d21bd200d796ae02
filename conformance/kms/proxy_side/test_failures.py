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
    control,
    control_refused,
    expect,
    expect_message,
    refused,
    require_asked,
    violated,
)
from ..client.judging import outcome
from .attempts import KmsOperation, attempt
from .attempts_of_failures import FailureAttempts
from .documented_messages import KEY_UNAVAILABLE, MESSAGES, NOT_CONNECTED
from .failure_table import CERTIFICATES, FAILURES, failure_named, reporting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from _pytest.mark import ParameterSet

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


_DISCONNECTED = (
    KmsOperation.CREATE_KEY,
    KmsOperation.ENCRYPT,
    KmsOperation.DECRYPT,
)


@pytest.fixture(scope="module")
def disconnected(
    kms_of_the_run: KmsClient, session_provisioner: Provisioner
) -> Mapping[KmsOperation, KmsReply | Exception]:
    """What operations answer in a store that is connected first, and then no longer."""
    kms, provisioner = kms_of_the_run, session_provisioner
    key = provisioner.shared_key(kms, "other")

    def create(label: str) -> KmsReply:
        reply = kms.call(
            "CreateKey",
            Origin="EXTERNAL_KEY_STORE",
            CustomKeyStoreId=key.store.id,
            XksKeyId=key.store.proxy.add_key().id,
            label=label,
        )
        provisioner.adopt_key(reply)
        return reply

    encrypt = partial(kms.call, "Encrypt", KeyId=key.key_id, Plaintext=b"a plaintext")
    good = "control: the store is connected"
    created, sealed = kms.side_by_side(
        [partial(create, good), partial(encrypt, label=good)]
    )
    provisioner.disconnect(kms, key.store)
    blob = sealed.document.get("CiphertextBlob")
    probes = (
        partial(create, "probe: it is disconnected"),
        encrypt,
        partial(kms.call, "Decrypt", CiphertextBlob=blob),
    )
    replies = kms.side_by_side(probes)
    controls = (outcome(partial(control, each)) for each in (created, sealed, sealed))
    return {
        operation: failed if isinstance(failed, Exception) else reply
        for operation, reply, failed in zip(
            _DISCONNECTED, replies, controls, strict=True
        )
    }


@pytest.mark.requirement("KMS-FAIL-019")
@pytest.mark.parametrize("operation", _DISCONNECTED)
def test_store_is_not_connected(
    disconnected: Mapping[KmsOperation, KmsReply | Exception], operation: KmsOperation
) -> None:
    """CreateKey has a wrong connection state then, and a key a wrong key state."""
    creates = operation is KmsOperation.CREATE_KEY
    wrong = "CustomKeyStoreInvalidState" if creates else "KMSInvalidState"
    expect(_known(disconnected[operation]), refused(f"{wrong}Exception"))


def _known(found: KmsReply | Exception) -> KmsReply:
    if isinstance(found, Exception):
        raise found
    return found


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
@pytest.mark.parametrize(
    ("operation", "messages"),
    [
        pytest.param(KmsOperation.CREATE_KEY, [NOT_CONNECTED]),
        pytest.param(KmsOperation.ENCRYPT, [NOT_CONNECTED, KEY_UNAVAILABLE]),
    ],
)
def test_message_while_disconnected(
    disconnected: Mapping[KmsOperation, KmsReply | Exception],
    operation: KmsOperation,
    messages: list[str],
) -> None:
    """CreateKey and Encrypt tell to connect the store.

    Encrypt may name the key as unavailable instead.
    """
    expect_message(control_refused(_known(disconnected[operation])), *messages)


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
    stores=1,
)
def test_some_key_manager_can_serve(
    kms: KmsClient, provisioner: Provisioner, statuses: list[str]
) -> None:
    """One that is ACTIVE or DEGRADED is enough to connect a key store."""
    reply = attempt(kms, provisioner, KmsOperation.CONNECT, reporting(*statuses))
    state = _entry(reply).get("ConnectionState")
    if state != "CONNECTED":
        violated(reply, "ConnectionState CONNECTED", f"ConnectionState {state}")
    require_asked(provisioner.probe_proxy)
