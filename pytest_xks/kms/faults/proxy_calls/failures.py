"""Faults of the failure table: exceptions, messages, ConnectionErrorCodes.

For each scenario and each group of operations that AWS documents there is one that says
something else: ``create-key-misreports-throttling``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.kms.desk.exceptions import ConnectionErrorCode, ErrorCode, KmsError
from pytest_xks.kms.faults.catalogue import fault, row
from pytest_xks.kms.faults.patterns import raising
from pytest_xks.kms.proxy_calls.answers import read_health_status
from pytest_xks.kms.proxy_calls.error_mapping import (
    FAILURES,
    FailureScenario,
    Group,
    ProxyFailure,
    connection_error_code,
    kms_error,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import Effects
    from pytest_xks.kms.behaviour import Behaviour
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.proxy_api.messages import HealthStatus

    Document = dict[str, object]
    Error = Callable[[FailureScenario, Group, Behaviour], KmsError]

_UPDATE = "KMS-UPDATESTORE-009"
_OTHER_CREATE_KEY = "KMS-CREATEKEY-026"
_EVERY_CRYPTOGRAPHIC = "KMS-FAIL-021"
_ANY_FAILURE = "KMS-GEN-005"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A scenario; for each group that has faults, what they violate besides."""

    scenario: FailureScenario
    name: str
    statement: str
    store: tuple[str, ...] | None = None
    connect: tuple[str, ...] | None = None
    create_key: tuple[str, ...] | None = None
    cryptography: tuple[str, ...] | None = None


