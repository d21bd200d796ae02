"""The operations of the XKS proxy API, and good requests for each.

How requests are sent and recorded is in ``sender``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from pytest_xks.certify.evidence.exchange import Headers, Meaning, Signing
from pytest_xks.certify.run.session import require

from .bodies import (
    AAD,
    ALICE,
    PLAINTEXT,
    Body,
    ProxyOperation,
    Sealed,
    encrypt_body,
    request_metadata,
    to_json,
)
from .expect import control
from .http1 import HttpRequest
from .proxy_session import ProxySession, StoreAccess
from .sealing import read_sealed
from .sender import ALONE, Sender
from .signing import Signer

if TYPE_CHECKING:
    from pytest_xks.certify.evidence.recorder import Recorder
    from pytest_xks.certify.targets.proxy_target import StoreTarget

    from .answer import Circumstances, ProxyAnswer

__all__ = ["Caller"]


class Caller(Sender):
    """Makes requests as KMS does, and calls the operations."""

    def __init__(self, session: ProxySession, recorder: Recorder) -> None:
        super().__init__(session, recorder)
        self.main = StoreAccess(
            uri_path=self.target.uri_path,
            credential=self.target.credential,
            credential_name="",
            keys=self.target.keys,
        )

    # What the target provides.

    def needs(self, capability: str) -> None:
        """Return if the target provides a capability.

        Raises:
            NotApplicable: the target declares that it lacks it.
            NotTestable: the target file does not mention it.
        """
        require(self.target, capability, load=self.session.load)

    def key(self, role: str) -> str:
        """The id of the external key for a role.

        Raises:
            NotApplicable: the target declares that it lacks one.
            NotTestable: the target file names none.
        """
        if role != "usable":
            self.needs(f"{role}_key")
        return self.target.keys[role]

    def store(self, section: str, found: StoreTarget | None) -> StoreAccess:
        """Another key store of the target.

        Args:
            section: the name of its credential.
            found: what the target says of it; None for the main store.
        """
        if found is None:
            return self.main
        return StoreAccess(
            uri_path=found.uri_path,
            credential=found.credential,
            credential_name=section,
            keys=found.keys,
        )

    # Requests.

    def signer(self, store: StoreAccess | None = None) -> Signer:
        """How KMS signs for a key store."""
        return Signer(
            credential=(store or self.main).credential, region=self.target.region
        )

    def permitted(self, body: Body, path: str = "") -> Body:
        """The body, with a principal who may, where a policy binds the key store."""
        policy, metadata = self.target.authorization, body.get("requestMetadata")
        if policy is None or not isinstance(metadata, dict):
            return body
        if policy.store is not None and not path.startswith(policy.store.uri_path):
            return body
        principal = metadata.get("awsPrincipalArn")
        if principal != ALICE or principal == policy.denied_principal_arn:
            return body
        allowed = {"awsPrincipalArn": policy.allowed_principal_arn}
        return body | {"requestMetadata": metadata | allowed}

    def unsigned(
        self,
        path: str,
        body: Body | bytes,
        *,
        method: str = "POST",
        headers: Headers = (),
    ) -> HttpRequest:
        """A request without a signature."""
        data = body if isinstance(body, bytes) else to_json(self.permitted(body, path))
        return HttpRequest(
            method=method,
            path=path,
            headers=(
                ("Host", self.target.endpoint.authority),
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(data))),
                *headers,
            ),
            body=data,
        )

    def request(  # noqa: PLR0913 - each is one part of a request that a check may vary
        self,
        operation: ProxyOperation,
        body: Body | bytes,
        *,
        key: str | None = None,
        store: StoreAccess | None = None,
        method: str = "POST",
        path: str | None = None,
    ) -> HttpRequest:
        """A request as KMS would send it, signed.

        Args:
            operation: what to ask for.
            body: the body; a dict is written as JSON.
            key: an external key id; that of the usable key, if None.
            store: the key store; the main one, if None.
            method: another method.
            path: another path than that of the operation.
        """
        store = store or self.main
        path = store.path(operation, key) if path is None else path
        request = self.signer(store).sign(self.unsigned(path, body, method=method))
        signing = Signing(region=self.target.region, credential=store.credential_name)
        return replace(request, signing=signing)

    def clock_offset(self) -> timedelta:
        """How far the proxy's clock is ahead of ours, by the Date of an answer."""
        if self.session.clock_offset is None:
            self.session.clock_offset = self._ask_for_clock_offset()
        return self.session.clock_offset

    def _ask_for_clock_offset(self) -> timedelta:
        answer = self.call(
            ProxyOperation.GET_HEALTH_STATUS, label="control: what time is it"
        )
        control(answer)
        try:
            there = parsedate_to_datetime(answer.header("Date") or "")
        except ValueError:
            return timedelta(0)
        offset = there.replace(tzinfo=UTC) - datetime.now(UTC)
        # Date has whole seconds; what is less than two may be rounding.
        return offset if abs(offset) > timedelta(seconds=2) else timedelta(0)

    # Calls.

    def call(  # noqa: PLR0913 - each is one circumstance that a check may vary
        self,
        operation: ProxyOperation,
        body: Body | bytes | None = None,
        *,
        key: str | None = None,
        store: StoreAccess | None = None,
        label: str = "probe",
        circumstances: Circumstances = ALONE,
        paced: bool = True,
    ) -> ProxyAnswer:
        """Call an operation.

        Args:
            operation: what to ask for.
            body: the body; a good one, if None (except for Decrypt).
            key: an external key id; that of the usable key, if None.
            store: the key store; the main one, if None.
            label: what it is for, in a phrase.
            circumstances: what else went on, for the line that repeats it.
            paced: whether to wait and send again what gets a 429.
        """
        good = self.good_body(operation) if body is None else body
        used = store or self.main
        meaning = Meaning(
            operation=operation.title,
            key_id=used.keys["usable"] if key is None else key,
            credential=used.credential_name,
            store=used.uri_path,
        )
        return self.send(
            lambda: self.request(operation, good, key=key, store=store),
            label=label,
            meaning=meaning,
            circumstances=circumstances,
            paced=paced,
        )

    def good_body(self, operation: ProxyOperation, **metadata: object) -> Body:
        """A body that has to be served; for Decrypt, of something sealed before.

        Args:
            operation: whose.
            metadata: members of requestMetadata to replace or add; None leaves one out.

        Raises:
            NotTestable: there is nothing to decrypt.
        """
        members = request_metadata(operation, **metadata)
        if operation is ProxyOperation.ENCRYPT:
            return encrypt_body(PLAINTEXT, aad=AAD, metadata=members)
        if operation is ProxyOperation.DECRYPT:
            return self.sealed().body(metadata=members)
        return {"requestMetadata": members}

    def encrypt(  # noqa: PLR0913 - each is one part of a request that a check may vary
        self,
        plaintext: bytes = PLAINTEXT,
        *,
        aad: bytes | None = None,
        cdiv: bool = False,
        key: str | None = None,
        store: StoreAccess | None = None,
        label: str = "probe: Encrypt",
    ) -> ProxyAnswer:
        """Call Encrypt."""
        body = encrypt_body(plaintext, aad=aad, cdiv=cdiv)
        return self.call(
            ProxyOperation.ENCRYPT, body, key=key, store=store, label=label
        )

    def decrypt(
        self,
        sealed: Sealed,
        *,
        key: str | None = None,
        store: StoreAccess | None = None,
        label: str = "probe: Decrypt",
    ) -> ProxyAnswer:
        """Call Decrypt."""
        return self.call(
            ProxyOperation.DECRYPT, sealed.body(), key=key, store=store, label=label
        )

    def seal(
        self,
        plaintext: bytes = PLAINTEXT,
        *,
        aad: bytes | None = AAD,
        key: str | None = None,
        store: StoreAccess | None = None,
    ) -> Sealed:
        """Something to decrypt.

        Raises:
            NotTestable: Encrypt does not work.
        """
        answer = self.encrypt(
            plaintext, aad=aad, key=key, store=store, label="control: Encrypt"
        )
        return read_sealed(answer, plaintext, aad)

    def sealed(
        self, *, key: str | None = None, store: StoreAccess | None = None
    ) -> Sealed:
        """Something to decrypt, which was sealed once in this run.

        Raises:
            NotTestable: Encrypt does not work.
        """
        found, place = self.session.sealed, self._place(key, store)
        if place not in found:
            found[place] = self.seal(key=key, store=store)
        return found[place]

    def _place(self, key: str | None, store: StoreAccess | None) -> tuple[str, str]:
        store = store or self.main
        return store.uri_path, store.keys["usable"] if key is None else key

    @staticmethod
    def read_sealed(answer: ProxyAnswer, plaintext: bytes, aad: bytes | None) -> Sealed:
        """What an Encrypt returned, to be decrypted.

        Raises:
            NotTestable: it returned nothing that could be.
        """
        return read_sealed(answer, plaintext, aad)
