"""What several files of checks of key stores share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .store_calls import service_of
from .vpc_service import VpcService

if TYPE_CHECKING:
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner


@pytest.fixture(scope="session")
def vpc_service(
    kms_of_the_run: KmsClient, session_provisioner: Provisioner
) -> VpcService:
    """The VPC endpoint service of the target, and the key store that uses it."""
    service = service_of(kms_of_the_run)
    return VpcService(kms_of_the_run, session_provisioner, service)
