"""Chapter "Authentication" and Appendix A: every row of the matrix of signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .signature_matrix import ROWS

if TYPE_CHECKING:
    from ..client.proxy_client import ProxyClient
    from .signature_columns import SignatureMatrix

_REQUIREMENTS = dict.fromkeys(row.requirement for row in ROWS)


@pytest.mark.parametrize(
    "requirement",
    [
        pytest.param(id_, marks=pytest.mark.requirement(id_), id=id_)
        for id_ in _REQUIREMENTS
    ],
)
def test_signature(
    requirement: str, signatures: SignatureMatrix, proxy: ProxyClient
) -> None:
    """It holds of every operation, by every credential of every key store."""
    signatures.judge(requirement, proxy)
