"""How long a certification takes where every answer is a long way off."""

from __future__ import annotations

import pytest

from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.targets.own_mocks import served_mock_proxy

pytestmark = pytest.mark.slow


def test_an_answer_in_100_ms(tmp_path):
    """A correct proxy at 100 ms an answer is certified in a minute or so.

    What is asserted is more, for the sake of a machine that is busy: one request after
    the other, it would take two and a half minutes to wait for them alone.
    """
    with served_mock_proxy() as (reference, target):
        reference.proxy.fault("delay", milliseconds=100)
        run = run_suite(
            suite=suite_folder(),
            catalogue=load_catalogue("proxy"),
            target=target,
            scratch=tmp_path,
            selection=Selection(),
        )
    assert len(run.recorder.recorded) > 1000
    assert run.seconds < 120
