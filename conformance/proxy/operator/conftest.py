"""What the operator can cause, for the checks of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .causing import Operator

if TYPE_CHECKING:
    from ..client.proxy_client import ProxyClient


@pytest.fixture
def operator(proxy: ProxyClient) -> Operator:
    """The operator of the proxy under test."""
    return Operator(proxy)
