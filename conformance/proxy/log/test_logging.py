"""Chapter "Logging": what the proxy's own log holds, and what it must not.

The checks run after all others, and search the log of the whole run once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.run.outcome import NotTestable

from ..client.bodies import ProxyOperation, read_json
from ..client.expect import violated
from ..passive import plaintexts
from ..passive.answers import MARKER
from ..passive.forms import forms

if TYPE_CHECKING:
    from ..client.answer import ProxyAnswer
    from ..client.bodies import Body
    from ..client.proxy_client import ProxyClient
    from .log_search import LogSearch


_SAMPLE = 6


def _metadata(answer: ProxyAnswer) -> Body:
    """The requestMetadata that were really sent."""
    metadata = (read_json(answer.exchange.body) or {}).get("requestMetadata")
    return metadata if isinstance(metadata, dict) else {}


@pytest.mark.requirement("XKS-LOG-001")
def test_plaintext_of_encrypt(proxy: ProxyClient, log_search: LogSearch) -> None:
    """No plaintext that an Encrypt of the run was given is in the log.

    Whether it was served or not, and also one that could not be decoded. What a Decrypt
    gave back is for XKS-LOG-002.
    """
    log_search.log(proxy)
    seen = log_search.seen()
    back = plaintexts.given_back(seen)
    hidden = {p: o for p, o in plaintexts.sent(seen).items() if p not in back}
    log_search.expect_absent(proxy, "plaintext of an Encrypt", hidden)


@pytest.mark.requirement("XKS-LOG-002")
def test_plaintext_of_decrypt(proxy: ProxyClient, log_search: LogSearch) -> None:
    """No plaintext that a Decrypt of the run returned is in the log."""
    log = log_search.log(proxy)
    seen = log_search.seen()
    back = plaintexts.given_back(seen)
    served = (o for o in seen if o.status == 200)
    only_encrypted = [p for p in plaintexts.sent(served) if p not in back]
    # The latest are those that were sent for the log's sake.
    latest = only_encrypted[-_SAMPLE:]
    if any(text in log for secret in latest for _, text in forms(secret)):
        raise NotTestable("Encrypt has logged it already (see XKS-LOG-001).")
    log_search.expect_absent(proxy, "plaintext of a Decrypt", back)


@pytest.mark.requirement("XKS-LOG-004")
def test_request_id_is_logged(proxy: ProxyClient, log_search: LogSearch) -> None:
    """The kmsRequestId of a served request is in the log, for every operation."""
    for answer in log_search.served(proxy):
        id_ = str(_metadata(answer)["kmsRequestId"])
        if not log_search.is_present(proxy, id_):
            violated(answer, f"kmsRequestId {id_} in the log", "not in the log")


@pytest.mark.requirement("XKS-LOG-005")
def test_request_metadata_are_logged(proxy: ProxyClient, log_search: LogSearch) -> None:
    """What requestMetadata held is in the log, in any format."""
    for answer in log_search.served(proxy):
        metadata = _metadata(answer)
        for member in ("awsPrincipalArn", "kmsKeyArn", "kmsOperation"):
            value = metadata.get(member)
            if value is not None and not log_search.is_present(proxy, str(value)):
                violated(answer, f"{member} {value!r} in the log", "not in the log")


@pytest.mark.requirement("XKS-LOG-009")
def test_secret_access_key_is_not_logged(
    proxy: ProxyClient, log_search: LogSearch
) -> None:
    """No secret access key of the target is in the log of the run."""
    log_search.log(proxy)
    health = ProxyOperation.GET_HEALTH_STATUS.title
    any_of = [o for o in log_search.seen() if o.exchange.meaning.operation == health]
    hidden = {secret.encode(): any_of[-1] for secret in proxy.target.secrets()}
    log_search.expect_absent(proxy, "secret access key", hidden)


@pytest.mark.requirement("XKS-LOG-010")
def test_request_id_stays_in_its_line(
    proxy: ProxyClient, log_search: LogSearch
) -> None:
    """No kmsRequestId with a line end in it begins a line of the log."""
    made_up = re.compile(rb"^\s*%s" % MARKER.encode(), re.MULTILINE)
    for piece in log_search.log(proxy).pieces:
        if found := made_up.search(piece.data):
            number, _ = piece.line_of(found.end())
            violated(
                log_search.served(proxy)[0],
                "a kmsRequestId on one line of the log",
                f"line {number} of {piece.name} is what a kmsRequestId held",
                note="Whoever chooses a kmsRequestId writes lines of the log.",
            )
