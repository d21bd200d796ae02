"""Before the suite: does the proxy answer, know credential and keys, and work at all?

Only what is the user's mistake ends a certification here. A proxy that answers wrongly
is what the suite is for; what is the matter with the whole of it is found here, in a
line each, and goes first in the report.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.preflight.findings import Finding
from pytest_xks.certify.preflight.proxy_caller import PLAINTEXT, ProxyCaller
from pytest_xks.certify.preflight.refused_signature import refused_signature
from pytest_xks.certify.report.escaping import quoted
from pytest_xks.http.client import (
    ConnectFailure,
    TlsFailure,
    TransportError,
    TransportTimeout,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_xks.certify.preflight.proxy_caller import Called
    from pytest_xks.certify.targets.proxy_target import ProxyTarget, StoreTarget

__all__ = ["Preflight", "preflight_proxy"]

# "GetKeyMetadata", KMS considerations: KMS waits this long.
_DEADLINE_MS = 250
# Answers of whoever stands before a proxy that is not there (RFC 9110, 15.6).
_OF_GATEWAYS = {502, 503, 504}
# These say something about the request or the caller, not about the key.
_NOT_OF_KEYS = {400, 401, 403, 429}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preflight:
    """A target that was tried out."""

    target: ProxyTarget
    """Without keys that were only assumed and that it does not have."""
    warnings: tuple[str, ...] = ()
    """What the user should know."""
    findings: tuple[Finding, ...] = ()
    """What is the matter with the whole of it."""


def preflight_proxy(target: ProxyTarget) -> Preflight:
    """Try the target out.

    Raises:
        UsageProblem: the target cannot be reached, refuses the credential, or does not
            have a key or the path that is configured.
    """
    with ProxyCaller(target) as caller:
        return _Attempt(target, caller).run()


class _Attempt:
    def __init__(self, target: ProxyTarget, caller: ProxyCaller) -> None:
        self._target = target
        self._caller = caller
        self._url = target.endpoint.url

    def run(self) -> Preflight:
        health, metadata = self._first_answers()
        self._check_reached(health, metadata)
        target, warnings = self._check_keys(health)
        findings = (Finding(text=t) for t in self._findings(health, metadata))
        return Preflight(
            target=target, warnings=tuple(warnings), findings=tuple(findings)
        )

    # -- is the proxy there? ------------------------------------------------------

    def _first_answers(self) -> tuple[Called | None, Called | None]:
        """What health and the usable key's metadata are answered; None is no answer."""
        health: Called | None = None
        try:
            health = self._caller.health()
        except (ConnectFailure, TlsFailure) as error:
            raise self._unreachable(error) from None
        except TransportError as error:
            # A proxy may fail at health only; one that never answers is out of reach.
            try:
                return None, self._metadata("usable")
            except TransportError:
                raise self._unreachable(error) from None
        return health, self._or_none(lambda: self._metadata("usable"))

    def _metadata(self, role: str) -> Called:
        return self._caller.metadata(self._target.keys[role])

    @staticmethod
    def _or_none(call: Callable[[], Called]) -> Called | None:
        try:
            return call()
        except TransportError:
            return None

    def _unreachable(self, error: TransportError) -> UsageProblem:
        hints = {
            TlsFailure: "Is proxy.ca_bundle the CA of the proxy's certificate, and the "
            "endpoint a name in it?",
            ConnectFailure: "Is the proxy running, and are host and port right?",
            TransportTimeout: "Is the port that of the proxy, and does it speak https?",
        }
        return UsageProblem(
            f"{self._url} cannot be reached: {error}",
            hints.get(type(error), "Does an XKS proxy listen there?"),
        )

    def _check_reached(self, health: Called | None, metadata: Called | None) -> None:
        """End if both answers say the same of what is between us and the proxy."""
        if health is None or metadata is None:
            return
        both = {health.status, metadata.status}
        if both == {401}:
            raise refused_signature(self._caller, health)
        if both <= _OF_GATEWAYS and not health.error_name:
            raise UsageProblem(
                f"{self._url} answers {health.said}: the gateway there answers, the "
                "proxy behind it does not.",
                "Is the proxy running, and does the gateway know where?",
            )
        if both == {404} and metadata.error_name != "KeyNotFoundException":
            raise UsageProblem(
                f"{self._url} has no XKS proxy at {self._target.uri_path!r}: "
                f"GetHealthStatus and GetKeyMetadata are answered {health.said}.",
                "Correct proxy.uri_path: it is the XksProxyUriPath, with /kms/xks/v1.",
            )

    # -- does it know the keys? ---------------------------------------------------

    def _check_keys(self, health: Called | None) -> tuple[ProxyTarget, list[str]]:
        unknown = {
            (section, role): answer
            for section, store in self._stores()
            for role, answer in self._unknown_keys(store)
            # What the proxy says to everything, it does not say of a key.
            if health is None or answer.said != health.said
        }
        assumed = {
            role
            for section, role in unknown
            if section == "proxy.keys" and role in self._target.assumed_roles
        }
        mistakes = {row: a for row, a in unknown.items() if row[1] not in assumed}
        if mistakes:
            stores = dict(self._stores())
            lines = "; ".join(f"{s}.{r} = {stores[s].keys[r]!r}" for s, r in mistakes)
            answer = next(iter(mistakes.values()))
            raise UsageProblem(
                f"{self._target.source}: the proxy does not know: {lines} "
                f"({answer.said}).",
                "Correct the id, create the key, or remove the line.",
            )
        keys = {r: key for r, key in self._target.keys.items() if r not in assumed}
        return replace(self._target, keys=keys), [
            f"The proxy has no key {self._target.keys[role]!r}, the default of AWS's "
            f"client for {role}; set the variable if it has another."
            for role in sorted(assumed)
        ]

    def _stores(self) -> Iterator[tuple[str, StoreTarget]]:
        # Not the throttled store: its quota is what the suite measures.
        yield "proxy.keys", self._caller.store
        if store := self._target.second_store:
            yield "proxy.second_store.keys", store
        if self._target.authorization and (store := self._target.authorization.store):
            yield "proxy.authorization.keys", store

    def _unknown_keys(self, store: StoreTarget) -> Iterator[tuple[str, Called]]:
        """The keys that the proxy answers for as for one that it cannot have."""
        nobody: Called | None = None
        for role, key_id in store.keys.items():
            answer = self._or_none(lambda k=key_id: self._caller.metadata(k, store))  # type: ignore[misc] # called at once
            if answer is None or answer.status == 200:
                continue
            if answer.error_name == "KeyNotFoundException":
                yield role, answer
                continue
            if not 400 <= answer.status < 500 or answer.status in _NOT_OF_KEYS:
                continue
            nobody = nobody or self._or_none(
                lambda: self._caller.metadata(f"nosuch-{secrets.token_hex(8)}", store)
            )
            if nobody is not None and nobody.said == answer.said:
                yield role, answer

    # -- does it work? ------------------------------------------------------------

    def _findings(
        self, health: Called | None, metadata: Called | None
    ) -> Iterator[str]:
        if health is None:
            yield "GetHealthStatus is not answered."
        elif health.status != 200:
            yield _of_health(health)
        if metadata is None:
            yield f"GetKeyMetadata of the usable key {self._usable} is not answered."
        else:
            yield from self._of_metadata(metadata)
        healthy = health is not None and health.status == 200
        yield from self._of_cryptography(healthy=healthy)
        answered = [each for each in (health, metadata) if each is not None]
        if all(each.milliseconds > _DEADLINE_MS for each in answered):
            longest = max(each.milliseconds for each in answered)
            yield (
                f"Every answer takes longer than the {_DEADLINE_MS} ms that KMS waits "
                f"({longest:.0f} ms)."
            )

    @property
    def _usable(self) -> str:
        return repr(self._target.keys["usable"])

    def _of_metadata(self, answer: Called) -> Iterator[str]:
        if answer.status != 200:
            yield (
                f"GetKeyMetadata of the usable key {self._usable} is answered "
                f"{answer.said}."
            )
            return
        wrong = [
            f"{name} {_shown(answer.document.get(name))}, not {wanted}"
            for name, wanted in (("keySpec", "AES_256"), ("keyStatus", "ENABLED"))
            if answer.document.get(name) != wanted
        ]
        usage = answer.document.get("keyUsage")
        known = usage if isinstance(usage, list) else []
        if missing := [u for u in ("ENCRYPT", "DECRYPT") if u not in known]:
            wrong.append(f"keyUsage {_shown(usage)}, without {' and '.join(missing)}")
        if wrong:
            yield (
                f"The metadata of the usable key {self._usable} says "
                f"{'; '.join(wrong)}: KMS would refuse to use it."
            )

    def _of_cryptography(self, *, healthy: bool) -> Iterator[str]:
        """What is wrong with Encrypt, or with Decrypt of what came of it."""
        while_healthy = ", while GetHealthStatus is answered 200" if healthy else ""
        encrypted = self._or_none(self._caller.encrypt)
        if encrypted is None or encrypted.status != 200:
            yield self._failing("Encrypt", encrypted, while_healthy)
            return
        decrypted = self._or_none(lambda: self._caller.decrypt(encrypted.document))
        if decrypted is None or decrypted.status != 200:
            yield self._failing("Decrypt", decrypted, while_healthy)
            return
        text = decrypted.document.get("plaintext")
        if _bytes_of(text) != PLAINTEXT:
            yield (
                f"Decrypt with the usable key {self._usable} does not return what was "
                f"encrypted: it is {_shown(base64.b64encode(PLAINTEXT).decode())}, and "
                f"{_shown(text)} came."
            )

    def _failing(
        self, operation: str, answer: Called | None, circumstances: str
    ) -> str:
        came = "not answered" if answer is None else f"answered {answer.said}"
        at_fault = "; is its key manager down?"
        if answer is not None and answer.status < 500:
            at_fault = "."
        return (
            f"{operation} with the usable key {self._usable} is {came}{circumstances}"
            f"{at_fault}"
        )


def _of_health(answer: Called) -> str:
    said = f"GetHealthStatus is answered {answer.said}"
    if answer.status == 403:
        return (
            f"{said}: it is refused, though its requests name no principal "
            "(GetHealthStatus), so KMS could not connect."
        )
    return f"{said}, not 200: KMS could not connect."


def _bytes_of(text: object) -> bytes | None:
    """Base64 as KMS reads it, for which the suite has requirements of its own."""
    try:
        return base64.b64decode(str(text), validate=False)
    except (binascii.Error, ValueError):
        return None


def _shown(value: object) -> str:
    return quoted(repr(value))[:80]