_ROWS = (
    _Row(
        scenario=FailureScenario.VALIDATION,
        name="validation-error",
        statement="KMS-FAIL-001",
        store=("KMS-CREATESTORE-036", _UPDATE),
        create_key=(_OTHER_CREATE_KEY,),
        cryptography=(),
    ),
    _Row(
        scenario=FailureScenario.INVALID_STATE,
        name="disabled-external-key",
        statement="KMS-FAIL-002",
        create_key=("KMS-CREATEKEY-024", "KMS-RESP-004"),
        cryptography=(),
    ),
    _Row(
        scenario=FailureScenario.INVALID_CIPHERTEXT,
        name="invalid-ciphertext",
        statement="KMS-FAIL-003",
        cryptography=("KMS-CRYPTO-022",),
    ),
    _Row(
        scenario=FailureScenario.INVALID_INNER_CIPHERTEXT,
        name="another-plaintext",
        statement="KMS-FAIL-004",
        cryptography=("KMS-CRYPTO-024",),
    ),
    _Row(
        scenario=FailureScenario.INVALID_KEY_USAGE,
        name="key-usage",
        statement="KMS-FAIL-005",
        create_key=("KMS-CREATEKEY-025",),
        cryptography=(),
    ),
    _Row(
        scenario=FailureScenario.AUTHENTICATION_FAILED,
        name="wrong-credential",
        statement="KMS-FAIL-006",
        store=("KMS-CREATESTORE-033", _UPDATE, "KMS-RESP-004"),
        connect=("KMS-CONNECT-016",),
        create_key=(_OTHER_CREATE_KEY,),
        cryptography=(),
    ),
    _Row(
        scenario=FailureScenario.ACCESS_DENIED,
        name="denied-access",
        statement="KMS-FAIL-007",
        connect=("KMS-CONNECT-017",),
        create_key=("KMS-CREATEKEY-027",),
        cryptography=(_ANY_FAILURE,),
    ),
    _Row(
        scenario=FailureScenario.KEY_NOT_FOUND,
        name="unknown-external-key",
        statement="KMS-FAIL-008",
        create_key=("KMS-CREATEKEY-023", "KMS-RESP-004", "KMS-RESP-015"),
        cryptography=(_EVERY_CRYPTOGRAPHIC,),
    ),
    _Row(
        scenario=FailureScenario.INVALID_URI_PATH,
        name="wrong-uri-path",
        statement="KMS-FAIL-009",
        store=("KMS-CREATESTORE-034", _UPDATE, "KMS-RESP-004"),
        connect=("KMS-CONNECT-018",),
        create_key=(_OTHER_CREATE_KEY,),
        cryptography=(),
    ),
    _Row(
        scenario=FailureScenario.THROTTLING,
        name="throttling",
        statement="KMS-FAIL-010",
        store=("KMS-CREATESTORE-039", _UPDATE),
        create_key=(_OTHER_CREATE_KEY,),
        cryptography=(_EVERY_CRYPTOGRAPHIC,),
    ),
    _Row(
        scenario=FailureScenario.INTERNAL,
        name="internal-error",
        statement="KMS-FAIL-011",
        store=("KMS-CREATESTORE-037", _UPDATE),
        create_key=(_OTHER_CREATE_KEY,),
        cryptography=(),
    ),
    _Row(
        scenario=FailureScenario.UNSUPPORTED_OPERATION,
        name="unsupported-operation",
        statement="KMS-FAIL-012",
        create_key=("KMS-CREATEKEY-028",),
        cryptography=(),
    ),
    _Row(
        scenario=FailureScenario.DEPENDENCY_TIMEOUT,
        name="dependency-timeout",
        statement="KMS-FAIL-013",
        store=("KMS-CREATESTORE-038", _UPDATE),
        connect=("KMS-CONNECT-022",),
        create_key=(_OTHER_CREATE_KEY,),
        cryptography=(),
    ),
    _Row(
        scenario=FailureScenario.NO_CONNECTION,
        name="refused-connection",
        statement="KMS-FAIL-014",
        store=("KMS-CREATESTORE-040", _UPDATE),
        connect=("KMS-CONNECT-021",),
        create_key=(_OTHER_CREATE_KEY,),
        cryptography=(),
    ),
    _Row(
        scenario=FailureScenario.NO_TLS,
        name="bad-certificate",
        statement="KMS-FAIL-015",
        store=("KMS-CREATESTORE-041", _UPDATE),
        connect=("KMS-CONNECT-019",),
        create_key=(_OTHER_CREATE_KEY,),
        cryptography=(),
    ),
    _Row(
        scenario=FailureScenario.TIME_OUT,
        name="time-out",
        statement="KMS-FAIL-016",
        store=("KMS-CREATESTORE-042", _UPDATE),
        connect=("KMS-CONNECT-022",),
        create_key=(_OTHER_CREATE_KEY,),
        cryptography=(),
    ),
    _Row(
        scenario=FailureScenario.MALFORMED,
        name="malformed-answer",
        statement="KMS-FAIL-017",
        store=("KMS-CREATESTORE-035", _UPDATE, "KMS-RESP-006", "KMS-RESP-007"),
        connect=("KMS-CONNECT-020",),
        create_key=(_OTHER_CREATE_KEY, "KMS-RESP-006", "KMS-RESP-007"),
        cryptography=(_EVERY_CRYPTOGRAPHIC, "KMS-RESP-006", "KMS-RESP-007"),
    ),
    _Row(
        scenario=FailureScenario.UNHEALTHY,
        name="unavailable-key-managers",
        statement="KMS-FAIL-018",
        store=("KMS-CREATESTORE-031", _UPDATE),
        connect=("KMS-CONNECT-021",),
    ),
    _Row(
        scenario=FailureScenario.NOT_CONNECTED,
        name="disconnected-store",
        statement="KMS-FAIL-019",
        create_key=("KMS-CREATEKEY-004",),
    ),
)

_NAMES = {
    Group.STORE: "create-store",
    Group.CONNECT: "connect",
    Group.CREATE_KEY: "create-key",
    Group.CRYPTOGRAPHY: "cryptography",
}

# What is said instead: exceptions that the operations have for other things.
_INSTEAD = {
    Group.STORE: ErrorCode.XKS_PROXY_INVALID_CONFIGURATION,
    Group.CREATE_KEY: "DependencyTimeoutException",
    Group.CRYPTOGRAPHY: "KeyUnavailableException",
}
_WHERE_RIGHT = {
    FailureScenario.INVALID_URI_PATH: ErrorCode.XKS_PROXY_URI_UNREACHABLE,
    FailureScenario.NO_TLS: ErrorCode.XKS_PROXY_INVALID_RESPONSE,
}


def _misreporting(scenario: FailureScenario, group: Group, code: str) -> Effects:
    """Another exception, with the same message."""

    def misreport(
        proceed: Error, found: FailureScenario, asked: Group, behaviour: Behaviour
    ) -> KmsError:
        error = proceed(found, asked, behaviour)
        wrong = (found, asked) == (scenario, group)
        return KmsError(code, error.message) if wrong else error

    return Replace(kms_error, misreport)


