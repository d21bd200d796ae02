"""The suite's own XKS client: the operations, and good requests for each.

``ProxyClient`` is one check's view of the proxy under test. How requests are sent and
recorded is in ``sender``; what lasts longer than a check is in ``proxy_session``.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from pytest_xks.certify.evidence.exchange import Headers, Signing
from pytest_xks.certify.run.outcome import NotTestable
from pytest_xks.certify.run.session import require
from pytest_xks.certify.targets.credential import Credential

from .bodies import (
    ALICE,
    Body,
    ProxyOperation,
    Sealed,
    encrypt_body,
    flip,
    request_metadata,
    to_json,
)
from .connection import HttpRequest
from .expect import Outcome, control, error
from .proxy_session import ProxySession, StoreAccess
from .sealing import gives_back, read_sealed
from .sender import ALONE, Sender
from .signing import Signer

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.certify.evidence.recorder import Recorder
    from pytest_xks.certify.targets.proxy_target import StoreTarget

    from .answer import Circumstances, ProxyAnswer

__all__ = [
    "AAD",
    "PLAINTEXT",
    "UNKNOWN_KEY_ID",
    "WRONG_SECRET",
    "ProxyClient",
]

PLAINTEXT = b"a plaintext of thirty-two bytes!"
AAD = b"project=nile,department=marketing"
UNKNOWN_KEY_ID = "no-such-key-8e1f4e52"
WRONG_SECRET = "Wr0ngSecretAccessKey0fTheRightLength0000000"  # noqa: S105 - of nothing


class ProxyClient(Sender):
    """One check's view of the proxy under test."""

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

    def _permitted(self, body: Body) -> Body:
        """The body, with a principal who may, where a policy binds the main store."""
        policy, metadata = self.target.authorization, body.get("requestMetadata")
        if policy is None or policy.store is not None or not isinstance(metadata, dict):
            return body
        if metadata.get("awsPrincipalArn") != ALICE:
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
        data = body if isinstance(body, bytes) else to_json(self._permitted(body))
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
    ) -> ProxyAnswer:
        """Call an operation.

        Args:
            operation: what to ask for.
            body: the body; a good one, if None (except for Decrypt).
            key: an external key id; that of the usable key, if None.
            store: the key store; the main one, if None.
            label: what it is for, in a phrase.
            circumstances: what else went on, for the line that repeats it.
        """
        if body is None:
            body = self.good_body(operation)
        request = self.request(operation, body, key=key, store=store)
        return self.send(request, label=label, circumstances=circumstances)

    def good_body(self, operation: ProxyOperation, **metadata: object) -> Body:
        """A body that has to be served; for Decrypt, of something sealed just now.

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
            return self.seal().body(metadata=members)
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

    @staticmethod
    def read_sealed(answer: ProxyAnswer, plaintext: bytes, aad: bytes | None) -> Sealed:
        """What an Encrypt returned, to be decrypted.

        Raises:
            NotTestable: it returned nothing that could be.
        """
        return read_sealed(answer, plaintext, aad)

    def opened(
        self,
        sealed: Sealed,
        *,
        key: str | None = None,
        store: StoreAccess | None = None,
    ) -> Sealed:
        """The same, once it has been shown that it decrypts as it is.

        Raises:
            NotTestable: it does not.
        """
        answer = self.decrypt(
            sealed, key=key, store=store, label="control: Decrypt, unaltered"
        )
        if not gives_back(control(answer), sealed.plaintext):
            raise NotTestable("Decrypt did not give back what was encrypted.")
        return sealed

    # The refusals that this proxy gives.

    def unauthenticated(self) -> tuple[Outcome, ...]:
        """How the proxy may refuse a signature."""

        def ask() -> ProxyAnswer:
            store = replace(
                self.main,
                credential=Credential(self.main.credential.access_key_id, WRONG_SECRET),
            )
            request = self.request(
                ProxyOperation.GET_HEALTH_STATUS,
                self.good_body(ProxyOperation.GET_HEALTH_STATUS),
                store=store,
            )
            return self.send(replace(request, signing=None), label="a wrong signature")

        return self._refusals("AuthenticationFailedException", ask)

    def invalid_ciphertext(self) -> tuple[Outcome, ...]:
        """How the proxy may refuse what does not decrypt."""

        def ask() -> ProxyAnswer:
            sealed = self.seal()
            return self.decrypt(
                sealed.altered(ciphertext=flip(sealed.ciphertext)),
                label="a corrupted ciphertext",
            )

        return self._refusals("InvalidCiphertextException", ask)

    def invalid(self) -> tuple[Outcome, ...]:
        """How the proxy may refuse an invalid parameter."""

        def ask() -> ProxyAnswer:
            return self.call(
                ProxyOperation.ENCRYPT, b"{", label="a body that is no JSON"
            )

        return self._refusals("ValidationException", ask)

    def _refusals(
        self, name: str, ask: Callable[[], ProxyAnswer]
    ) -> tuple[Outcome, ...]:
        own = self.session.own(name, ask)
        return (error(name), own) if own else (error(name),)
