"""A pytest plugin that puts the fake KMS behind every ``mock_aws`` of a run.

``pytest -p pytest_xks.kms.everywhere`` runs a test suite that was written for moto, as
moto's own is, with external key stores in its KMS: nothing else may change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_xks.kms.fake import FakeKms

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["xks_everywhere"]


@pytest.fixture(scope="session", autouse=True)
def xks_everywhere() -> Iterator[FakeKms]:
    """The fake KMS behind moto's, for the whole run."""
    fake = FakeKms().install()
    yield fake
    fake.uninstall()
