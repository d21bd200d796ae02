"""Faults of reading what a proxy answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_xks.kms.desk.exceptions import KmsError
from pytest_xks.kms.faults.catalogue import fault, nothing
from pytest_xks.kms.faults.patterns import (
    raising,
)
from pytest_xks.kms.proxy_calls.answers import (
    check_ciphertext_metadata,
    check_integrity,
    check_lengths,
    read_decrypt,
    read_document,
    read_health_status,
    read_key_metadata,
)
from pytest_xks.kms.proxy_calls.client import exchange
from pytest_xks.kms.proxy_calls.error_mapping import ProxyFailure, Scenario
from pytest_xks.proxy_api.encoding import decode_base64, encode_base64
from pytest_xks.proxy_api.errors import ERRORS
from pytest_xks.proxy_api.limits import EKM_FLEET_DETAILS_MAX, KEY_USAGE_MAX

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.http.client import Transport
    from pytest_xks.kms.desk.call import Call
    from pytest_xks.kms.desk.context import Context
    from pytest_xks.kms.faults.catalogue import Replacements
    from pytest_xks.proxy_api.http import Request, Response

    Document = dict[str, Any]
    Read = Callable[[Document], object]
    ReadDocument = Callable[[Response], Document]

_ERROR_MESSAGE_MAX_LENGTH = 511
_STATUSES = {name.value: rule.status for name, rule in ERRORS.items()}


# -- time -------------------------------------------------------------------------


def _waiting(milliseconds: float) -> Replacements:
    def wait(
        proceed: Callable[[Transport, Request, float], Response],
        transport: Transport,
        request: Request,
        _: float,
    ) -> Response:
        return proceed(transport, request, milliseconds)

    return {exchange: wait}


@fault("waits-half-a-second-for-the-proxy", violates=("KMS-RESP-001",))
def _waits_half_a_second_for_the_proxy() -> Replacements:
    """Takes answers that come within half a second."""
    return _waiting(500)


@fault("waits-75-ms-for-the-proxy", violates=("KMS-RESP-001",))
def _waits_75_ms_for_the_proxy() -> Replacements:
    """Takes answers only if they come within 75 ms."""
    return _waiting(75)


# -- errors -----------------------------------------------------------------------


def _reading_errors(
    judge: Callable[[Response, ProxyFailure], Scenario],
) -> Replacements:
    """Takes what is an error, or malformed, for another scenario."""

    def read(proceed: ReadDocument, response: Response) -> Document:
        try:
            return proceed(response)
        except ProxyFailure as failure:
            scenario = judge(response, failure)
            raise ProxyFailure(scenario, failure.error_message) from None

    return {read_document: read}


@fault("error-name-needs-its-status", violates=("KMS-RESP-004",))
def _error_name_needs_its_status() -> Replacements:
    """Does not believe an errorName under another HTTP status than the documented."""

    def judge(response: Response, failure: ProxyFailure) -> Scenario:
        documented = _STATUSES.get(failure.scenario.value, response.status)
        fits = documented == response.status
        return failure.scenario if fits else Scenario.MALFORMED

    return _reading_errors(judge)


@fault("long-error-message-as-malformed", violates=("KMS-RESP-015",))
def _long_error_message_as_malformed() -> Replacements:
    """Cannot interpret an error whose errorMessage is too long."""

    def judge(_: Response, failure: ProxyFailure) -> Scenario:
        too_long = len(failure.error_message or "") > _ERROR_MESSAGE_MAX_LENGTH
        return Scenario.MALFORMED if too_long else failure.scenario

    return _reading_errors(judge)


@fault("http-error-without-json-as-unreachable", violates=("KMS-RESP-006",))
def _http_error_without_json_as_unreachable() -> Replacements:
    """Takes an HTTP error without JSON for a proxy that cannot be reached."""

    def judge(response: Response, failure: ProxyFailure) -> Scenario:
        without_json = not response.body.startswith(b"{")
        unreachable = response.status != 200 and without_json
        return Scenario.NO_CONNECTION if unreachable else failure.scenario

    return _reading_errors(judge)


@fault("unknown-error-name-as-time-out", violates=("KMS-RESP-007",))
def _unknown_error_name_as_time_out() -> Replacements:
    """Takes an errorName that nobody has published for a time-out of the proxy."""

    def judge(response: Response, failure: ProxyFailure) -> Scenario:
        malformed = failure.scenario is Scenario.MALFORMED
        unknown = malformed and b'"errorName"' in response.body
        return Scenario.DEPENDENCY_TIMEOUT if unknown else failure.scenario

    return _reading_errors(judge)


@fault("error-message-passed-on", violates=("KMS-RESP-005",))
def _error_message_passed_on() -> Replacements:
    """Tells the caller what the proxy says in errorMessage."""

    def tell(_context: Context, _call: Call, error: KmsError) -> KmsError | None:
        failure = error.__context__
        if not isinstance(failure, ProxyFailure) or not failure.error_message:
            return None
        return KmsError(error.code, f"{error.message} ({failure.error_message})")

    return raising(tell)


# -- Encrypt and Decrypt ----------------------------------------------------------


@fault("ciphertext-metadata-of-any-length", violates=("KMS-RESP-008",))
def _ciphertext_metadata_of_any_length() -> Replacements:
    """Takes ciphertextMetadata of more than 20 bytes."""
    return {check_ciphertext_metadata: nothing}


@fault("integrity-value-ignored", violates=("KMS-RESP-009",))
def _integrity_value_ignored() -> Replacements:
    """Asks for a ciphertextDataIntegrityValue, and never looks at it."""
    return {check_integrity: nothing}


@fault("encrypt-answer-of-any-length", violates=("KMS-RESP-011",))
def _encrypt_answer_of_any_length() -> Replacements:
    """Takes ciphertexts, IVs and tags of any length."""
    return {check_lengths: nothing}


@fault("decrypt-answer-cut-to-length", violates=("KMS-RESP-012",))
def _decrypt_answer_cut_to_length() -> Replacements:
    """Forgives a proxy that decrypts to more bytes than it was sent."""

    def read(
        proceed: Callable[..., bytes], document: Document, *, ciphertext_bytes: int
    ) -> bytes:
        plaintext = decode_base64(str(document.get("plaintext") or ""))
        shortened = encode_base64(plaintext[:ciphertext_bytes])
        return proceed(
            {**document, "plaintext": shortened}, ciphertext_bytes=ciphertext_bytes
        )

    return {read_decrypt: read}


# -- GetKeyMetadata and GetHealthStatus -------------------------------------------


@fault("any-number-of-key-usages", violates=("KMS-RESP-013",))
def _any_number_of_key_usages() -> Replacements:
    """Takes a keyUsage of more than ten values."""

    def read(proceed: Read, document: Document) -> object:
        usages = list(document.get("keyUsage") or ())
        return proceed({**document, "keyUsage": usages[:KEY_USAGE_MAX]})

    return {read_key_metadata: read}


@fault("any-number-of-key-managers", violates=("KMS-RESP-014",))
def _any_number_of_key_managers() -> Replacements:
    """Takes a health status with more than ten external key managers."""

    def read(proceed: Read, document: Document) -> object:
        details = list(document.get("ekmFleetDetails") or ())
        cut = details[:EKM_FLEET_DETAILS_MAX]
        return proceed({**document, "ekmFleetDetails": cut})

    return {read_health_status: read}
