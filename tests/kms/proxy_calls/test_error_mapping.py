"""Every row of the failure table, over both transports.

``failures.json`` is the failure table of the catalogue of what AWS documents: 113 rows,
with ids, the exception, the message, and what else a document would allow.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from .situations import SITUATIONS

if TYPE_CHECKING:
    from ..conftest import System

ROWS = json.loads((Path(__file__).parent / "failures.json").read_text("utf-8"))

# What a row allows with more than one message, ours by default being another.
OURS = {"ERR-101": "<key ARN> is unavailable."}
# Rows of the group of all cryptographic operations that concern Encrypt's answer.
ONLY_ENCRYPT = {"ERR-073", "ERR-074", "ERR-075"}
FILLED_IN = {
    "<key-spec>": "AES_128",
    "<status>": "DISABLED",
    "<key-usage>": "[SIGN, VERIFY]",
}


def cases() -> list:
    """One case for each row and operation."""
    return [
        pytest.param(row, operation, id=f"{row['id']}-{operation}")
        for row in ROWS
        for operation in row["operations"]
        if not (row["id"] in ONLY_ENCRYPT and operation == "Decrypt")
    ]


def expected_message(row: dict[str, Any], key_arn: str | None) -> str | None:
    """The message of a row, with what was unknown when it was written."""
    message = OURS.get(row["id"], row["message"])
    if message is None:
        return None
    for placeholder, value in FILLED_IN.items():
        message = message.replace(placeholder, value)
    return message.replace("<key ARN>", key_arn or "")


def key_arn_of(system: System) -> str | None:
    """The key whose name is in the message: the one in an external key store."""
    for key in system.kms.list_keys()["Keys"]:
        metadata = system.kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]
        if metadata["Origin"] == "EXTERNAL_KEY_STORE":
            return metadata["Arn"]
    return None


def test_every_row_has_its_situation():
    """No row of the table is left out."""
    assert {row["id"] for row in ROWS} == set(SITUATIONS)


@pytest.mark.parametrize(("row", "operation"), cases())
def test_row(system: System, row: dict[str, Any], operation: str):
    """A failure has the exception, the message and the code of its row."""
    call = SITUATIONS[row["id"]](system, operation)
    if row["exception"] is None:
        call()
        (store,) = system.kms.describe_custom_key_stores()["CustomKeyStores"]
        assert "FAILED" == store["ConnectionState"]
        assert row["connection_error_code"] == store["ConnectionErrorCode"]
        return
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    assert row["exception"] == error["Code"]
    message = expected_message(row, key_arn_of(system))
    if message is not None:
        assert message == error["Message"]
    elif row["accepted_messages"]:
        assert error["Message"] in row["accepted_messages"]
    else:
        # Where the table has no text, AWS has been seen to answer an empty one.
        assert isinstance(error["Message"], str)
