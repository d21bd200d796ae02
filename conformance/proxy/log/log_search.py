"""The one search of the proxy's log: what is sent for it, and what is found in it.

At the end of the run a marker is sent, a kmsRequestId that occurs nowhere else, and
waited for; then the log is read, once for all checks. A log that grows without the
marker is read when it has had its time (``flush_seconds``).
"""

from __future__ import annotations

import base64
import os
import time
import uuid
from typing import TYPE_CHECKING

from pytest_xks.certify.run.outcome import NotTestable

from ..client.bodies import (
    AAD,
    ALL_OPERATIONS,
    Body,
    ProxyOperation,
    b64,
    encrypt_body,
    flip,
)
from ..client.expect import ANYTHING, control, violated
from ..client.scenarios import UNKNOWN_KEY_ID
from ..passive.answers import hostile_request_ids
from ..passive.forms import forms

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..client.answer import ProxyAnswer
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient
    from ..passive.observation import Observation
    from ..passive.rule import Evidence
    from .log_file import LogFile, Written

__all__ = ["LogSearch"]

_ENCRYPT, _DECRYPT = ProxyOperation.ENCRYPT, ProxyOperation.DECRYPT
_PAUSE_SECONDS = 0.005


class LogSearch:
    """The search of one run.

    Args:
        file: the log, since the run began.
        evidence: every exchange of the run.
    """

    def __init__(self, file: LogFile, evidence: Evidence) -> None:
        self._file = file
        self._evidence = evidence
        self._read: Written | None = None
        self._served: list[ProxyAnswer] = []

    def seen(self) -> list[Observation]:
        """Every exchange of the run."""
        return self._evidence.everything()

    def served(self, proxy: ProxyClient) -> list[ProxyAnswer]:
        """A good request of each operation, with a kmsRequestId of its own."""
        self.log(proxy)
        return self._served

    def log(self, proxy: ProxyClient) -> Written:
        """What the proxy has logged of the run, read once.

        Raises:
            NotTestable: it cannot be read, or did not change.
        """
        if self._read is None:
            self._provoke(proxy)
            self._read = self._caught_up(proxy)
        return self._read

    def expect_absent(
        self, proxy: ProxyClient, what: str, hidden: Mapping[bytes, Observation]
    ) -> None:
        """Look for everything that may not be in the log, in any form.

        Args:
            proxy: to show the exchange.
            what: what it is, in a phrase.
            hidden: what may not be there, and the exchange that it went with.

        Raises:
            Violation: it is there.
            NotTestable: it is not, but a part of the log is lost.
        """
        log = self.log(proxy)
        sought = {
            text: (form, seen)
            for secret, seen in hidden.items()
            for form, text in forms(secret)
        }
        if text := log.first_of(sought):
            form, seen = sought[text]
            proxy.recorder.refer(seen.recorded)
            found = f"{form}, {log.find(text)}"
            violated(seen.answer, f"no {what} in the log", found)
        if log.lost:
            raise NotTestable(f"Not all of the log is left: {log.lost}.")

    def is_present(self, proxy: ProxyClient, text: str) -> bool:
        """Whether a text is in the log.

        Raises:
            NotTestable: it is not, but a part of the log is lost.
        """
        log = self.log(proxy)
        spellings = (text, text.replace("/", "\\/"))
        if any(each.encode() in log for each in spellings):
            return True
        if log.lost:
            raise NotTestable(f"Not all of the log is left: {log.lost}.")
        return False

    def _provoke(self, proxy: ProxyClient) -> None:
        """Send what a careless proxy would log, and what a good one does."""
        self._served = proxy.require_served(
            [proxy.control(each, _traceable(proxy, each)) for each in ALL_OPERATIONS]
        )
        self._evidence.provoke(proxy, hostile_request_ids)
        probes = [*_encrypts(proxy), *_decrypts(proxy)]
        proxy.side_by_side([probe.send for probe in probes])

    def _caught_up(self, proxy: ProxyClient) -> Written:
        before, marker = self._file.written().size, str(uuid.uuid4())
        health = ProxyOperation.GET_HEALTH_STATUS
        body = proxy.good_body(health, kmsRequestId=marker)
        control(proxy.call(health, body, label="a request to wait for"))
        assert proxy.target.log is not None, "needs() says so"
        deadline = time.monotonic() + proxy.target.log.flush_seconds
        while time.monotonic() < deadline:
            log = self._file.written()
            if marker.encode() in log:
                return log
            time.sleep(_PAUSE_SECONDS)
        log = self._file.written()
        if log.size in {0, before} and not log.lost:
            raise NotTestable(
                "The log did not change while requests were served.",
                add="Check that file in [proxy.log] is the log of this proxy, and "
                "flush_seconds how late it may be written.",
            )
        return log


def _traceable(proxy: ProxyClient, operation: ProxyOperation) -> Body:
    """A good request with a kmsRequestId and a kmsKeyArn of its own."""
    changes: dict[str, object] = {"kmsRequestId": str(uuid.uuid4())}
    if operation in {_ENCRYPT, _DECRYPT}:
        prefix = "arn:aws:kms:us-east-1:111122223333:key"
        changes["kmsKeyArn"] = f"{prefix}/{uuid.uuid4()}"
    return proxy.good_body(operation, **changes)


def _secret() -> bytes:
    """A plaintext that no log holds by chance, and that is text."""
    return os.urandom(18).hex().encode()


def _encrypts(proxy: ProxyClient) -> Iterator[Probe]:
    """Encrypts of secrets, each with one of its own, served or not."""
    bodies: dict[str, Body | bytes] = {
        "a good Encrypt": encrypt_body(_secret(), aad=AAD),
        "malformed AAD": encrypt_body(_secret())
        | {"additionalAuthenticatedData": "@@@@"},
        "another algorithm": encrypt_body(_secret())
        | {"encryptionAlgorithm": "AES_CBC"},
        "broken JSON": b'{"plaintext": "%s", ' % b64(_secret()).encode(),
    }
    for text, value in _malformed().items():
        bodies[f"plaintext: {text}"] = encrypt_body(b"") | {"plaintext": value}
    for text, body in bodies.items():
        yield proxy.probe(_ENCRYPT, body, altered=text, accept=(ANYTHING,))
    body = encrypt_body(_secret())
    yield proxy.probe(
        _ENCRYPT, body, altered="no key", accept=(ANYTHING,), key=UNKNOWN_KEY_ID
    )


def _malformed() -> dict[str, object]:
    """Secrets that no decoder can read, or should."""
    texts = [b64(_secret()) for _ in range(4)]
    url_safe = base64.urlsafe_b64encode(b"\xfb\xef\xbe" + os.urandom(21)).decode()
    return {
        "no Base64 at its beginning": f"@{texts[0]}",
        "no Base64 in the middle": f"{texts[1][:24]}@{texts[1][24:]}",
        "no Base64 at its end": f"{texts[2]}@",
        "in an array": [texts[3]],
        "a number": int.from_bytes(os.urandom(8)) | 1 << 63,
        "URL-safe": url_safe,
    }


def _decrypts(proxy: ProxyClient) -> list[Probe]:
    """A Decrypt that is served, and one that is refused at its tag."""
    try:
        sealed, other = proxy.seal(_secret()), proxy.seal(_secret())
    except NotTestable:
        return []
    corrupted = other.altered(authentication_tag=flip(other.authentication_tag))
    return [
        proxy.probe(_DECRYPT, each.body(), altered=text, accept=(ANYTHING,))
        for text, each in {"a good Decrypt": sealed, "corrupted": corrupted}.items()
    ]
