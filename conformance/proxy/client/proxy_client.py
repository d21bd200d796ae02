"""One check's view of the proxy under test: calls, and probes between their controls.

What calls are is in ``caller``, what a batch of probes means in ``probes``; what lasts
longer than a check is in ``proxy_session``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.certify.evidence.exchange import Headers, Meaning, Purpose, Signing

from .bodies import Body, ProxyOperation, Sealed
from .caller import Caller
from .expect import REFUSED, SERVED, Outcome
from .probes import Probe, judge, require_served
from .sealing import gives_back

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .answer import ProxyAnswer
    from .http1 import HttpRequest
    from .proxy_session import StoreAccess
    from .signing import Signs

__all__ = ["ProxyClient"]


class ProxyClient(Caller):
    """One check's view of the proxy under test."""

    # Probes and their controls.

    def probe(  # noqa: PLR0913 - each is one part of a request that a check may vary
        self,
        operation: ProxyOperation,
        body: Body | bytes | None = None,
        *,
        altered: str,
        accept: tuple[Outcome, ...] = (REFUSED,),
        key: str | None = None,
        store: StoreAccess | None = None,
        method: str = "POST",
        path: str | None = None,
        headers: Headers = (),
        signer: Signs | None = None,
        edit: Callable[[HttpRequest], HttpRequest] | None = None,
        raw: Callable[[HttpRequest], bytes] | None = None,
        anew: bool = False,
        look: Callable[[ProxyAnswer], None] | None = None,
        note: Callable[[ProxyAnswer], str] | None = None,
        purpose: Purpose = Purpose.PROBE,
    ) -> Probe:
        """A request for ``judge``, signed whenever it is sent.

        Args:
            operation: what to ask for.
            body: the body; a good one, if None.
            altered: in what it differs from a good request, in a phrase.
            accept: what may come; by default a refusal.
            key: an external key id; that of the usable key, if None.
            store: the key store; the main one, if None.
            method: another method.
            path: another path than that of the operation.
            headers: more headers.
            signer: signs; as KMS does, if None.
            edit: changes the request once it is signed.
            raw: makes the bytes to send in place of the request, on a new connection.
            anew: whether to send it on a new connection.
            look: looks at an accepted answer once more, and raises if it is wrong.
            note: a remark on an answer that is not accepted.
            purpose: what it is for.
        """
        store = store or self.main
        good = self._good_body(operation, store) if body is None else body
        where = store.path(operation, key) if path is None else path
        unsigned = self.unsigned(where, good, method=method, headers=headers)
        as_kms = signer is None and edit is None
        signing = Signing(region=self.target.region, credential=store.credential_name)

        def made() -> HttpRequest:
            signed = (signer or self.signer(store)).sign(unsigned)
            signed = replace(signed, signing=signing if as_kms else None)
            return edit(signed) if edit else signed

        meaning = Meaning(
            purpose=purpose,
            operation=operation.title,
            key_id=store.keys["usable"] if key is None else key,
            credential=store.credential_name,
            store=store.uri_path,
            altered="" if purpose is Purpose.CONTROL else altered,
        )
        text = f"{purpose.value}: {altered}"

        def send() -> ProxyAnswer:
            if raw is None and not anew:
                return self.send(made, label=text, meaning=meaning)
            return self.send_anew(made, label=text, meaning=meaning, raw=raw)

        return Probe(
            label=altered,
            operation=operation,
            store=store,
            send=send,
            accept=accept,
            look=look,
            note=note,
        )

    def _good_body(self, operation: ProxyOperation, store: StoreAccess) -> Body:
        if operation is ProxyOperation.DECRYPT:
            return self.sealed(store=store).body()
        return self.good_body(operation)

    def control(
        self,
        operation: ProxyOperation,
        body: Body | None = None,
        *,
        key: str | None = None,
        store: StoreAccess | None = None,
        look: Callable[[ProxyAnswer], None] | None = None,
    ) -> Probe:
        """A good request, which has to be served; see ``probe``."""
        if body is None and operation is ProxyOperation.DECRYPT:
            body = self.sealed(key=key, store=store).body()
        return self.probe(
            operation,
            body,
            altered=f"a good {operation.title}",
            accept=(SERVED,),
            key=key,
            store=store,
            look=look,
            purpose=Purpose.CONTROL,
        )

    def opens(
        self,
        sealed: Sealed,
        *,
        key: str | None = None,
        store: StoreAccess | None = None,
    ) -> Probe:
        """The control of what is altered before it is decrypted: as it is, it opens."""
        look = gives_back(sealed.plaintext)
        control = self.control(
            ProxyOperation.DECRYPT, sealed.body(), key=key, store=store, look=look
        )
        return replace(control, identity=sealed)

    def judge(
        self, probes: Sequence[Probe], controls: Sequence[Probe] | None = None
    ) -> list[ProxyAnswer]:
        """Send probes side by side between their controls; see ``probes.judge``.

        Args:
            probes: the probes.
            controls: by default a good request for every operation and key store that
                the probes ask; an empty list where that is what the probes are.
        """
        if controls is None:
            distinct = {
                (each.operation, each.store.uri_path, each.store.credential_name): each
                for each in probes
            }
            controls = [
                replace(
                    self.control(each.operation, store=each.store), identity=identity
                )
                for identity, each in distinct.items()
            ]
        return judge(self, probes, controls)

    def require_served(self, controls: Sequence[Probe]) -> list[ProxyAnswer]:
        """Send good requests side by side; see ``probes.require_served``."""
        return require_served(self, controls)

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
        self.require_served([self.opens(sealed, key=key, store=store)])
        return sealed
