"""Before the suite: is there a KMS, may we call it, and does it reach our proxy?

What is the user's mistake ends a certification here, in one sentence. So does, in one
finding, an emulator that has no external key stores. Whatever else an emulator answers
is what the suite is for.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.preflight.findings import Finding
from pytest_xks.certify.report.escaping import quoted
from pytest_xks.certify.targets.kms_call import KmsCaller
from pytest_xks.certify.targets.secrets import redactor_for
from pytest_xks.certify.targets.target import Unsupported
from pytest_xks.http.client import ConnectFailure, TlsFailure, TransportError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
    from pytest_xks.certify.probe_proxy.store import ProxyStore
    from pytest_xks.certify.targets.kms_call import Answer
    from pytest_xks.certify.targets.kms_target import KmsTarget

__all__ = ["KmsPreflight", "preflight_kms"]

_REFUSED_CREDENTIAL = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidClientTokenId",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
# An answer by one of these shows that the operation is there, rightly or wrongly. Not
# KMSInternalException: emulators answer so to what they have never heard of.
_OF_KEY_STORES = ("CustomKeyStore", "Xks", "CloudHsm", "IncorrectTrustAnchor")
_UNKNOWN_STORE = "cks-0123456789abcdef0"
_WHAT = "external key stores"
_EXTERNAL_KEY = "pytest-xks-preflight"
_PASSING = ("CONNECTING", "DISCONNECTING")
_PAUSE_S = 0.1
# "CONNECTING ends in CONNECTED or FAILED": the suite need not wait for it any more.
_SETTLES = "KMS-CONNECT-003"
_NO_PATIENCE_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class KmsPreflight:
    """A KMS endpoint that was tried out."""

    target: KmsTarget
    """Without patience, if that is of no use."""
    findings: tuple[Finding, ...] = ()
    """What is the matter with the whole of it."""
    unsupported: Unsupported | None = None
    """What it does not support at all, so that no check could say more."""


def preflight_kms(target: KmsTarget, probe_proxy: ProbeProxy) -> KmsPreflight:
    """Try the target out.

    Args:
        target: the KMS endpoint.
        probe_proxy: the mock proxy that it must call.

    Raises:
        UsageProblem: it cannot be reached, is no KMS, refuses the credential, or does
            not reach the proxy.
    """
    try:
        caller = KmsCaller(target)
    except OSError:
        raise UsageProblem(
            f"kms.ca_bundle holds no certificate in PEM: {target.ca_bundle}",
            "It has to hold the CA that signed the certificate of the endpoint.",
        ) from None
    with caller:
        attempt = _Preflight(target, probe_proxy, caller)
        try:
            return attempt.run()
        except TransportError as error:
            raise attempt.unreachable(error) from None
        except UsageProblem as problem:
            # An emulator may repeat what it was sent.
            clean = redactor_for(target, probe_proxy).text
            raise UsageProblem(clean(problem.message), clean(problem.hint)) from None


class _Preflight:
    def __init__(
        self, target: KmsTarget, probe_proxy: ProbeProxy, caller: KmsCaller
    ) -> None:
        self._target = target
        self._probe_proxy = probe_proxy
        self._caller = caller
        self._try = caller.attempt

    def run(self) -> KmsPreflight:
        first = self._caller.call("ListKeys")
        answers = [self._try("DescribeCustomKeyStores")]
        self._check_kms(first, answers[0])
        if not _has_operation(answers[0]):
            answers.extend(self._others())
        if any(map(_has_operation, answers)):
            findings = tuple(self._of_key_stores())
            hopeless = any(each.violates == _SETTLES for each in findings)
            patience = _NO_PATIENCE_S if hopeless else self._target.settling_seconds
            target = replace(self._target, settling_seconds=patience)
            return KmsPreflight(target=target, findings=findings)
        answers.append(self._create_key())
        exchanges = tuple(answer.exchange for answer in answers)
        unsupported = Unsupported(what=_WHAT, exchanges=exchanges)
        return KmsPreflight(target=self._target, unsupported=unsupported)

    def unreachable(self, error: TransportError) -> UsageProblem:
        hints: Mapping[type[TransportError], str] = {
            ConnectFailure: "Is the emulator running, and are host and port right?",
            TlsFailure: "Does it speak https, and does kms.ca_bundle name its CA?",
        }
        return UsageProblem(
            f"{self._target.endpoint_url} cannot be reached: {error}",
            hints.get(type(error), "Does a KMS emulator listen there, over HTTP?"),
        )

    # -- is it a KMS? -------------------------------------------------------------

    def _check_kms(self, first: Answer, second: Answer) -> None:
        for answer in (first, second):
            if answer.code in _REFUSED_CREDENTIAL:
                raise UsageProblem(
                    f"{self._target.endpoint_url} refuses the credential: "
                    f"{_said(answer)}",
                    "Check access_key_id, secret_access_key and region in [kms].",
                )
        if not _is_list(first, "Keys") and not _has_operation(second):
            raise self._no_kms(first)

    def _no_kms(self, answer: Answer) -> UsageProblem:
        if answer.document is None:
            return UsageProblem(
                f"{self._target.endpoint_url} is no AWS JSON endpoint: {_said(answer)}",
                "Is kms.endpoint_url the port of the emulator's AWS API?",
            )
        return UsageProblem(
            f"{self._target.endpoint_url} is no KMS endpoint: {_said(answer)}",
            "Is KMS among the services that the emulator was started with?",
        )

    def _others(self) -> Iterator[Answer]:
        """The other operations of key stores, asked for one that is not there."""
        yield self._try("CreateCustomKeyStore", CustomKeyStoreType="NO_SUCH_TYPE")
        for verb in ("Connect", "Disconnect", "Update", "Delete"):
            yield self._try(f"{verb}CustomKeyStore", CustomKeyStoreId=_UNKNOWN_STORE)

    def _create_key(self) -> Answer:
        answer = self._try(
            "CreateKey",
            Origin="EXTERNAL_KEY_STORE",
            CustomKeyStoreId=_UNKNOWN_STORE,
            XksKeyId=_EXTERNAL_KEY,
        )
        if key_id := _key_id_of(answer):
            # It took an external key for one of its own; that must not stay behind.
            self._try("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=7)
        return answer

    # -- does it reach the proxy? -------------------------------------------------

    def _of_key_stores(self) -> Iterator[Finding]:
        """Create a key store, connect it, and see what reaches the suite's own proxy.

        An emulator that does so without asking the proxy is for the suite to judge; so
        is one that refuses, except for what every check begins with.

        Raises:
            UsageProblem: the emulator does not find the way to the proxy.
        """
        store, answer = self._create_store()
        if not answer.text("CustomKeyStoreId"):
            # Once more, on another path: the emulator may hold the first against us.
            store, answer = self._create_store(prefix="")
        store_id = answer.text("CustomKeyStoreId")
        if not store_id:
            yield Finding(
                text="The emulator refuses every good external key store: "
                f"{_said(answer)}",
                violates="KMS-CREATESTORE-048",
                expected="200 with CustomKeyStoreId",
                exchange=answer.exchange,
            )
            return
        try:
            yield from self._of_key_store(store, store_id)
        finally:
            self._remove(store_id)

    def _create_store(self, prefix: str | None = None) -> tuple[ProxyStore, Answer]:
        label = f"preflight-{secrets.token_hex(4)}"
        store = self._probe_proxy.open_store(
            label=label, prefix=label if prefix is None else prefix
        )
        store.add_key(_EXTERNAL_KEY)
        connections = self._probe_proxy.connections
        answer = self._try(
            "CreateCustomKeyStore",
            CustomKeyStoreName=_name(),
            CustomKeyStoreType="EXTERNAL_KEY_STORE",
            XksProxyConnectivity="PUBLIC_ENDPOINT",
            XksProxyUriEndpoint=store.endpoint,
            XksProxyUriPath=store.uri_path,
            XksProxyAuthenticationCredential=store.credential,
        )
        called = self._probe_proxy.connections > connections
        self._check_route(store, answer, called=called)
        return store, answer

    def _check_route(self, store: ProxyStore, answer: Answer, *, called: bool) -> None:
        if answer.code == "ValidationException" and self._target.warnings():
            raise UsageProblem(
                f"The emulator refuses {store.endpoint}: {_said(answer)}",
                "Remove the port from kms.proxy.endpoint_template.",
            )
        if answer.code == "LimitExceededException":
            raise UsageProblem(
                f"There is no room for a key store: {_said(answer)}",
                "Delete custom key stores that are no longer needed.",
            )
        if answer.code.startswith("Xks") and not store.requests:
            raise self._no_route(store.endpoint, answer, called=called)

    def _of_key_store(self, store: ProxyStore, store_id: str) -> Iterator[Finding]:
        connected = self._try("ConnectCustomKeyStore", CustomKeyStoreId=store_id)
        state = self._state_of(store_id)
        if not store.requests and state == "CONNECTED":
            self._use_key(store_id)
        if not store.requests:
            yield Finding(
                text="The emulator never asks the proxy: it created a key store, "
                f"connecting it was answered {connected.status}, it is {state}, and "
                "not one request has come to the suite's proxy.",
            )
        if state in _PASSING:
            yield Finding(
                text=f"A key store with a good proxy stays {state}, "
                f"{self._target.settling_seconds:g} s after ConnectCustomKeyStore.",
                violates=_SETTLES,
                expected="CONNECTED or FAILED",
                exchange=connected.exchange,
            )
        elif state != "CONNECTED":
            yield Finding(
                text=f"A key store with a good proxy becomes {state or 'nothing'} when "
                f"it is connected: {_said(connected)}"
            )

    def _state_of(self, store_id: str) -> str:
        """The ConnectionState, once it lasts; empty if there is none to be seen."""
        deadline = time.monotonic() + self._target.settling_seconds
        while True:
            answer = self._try("DescribeCustomKeyStores", CustomKeyStoreId=store_id)
            stores = (answer.document or {}).get("CustomKeyStores")
            entry = stores[0] if isinstance(stores, list) and stores else {}
            state = entry.get("ConnectionState") if isinstance(entry, dict) else ""
            if state not in _PASSING or time.monotonic() > deadline:
                return str(state or "")
            time.sleep(_PAUSE_S)

    def _use_key(self, store_id: str) -> None:
        """Create a key, and encrypt with it; it waits for its deletion then."""
        created = self._try(
            "CreateKey",
            Origin="EXTERNAL_KEY_STORE",
            CustomKeyStoreId=store_id,
            XksKeyId=_EXTERNAL_KEY,
        )
        if key_id := _key_id_of(created):
            self._try("Encrypt", KeyId=key_id, Plaintext="eA==")
            self._try("ScheduleKeyDeletion", KeyId=key_id, PendingWindowInDays=7)

    def _remove(self, store_id: str) -> None:
        removed = self._try("DeleteCustomKeyStore", CustomKeyStoreId=store_id)
        if removed.status != 200:
            # Perhaps this emulator connects what it creates.
            self._try("DisconnectCustomKeyStore", CustomKeyStoreId=store_id)
            self._try("DeleteCustomKeyStore", CustomKeyStoreId=store_id)

    def _no_route(self, endpoint: str, answer: Answer, *, called: bool) -> UsageProblem:
        port = self._probe_proxy.port
        if called:
            return UsageProblem(
                f"The emulator connected to the suite's proxy at port {port} and asked "
                f"it nothing; does it refuse the certificate? {_said(answer)}",
                "Let it trust kms.proxy.ca_certificate (for our fake KMS: --trust-ca), "
                "and see that kms.proxy.endpoint_template has one label for {label}.",
            )
        return UsageProblem(
            f"The emulator never called the suite's proxy at port {port}: "
            f"{_said(answer)}",
            f"Route {endpoint}, port 443, to kms.proxy.listen (for our fake KMS: "
            "--connect-to), or choose another kms.proxy.endpoint_template.",
        )


def _has_operation(answer: Answer) -> bool:
    """Whether an answer shows that the emulator has an operation of key stores."""
    if answer.operation == "DescribeCustomKeyStores" and answer.status == 200:
        return _is_list(answer, "CustomKeyStores")
    return answer.code.startswith(_OF_KEY_STORES)


def _name() -> str:
    """A name as the suite's: what a crash leaves, a later run removes."""
    run = f"{int(time.time()):08x}{secrets.token_hex(2)}"
    return f"pytest-xks-conformance-{run}-preflight"


def _key_id_of(answer: Answer) -> str:
    """The KeyId of a key that was created; empty without one."""
    metadata = (answer.document or {}).get("KeyMetadata")
    key_id = metadata.get("KeyId") if isinstance(metadata, dict) else None
    return key_id if isinstance(key_id, str) else ""


def _is_list(answer: Answer, name: str) -> bool:
    return answer.status == 200 and isinstance((answer.document or {}).get(name), list)


def _said(answer: Answer) -> str:
    """What the emulator answered, in a few words."""
    if not answer.status:
        return f"{answer.operation} was not answered ({answer.exchange.error})."
    said = f"{answer.status} {quoted(answer.code)}".strip()
    if answer.document is None:
        said += ", and that is not JSON"
    elif answer.message:
        said += f" ({quoted(answer.message)[:200]})"
    return f"{answer.operation} was answered {said}."
