"""The error table against the specification's "Error codes", written out again here."""

from __future__ import annotations

import pytest

from pytest_xks.proxy_api.errors import ERRORS, ErrorName, Operation, XksError
from pytest_xks.proxy_api.limits import is_error_message

ALL = {"GetKeyMetadata", "Encrypt", "Decrypt", "GetHealthStatus"}
WITH_KEY = ALL - {"GetHealthStatus"}

# Columns 1, 2 and 4 of the table in "Error codes".
ERROR_CODES = [
    (400, "ValidationException", WITH_KEY),
    (400, "InvalidStateException", ALL),
    (400, "InvalidCiphertextException", {"Decrypt"}),
    (400, "InvalidKeyUsageException", {"Decrypt", "Encrypt"}),
    (401, "AuthenticationFailedException", ALL),
    (403, "AccessDeniedException", WITH_KEY),
    (404, "KeyNotFoundException", WITH_KEY),
    (404, "InvalidUriPathException", ALL),
    (429, "ThrottlingException", ALL),
    (501, "UnsupportedOperationException", ALL),
    (503, "DependencyTimeoutException", ALL),
    (500, "InternalException", ALL),
]
ROWS = [pytest.param(*row, id=row[1]) for row in ERROR_CODES]


def test_no_name_is_missing_and_none_is_ours():
    """Every errorName of the specification is known, and no other."""
    assert {name for _, name, _ in ERROR_CODES} == {name.value for name in ErrorName}
    assert set(ErrorName) == ERRORS.keys()


@pytest.mark.parametrize(("status", "name", "operations"), ROWS)
def test_status(status, name, operations):  # noqa: ARG001 (one table, several tests)
    """An error goes out with the HTTP status of its row."""
    assert status == XksError(ErrorName(name)).status


@pytest.mark.parametrize(("status", "name", "operations"), ROWS)
def test_operations(status, name, operations):  # noqa: ARG001 (one table, several tests)
    """An error may be returned by the operations of its row and by no other."""
    assert operations == ERRORS[ErrorName(name)].operations


def test_operations_are_the_four_of_the_specification():
    """The API has exactly the four operations of "API operations"."""
    assert {operation.value for operation in Operation} == ALL


@pytest.mark.parametrize("name", ErrorName)
def test_default_message_is_legal(name):
    """The scenario of every row may go out as errorMessage."""
    assert is_error_message(ERRORS[name].scenario)


def test_default_message_is_the_scenario():
    """Without a message of its own, an error says what its row says."""
    error = XksError(ErrorName.THROTTLING)

    assert error.message == "The request rate is too high."


def test_own_message():
    """A message of its own replaces the scenario, even an empty one."""
    assert XksError(ErrorName.INTERNAL, "The HSM sleeps.").message == "The HSM sleeps."
    assert not XksError(ErrorName.INTERNAL, "").message


def test_text_of_the_exception():
    """A traceback shows the errorName and the message."""
    error = XksError(ErrorName.KEY_NOT_FOUND, "No such key.")

    assert str(error) == "KeyNotFoundException: No such key."
