"""What binds every answer, judged on every exchange of the run; these checks run last.

A run that was cut judges what it has seen. What no other check sends is sent here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from . import answers, keys, secrets

if TYPE_CHECKING:
    from ..client.proxy_client import ProxyClient
    from .rule import Evidence


@pytest.mark.requirement("XKS-HTTP-001")
def test_every_success_is_json(proxy: ProxyClient, evidence: Evidence) -> None:
    """Every success of the run is JSON, and its Content-Type says so."""
    evidence.judge(proxy, answers.SUCCESS_IS_JSON)


@pytest.mark.requirement("XKS-HTTP-002")
def test_every_error_is_json(proxy: ProxyClient, evidence: Evidence) -> None:
    """Every error of the run is JSON, and its Content-Type says so.

    Looked at are answers to what KMS could have sent: another host, method or size may
    be refused by what stands in front of the proxy.
    """
    evidence.judge(proxy, answers.ERROR_IS_JSON)


@pytest.mark.requirement("XKS-HTTP-010")
def test_every_plaintext_is_its_own(proxy: ProxyClient, evidence: Evidence) -> None:
    """Every Decrypt of the run gave back what its own ciphertext was made of."""
    evidence.judge(proxy, keys.PLAINTEXT_IS_ITS_OWN)


@pytest.mark.requirement("XKS-HTTP-015")
def test_nothing_behind_an_answer(proxy: ProxyClient, evidence: Evidence) -> None:
    """Nothing came on a connection that no request had asked for."""
    evidence.judge(proxy, answers.NOTHING_IS_UNASKED)


@pytest.mark.requirement("XKS-HTTP-016")
def test_every_json_is_one_text(proxy: ProxyClient, evidence: Evidence) -> None:
    """Every body that is said to be JSON is one JSON text, in UTF-8."""
    evidence.judge(proxy, answers.JSON_IS_JSON)


@pytest.mark.requirement("XKS-HTTP-017")
def test_no_member_twice(proxy: ProxyClient, evidence: Evidence) -> None:
    """No JSON object of an answer has two members of one name."""
    evidence.judge(proxy, answers.MEMBERS_ARE_UNIQUE)


@pytest.mark.requirement("XKS-HTTP-018")
def test_no_header_is_made_up(proxy: ProxyClient, evidence: Evidence) -> None:
    """No text of a request ends a header line of the answer, or begins one."""
    evidence.judge(proxy, answers.HEADERS_ARE_CLEAN)


@pytest.mark.requirement("XKS-ERR-001")
def test_every_error_is_of_the_table(proxy: ProxyClient, evidence: Evidence) -> None:
    """Every error of the run has a name of the table, under its own status."""
    evidence.judge(proxy, answers.ERROR_IS_OF_THE_TABLE)


@pytest.mark.requirement("XKS-ERR-002")
def test_every_error_message(proxy: ProxyClient, evidence: Evidence) -> None:
    """Every errorMessage of the run is short and printable."""
    evidence.judge(proxy, answers.MESSAGE_IS_SHORT)


@pytest.mark.requirement("XKS-RUN-001")
def test_error_of_its_operation(proxy: ProxyClient, evidence: Evidence) -> None:
    """Every error of the run is one that the table lists for the operation.

    ValidationException is accepted for GetHealthStatus, too.
    """
    evidence.judge(proxy, answers.ERROR_IS_OF_ITS_OPERATION)


@pytest.mark.requirement("XKS-RUN-002")
def test_no_secret_in_an_answer(proxy: ProxyClient, evidence: Evidence) -> None:
    """No answer of the run holds a secret access key, or a signing key."""
    evidence.judge(proxy, secrets.no_secret_is_shown(proxy.target))


@pytest.mark.requirement("XKS-RUN-003")
def test_no_plaintext_in_an_answer(proxy: ProxyClient, evidence: Evidence) -> None:
    """No answer of the run holds a plaintext, but for that of its Decrypt."""
    evidence.judge(proxy, secrets.NO_PLAINTEXT_IS_SHOWN)


@pytest.mark.requirement("XKS-RUN-004")
def test_request_ids_are_escaped(proxy: ProxyClient, evidence: Evidence) -> None:
    """A kmsRequestId that an answer repeats stays a text in it."""
    evidence.judge(proxy, answers.REQUEST_IDS_ARE_ESCAPED)


@pytest.mark.requirement("XKS-RUN-005")
def test_no_vector_twice(proxy: ProxyClient, evidence: Evidence) -> None:
    """No two inputs of the run met one vector under one key and one metadata."""
    evidence.judge(proxy, keys.VECTOR_IS_NEW)


@pytest.mark.requirement("XKS-RUN-006")
def test_no_vector_twice_under_any_metadata(
    proxy: ProxyClient, evidence: Evidence
) -> None:
    """No two inputs of the run met one vector under one key, whatever the metadata."""
    evidence.judge(proxy, keys.VECTOR_IS_NEW_UNDER_EVERY_METADATA)


@pytest.mark.requirement("XKS-RUN-007")
def test_no_key_is_made_by_asking(proxy: ProxyClient, evidence: Evidence) -> None:
    """A key that nobody has made is not there after somebody asked for it."""
    evidence.judge(proxy, keys.NO_KEY_IS_MADE_BY_ASKING)
