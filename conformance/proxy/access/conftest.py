"""What the checks of access share: the matrix of signatures, which is sent once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.evidence.recorder import Recorder
from pytest_xks.certify.run.session import RUN_RECORDER

from ..client.proxy_client import ProxyClient
from .signature_columns import SignatureMatrix

if TYPE_CHECKING:
    from ..client.proxy_session import ProxySession


@pytest.fixture(scope="session")
def signatures(
    request: pytest.FixtureRequest, session: ProxySession
) -> SignatureMatrix:
    """The matrix of signatures, with the rows of what this run asks about."""
    asked_about = {
        id_
        for item in request.session.items
        for mark in item.iter_markers("requirement")
        for id_ in mark.args
    }
    recorder = Recorder(request.config.stash[RUN_RECORDER])
    return SignatureMatrix(ProxyClient(session, recorder), asked_about)
