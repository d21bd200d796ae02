"""What GetHealthStatus reports, and the deep check behind it.

"GetHealthStatus": "the health-check SHOULD be deep rather than shallow", with "a test
key in the external key manager rather than a key associated with a KMS key".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from pytest_xks.proxy.keys import CannotDecryptError, ExternalKey
from pytest_xks.proxy_api.errors import ErrorName, XksError
from pytest_xks.proxy_api.messages import EkmFleetDetail, HealthStatus

__all__ = ["ExternalKeyManager", "ExternalKeyManagerStatus", "ProxyFleet"]

_PROBE = b"pytest-xks deep health check"


class ExternalKeyManagerStatus(StrEnum):
    """The values of healthStatus ("GetHealthStatus")."""

    ACTIVE = "ACTIVE"
    DEGRADED = "DEGRADED"
    UNAVAILABLE = "UNAVAILABLE"


@dataclass(slots=True, kw_only=True)
class ExternalKeyManager:
    """One external key manager; its status may be changed while the proxy serves."""

    id: str
    model: str = "pytest-xks soft key manager 1.0"
    status: ExternalKeyManagerStatus = ExternalKeyManagerStatus.ACTIVE


@dataclass(slots=True, kw_only=True)
class ProxyFleet:
    """The proxies and the external key managers behind them."""

    proxy_fleet_size: int = 1
    proxy_vendor: str = "pytest-xks"
    proxy_model: str = "pytest-xks mock XKS proxy 1.0"
    ekm_vendor: str = "pytest-xks"
    managers: list[ExternalKeyManager] = field(
        default_factory=lambda: [
            ExternalKeyManager(id="ekm-1"),
            ExternalKeyManager(id="ekm-2"),
        ]
    )
    stalled: bool = False
    """Whether the external key managers do not answer at all."""
    test_key: ExternalKey = field(
        default_factory=lambda: ExternalKey("pytest-xks-health-test-key"), repr=False
    )

    def require_available(self) -> None:
        """Check that some external key manager can serve traffic.

        Raises:
            XksError: InternalException, "due to failure of the backing key manager";
                DependencyTimeoutException if it does not answer.
        """
        if self.stalled:
            raise XksError(ErrorName.DEPENDENCY_TIMEOUT)
        if all(
            each.status is ExternalKeyManagerStatus.UNAVAILABLE
            for each in self.managers
        ):
            raise XksError(
                ErrorName.INTERNAL, "No external key manager is able to serve traffic."
            )

    def check(self) -> HealthStatus:
        """The deep check: encrypt and decrypt with the test key, then report.

        Raises:
            XksError: InternalException, so that success means readiness.
        """
        self.require_available()
        iv, ciphertext, tag = self.test_key.seal(_PROBE, b"")
        try:
            self.test_key.open(
                initialization_vector=iv,
                ciphertext=ciphertext,
                authentication_tag=tag,
                authenticated_data=b"",
                ciphertext_metadata=self.test_key.ciphertext_metadata or b"",
            )
        except CannotDecryptError:
            raise XksError(
                ErrorName.INTERNAL, "The test key does not decrypt what it encrypted."
            ) from None
        return HealthStatus(
            xks_proxy_fleet_size=self.proxy_fleet_size,
            xks_proxy_vendor=self.proxy_vendor,
            xks_proxy_model=self.proxy_model,
            ekm_vendor=self.ekm_vendor,
            ekm_fleet_details=[
                EkmFleetDetail(
                    id=each.id, model=each.model, health_status=each.status.value
                )
                for each in self.managers
            ],
        )
