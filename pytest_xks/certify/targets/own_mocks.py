"""Our own mocks on loopback, as targets: what ``certify`` takes without a file."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
from pytest_xks.certify.targets.kms_target import (
    KmsTarget,
    ProbeProxySettings,
    VpcEndpointServiceTarget,
)
from pytest_xks.certify.targets.proxy_file import proxy_target_from_document
from pytest_xks.proxy.reference import ReferenceProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_xks.certify.targets.proxy_target import ProxyTarget
    from pytest_xks.kms.fake import FakeKms

__all__ = ["served_fake_kms", "served_mock_proxy"]


@contextmanager
def served_mock_proxy() -> Iterator[tuple[ReferenceProxy, ProxyTarget]]:
    """A running mock proxy and the target that describes it.

    Raises:
        OSError: no port can be had.
    """
    with ReferenceProxy() as proxy:
        document = proxy.target_document()
        target = proxy_target_from_document(document, proxy.directory / "target.toml")
        yield proxy, replace(target, source="built-in mock proxy")


@contextmanager
def served_fake_kms() -> Iterator[tuple[FakeKms, KmsTarget, ProbeProxy]]:
    """A running fake KMS, the target that describes it, and the proxy that it calls.

    Raises:
        OSError: no port can be had.
    """
    from pytest_xks.kms.served import (  # noqa: PLC0415 - moto takes a second
        ServedKms,
    )

    settings = ProbeProxySettings()
    with ProbeProxy(settings) as probe_proxy:
        route = f"*.xks.test:443:{settings.host}:{probe_proxy.port}"
        certificate = probe_proxy.ca_certificate
        with ServedKms(connect_to=[route], trust_ca=[certificate]) as served:
            service = served.vpc_endpoint_service
            yield (
                served.fake,
                KmsTarget(
                    endpoint_url=served.kms_endpoint_url,
                    region=served.region,
                    proxy=settings,
                    vpc_endpoint_service=VpcEndpointServiceTarget(
                        name=service.name, private_dns_name=service.private_dns_name
                    ),
                    source="built-in fake KMS",
                ),
                probe_proxy,
            )
