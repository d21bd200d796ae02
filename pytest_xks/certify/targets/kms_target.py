"""The KMS emulator under test, as the target file describes it; data, no reading.

``kms_file`` makes these. Paths are absolute, values are checked.
Rule of this file: no secret is in a repr.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_xks.certify.report.document import KmsTargetView

__all__ = [
    "KMS_CAPABILITIES",
    "KmsTarget",
    "ProbeProxySettings",
    "VpcEndpointServiceTarget",
]

KMS_CAPABILITIES: Mapping[str, str] = {
    "vpc_endpoint_service": "Add [kms.vpc_endpoint_service]: name and private_dns_name "
    "of a VPC endpoint service that the emulator knows.",
    "standard_keys": "The emulator needs KMS keys of the origin AWS_KMS.",
}
"""The capabilities a target may have, and what to add so that each can be tested."""

_SECTION_CAPABILITIES: Mapping[str, str] = {
    "vpc_endpoint_service": "vpc_endpoint_service"
}

# AWS's own have 40 characters. Many emulators take anything ("test"), and whoever
# redacts such a word redacts it in every sentence.
_SHORTEST_SECRET = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeProxySettings:
    """The suite's own mock XKS proxy, which the emulator must call."""

    host: str = "127.0.0.1"
    """The address where it listens."""
    port: int = 0
    """0 for any free one."""
    endpoint_template: str = "https://{label}.xks.test"
    """What is registered as XksProxyUriEndpoint."""
    ca_certificate: Path | None = None
    """PEM; None for a throw-away CA."""
    ca_private_key: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VpcEndpointServiceTarget:
    """A VPC endpoint service that the emulator knows."""

    name: str
    private_dns_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KmsTarget:
    """A KMS endpoint and all that the suite may know about it."""

    endpoint_url: str
    region: str = "us-east-1"
    access_key_id: str = "testing"
    secret_access_key: str = field(default="testing", repr=False)
    ca_bundle: Path | None = None
    """Whom to trust at https, PEM; None for the authorities of the system."""
    proxy: ProbeProxySettings = ProbeProxySettings()
    vpc_endpoint_service: VpcEndpointServiceTarget | None = None
    settling_seconds: float = 30.0
    """How long CONNECTING and DISCONNECTING may last."""
    not_supported: frozenset[str] = field(default=frozenset())
    source: str = ""
    """Where the description comes from: a file name, or "built-in fake KMS"."""

    @property
    def capabilities(self) -> Mapping[str, str]:
        """What an emulator may support, and what to add for each."""
        return KMS_CAPABILITIES

    @property
    def commands(self) -> frozenset[str]:
        """The commands of the operator; no target file can name any yet."""
        return frozenset()

    @property
    def claims(self) -> frozenset[str]:
        """What the operator claims; no target file can claim anything yet."""
        return frozenset()

    def provides(self, capability: str) -> bool:
        """Whether the description has what ``capability`` needs.

        What needs no section of its own is there unless ``not_supported`` lists it.
        """
        if section := _SECTION_CAPABILITIES.get(capability):
            return getattr(self, section) is not None
        return capability not in self.not_supported

    def secrets(self) -> tuple[str, ...]:
        """What must never be shown; a placeholder ("testing" twice) is no secret."""
        secret = self.secret_access_key
        is_placeholder = secret == self.access_key_id or len(secret) < _SHORTEST_SECRET
        return () if is_placeholder else (secret,)

    def view(self) -> KmsTargetView:
        """What ``report.json`` says of it."""
        return {
            "endpoint_url": self.endpoint_url,
            "region": self.region,
            "access_key_id": self.access_key_id,
            "proxy_endpoint_template": self.proxy.endpoint_template,
            "capabilities": [c for c in KMS_CAPABILITIES if self.provides(c)],
            "not_supported": sorted(self.not_supported),
            "source": self.source,
        }

    def warnings(self) -> list[str]:
        """What a reader of the verdict should know about it."""
        template = self.proxy.endpoint_template
        address = urlsplit(template.format(label="label", port=443))
        if address.port is None:
            return []
        return [f"{template!r} has a port, which KMS refuses in XksProxyUriEndpoint."]
