"""The proxy under test, as the target file describes it; data, no reading.

``proxy_file`` and ``environment`` make these. Paths are absolute, values are checked.
Rule of this file: no secret is in a repr.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_xks.certify.report.document import ProxyTargetView
    from pytest_xks.certify.targets.credential import Credential

__all__ = [
    "CAPABILITIES",
    "CLAIMS",
    "COMMANDS",
    "FLUSH_SECONDS",
    "KEY_ROLES",
    "AuthorizationTarget",
    "Endpoint",
    "LogTarget",
    "MtlsTarget",
    "OperatorTarget",
    "ProxyTarget",
    "RefusedCertificate",
    "StoreTarget",
    "ThrottledStoreTarget",
]

COMMANDS = frozenset(
    {
        "add_credential",
        "break_key_manager",
        "disable_key",
        "disable_store",
        "enable_key",
        "enable_store",
        "remove_credential",
        "restore_key_manager",
        "stall_key_manager",
    }
)
"""What only the operator of a proxy can cause."""

CLAIMS = frozenset({"isolated"})
"""What an operator may claim of a proxy beyond what the specification asks of all."""

KEY_ROLES: Mapping[str, str] = {
    "usable": "a key that may encrypt and decrypt",
    "second": "another usable key",
    "encrypt_only": "a key that may only encrypt",
    "decrypt_only": "a key that may only decrypt",
    "no_usage": "a key that may neither encrypt nor decrypt",
    "disabled": "a disabled key",
    "not_aes_256": "a key that is not a 256 bit AES key",
    "special_characters": "a usable key whose id has letters, digits, '-', '_' and '.'",
    "longest": "a usable key whose id has 128 characters",
}
"""The roles of external keys in the target file, and what each is."""

_KEY_CAPABILITIES: Mapping[str, str] = {
    "second_key": "second",
    "encrypt_only_key": "encrypt_only",
    "decrypt_only_key": "decrypt_only",
    "no_usage_key": "no_usage",
    "disabled_key": "disabled",
    "not_aes_256_key": "not_aes_256",
    "special_characters_key": "special_characters",
    "longest_key": "longest",
}

_SECTION_CAPABILITIES: Mapping[str, str] = {
    "rotated_credential": "rotated_credential",
    "second_store": "second_store",
    "mtls": "mtls",
    "authorization": "authorization",
    "throttling": "throttled_store",
    "log": "log",
}

CAPABILITIES: Mapping[str, str] = {
    **{
        capability: f'Add {role} = "…" to [proxy.keys]: {KEY_ROLES[role]}.'
        for capability, role in _KEY_CAPABILITIES.items()
    },
    "rotated_credential": "Add [proxy.rotated_credential]: a second credential of "
    "the same key store, valid at the same time.",
    "second_store": "Add [proxy.second_store]: uri_path, credential and keys of "
    "another key store on the same proxy.",
    "mtls": "Add [proxy.mtls]: certificate and private_key of a client that the proxy "
    "accepts.",
    "authorization": "Add [proxy.authorization]: a denied_principal_arn and an "
    "allowed_principal_arn.",
    "throttling": "Add [proxy.throttled_store]: uri_path, burst, requests_per_second, "
    "credential and keys of a key store with a small request quota.",
    "log": "Add [proxy.log]: file, the proxy's own log on this machine.",
    "load": "Checked only with --load.",
}
"""The capabilities a target may have, and what to add so that each can be tested."""


FLUSH_SECONDS = 5.0
"""How late a log may be written, where the target file does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a proxy listens."""

    scheme: str
    """``https`` or ``http``."""
    host: str
    """A name or an address; an IPv6 address without brackets."""
    port: int

    @property
    def authority(self) -> str:
        """The Host header: host, and the port unless it is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = {"https": 443, "http": 80}[self.scheme]
        return host if self.port == default else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """Scheme and authority, without a trailing slash."""
        return f"{self.scheme}://{self.authority}"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreTarget:
    """Another key store on the same server."""

    uri_path: str
    credential: Credential
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottledStoreTarget(StoreTarget):
    """A key store with a small request quota."""

    burst: int
    requests_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedCertificate:
    """A client certificate that the proxy must refuse, and why."""

    reason: str
    certificate: Path
    private_key: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class MtlsTarget:
    """A listener that asks for a client certificate."""

    endpoint: Endpoint | None
    """None: the endpoint of the target itself asks for it."""
    certificate: Path
    private_key: Path
    refused: tuple[RefusedCertificate, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationTarget:
    """Principals for the secondary authorization of a proxy."""

    denied_principal_arn: str
    allowed_principal_arn: str
    store: StoreTarget | None = None
    """None: the policy binds the key store of the target itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogTarget:
    """The proxy's own log, on this machine."""

    file: Path
    flush_seconds: float = FLUSH_SECONDS
    """How late something may be written to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTarget:
    """What the operator can cause by commands."""

    commands: Mapping[str, tuple[str, ...]]
    """Arguments by name, of ``COMMANDS``; whatever can be done can be undone."""
    folder: Path
    """Where they are run."""
    new_credential: Credential
    """What add_credential adds."""
    health_cached_seconds: float = 60.0
    """How old the result of a health check may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyTarget:
    """An XKS proxy and all that the suite may know about it."""

    endpoint: Endpoint
    uri_path: str
    region: str
    credential: Credential
    keys: Mapping[str, str]
    """External key id by role (see ``KEY_ROLES``); ``usable`` is always there."""
    ca_bundle: Path | None = None
    """None: the CAs that this machine trusts."""
    verify: bool = True
    """False: the server's certificate is not checked (curl's ``--insecure``)."""
    rotated_credential: Credential | None = None
    second_store: StoreTarget | None = None
    isolated: bool = False
    """Whether the operator claims that the main and the second store are isolated."""
    mtls: MtlsTarget | None = None
    authorization: AuthorizationTarget | None = None
    throttled_store: ThrottledStoreTarget | None = None
    log: LogTarget | None = None
    operator: OperatorTarget | None = None
    behind: str = ""
    """What answers in its place to malformed HTTP, bodies above 1 MB and methods other
    than POST: "load-balancer", or nothing."""
    not_supported: frozenset[str] = field(default=frozenset())
    assumed_roles: frozenset[str] = frozenset()
    """Roles whose key id is a default of AWS's client that nobody confirmed."""
    source: str = ""
    """Where the description comes from: a file name, or "environment"."""

    @property
    def client_certificate(self) -> MtlsTarget | None:
        """What to present at ``endpoint``; None if it asks for no certificate."""
        return self.mtls if self.mtls and self.mtls.endpoint is None else None

    @property
    def capabilities(self) -> Mapping[str, str]:
        """What a proxy may support, and what to add for each."""
        return CAPABILITIES

    @property
    def commands(self) -> frozenset[str]:
        """The commands of the operator that the target file names."""
        return frozenset(self.operator.commands) if self.operator else frozenset()

    @property
    def claims(self) -> frozenset[str]:
        """What the operator claims."""
        return frozenset({"isolated"} if self.isolated else ())

    def provides(self, capability: str) -> bool:
        """Whether the description has what ``capability`` needs; False for ``load``."""
        if role := _KEY_CAPABILITIES.get(capability):
            return role in self.keys
        section = _SECTION_CAPABILITIES.get(capability)
        return section is not None and getattr(self, section) is not None

    def credentials(self) -> Iterator[tuple[str, Credential]]:
        """Every credential, with the name of its section ("" for the main one)."""
        yield "", self.credential
        if self.rotated_credential:
            yield "rotated", self.rotated_credential
        if self.second_store:
            yield "second_store", self.second_store.credential
        if self.authorization and self.authorization.store:
            yield "authorization", self.authorization.store.credential
        if self.throttled_store:
            yield "throttled_store", self.throttled_store.credential
        if self.operator:
            yield "added", self.operator.new_credential

    def secrets(self) -> tuple[str, ...]:
        """Every secret access key; for redaction only."""
        return tuple(pair[1].secret_access_key for pair in self.credentials())

    def view(self) -> ProxyTargetView:
        """What ``report.json`` says of it."""
        return {
            "endpoint": self.endpoint.url,
            "uri_path": self.uri_path,
            "region": self.region,
            "access_key_id": self.credential.access_key_id,
            "keys": dict(self.keys),
            "capabilities": [c for c in CAPABILITIES if self.provides(c)],
            "not_supported": sorted(self.not_supported),
            "certificate_verified": self.verify,
            "source": self.source,
        }

    def warnings(self) -> list[str]:
        """What a reader of the verdict should know about it."""
        if self.endpoint.scheme == "http":
            return ["The endpoint is plain http; KMS calls a proxy over https only."]
        if not self.verify:
            return ["The server's certificate was not verified (--insecure)."]
        return []