def _misjudging(*scenarios: FailureScenario) -> Effects:
    """INTERNAL_ERROR for a ConnectionErrorCode."""

    def misjudge(
        proceed: Callable[[FailureScenario], ConnectionErrorCode],
        found: FailureScenario,
    ) -> ConnectionErrorCode:
        wrong = found in scenarios
        return ConnectionErrorCode.INTERNAL_ERROR if wrong else proceed(found)

    return Replace(connection_error_code, misjudge)


def _register(known: _Row, group: Group, violates: tuple[str, ...]) -> None:
    where = f"where the table has {known.statement} ({known.scenario})"
    name = f"{_NAMES[group]}-misreports-{known.name}"
    everything = (known.statement, *violates)
    if group is Group.CONNECT:
        summary = f"A store FAILED to connect with INTERNAL_ERROR {where}."
        row(name, summary, _misjudging(known.scenario), violates=everything)
        return
    code = _WHERE_RIGHT.get(known.scenario) if group is Group.STORE else None
    instead = code or _INSTEAD[group]
    summary = f"{group}: {instead} {where}."
    row(
        name,
        summary[0].upper() + summary[1:],
        _misreporting(known.scenario, group, instead),
        violates=everything,
    )


for _row in _ROWS:
    for _group, _violates in (
        (Group.STORE, _row.store),
        (Group.CONNECT, _row.connect),
        (Group.CREATE_KEY, _row.create_key),
        (Group.CRYPTOGRAPHY, _row.cryptography),
    ):
        if _violates is not None:
            _register(_row, _group, _violates)
row(
    "connect-misreports-what-is-undocumented",
    "A throttled, failing or refusing proxy makes a store FAILED by INTERNAL_ERROR.",
    _misjudging(
        FailureScenario.THROTTLING, FailureScenario.INTERNAL, FailureScenario.VALIDATION
    ),
    violates=("KMS-CONNECT-027",),
)
row(
    "throttling-of-proxy-as-kms-throttling",
    "Passes the proxy's ThrottlingException on to callers of cryptography.",
    _misreporting(FailureScenario.THROTTLING, Group.CRYPTOGRAPHY, ErrorCode.THROTTLING),
    violates=("KMS-FAIL-010", _EVERY_CRYPTOGRAPHIC, "KMS-FAIL-024"),
)


@fault(violates=(_EVERY_CRYPTOGRAPHIC, _ANY_FAILURE), operations=("GenerateDataKey",))
def generate_data_key_misreports_failures() -> Effects:
    """GenerateDataKey has a KeyUnavailableException for every failure of the proxy."""

    def rename(_context: Context, _call: Call, error: KmsError) -> KmsError | None:
        if not isinstance(error.__context__, ProxyFailure):
            return None
        return KmsError(_INSTEAD[Group.CRYPTOGRAPHY], error.message)

    return raising(rename)


@fault(violates=("KMS-FAIL-025",))
def failures_in_other_words() -> Effects:
    """Reports every failure with the right exception, and a text of its own."""

    def reword(
        proceed: Error, scenario: FailureScenario, group: Group, behaviour: Behaviour
    ) -> KmsError:
        error = proceed(scenario, group, behaviour)
        return KmsError(error.code, "The external key store proxy failed.")

    return Replace(kms_error, reword)


@fault(violates=("KMS-FAIL-020",))
def messages_differ_between_operations() -> Effects:
    """CreateKey has the Developer Guide's messages, other operations have not."""

    def reword(
        proceed: Error, scenario: FailureScenario, group: Group, behaviour: Behaviour
    ) -> KmsError:
        error = proceed(scenario, group, behaviour)
        guide = FAILURES[scenario].guide if group is Group.CREATE_KEY else ""
        return KmsError(error.code, guide or error.message)

    return Replace(kms_error, reword)


@fault(violates=("KMS-CREATESTORE-032",))
def degraded_key_manager_as_unavailable() -> Effects:
    """Takes a proxy for unhealthy if one of its key managers is not ACTIVE."""

    def judge(
        proceed: Callable[[Document], HealthStatus], document: Document
    ) -> HealthStatus:
        health = proceed(document)
        if any(each.health_status != "ACTIVE" for each in health.ekm_fleet_details):
            raise ProxyFailure(FailureScenario.UNHEALTHY)
        return health

    return Replace(read_health_status, judge)
