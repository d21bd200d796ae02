"""What a batch of probes shows, with the answers of its controls."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest
from pytest_xks.conformance.proxy.client.answer import ProxyAnswer
from pytest_xks.conformance.proxy.client.bodies import ProxyOperation
from pytest_xks.conformance.proxy.client.expect import REFUSED, SERVED, violated
from pytest_xks.conformance.proxy.client.http1 import Failure
from pytest_xks.conformance.proxy.client.probes import Probe, judge

from pytest_xks.certify.evidence.exchange import Exchange, Received
from pytest_xks.certify.evidence.recorder import Recorder
from pytest_xks.certify.run.outcome import NotTestable, Violation
from pytest_xks.certify.run.side_by_side import side_by_side


class Sender:
    """Sends nothing, and so clears nothing that stands."""

    def __init__(self):
        self.recorder = Recorder()
        self.session = SimpleNamespace(standing={})

    def side_by_side(self, calls):
        """One after the other."""
        return side_by_side(calls, jobs=1, recorder=self.recorder)


def probe(
    *statuses,
    label="probe",
    accept=REFUSED,
    look=None,
    failure=None,
    operation=ProxyOperation.ENCRYPT,
):
    """A probe that is answered with these statuses, the last one for ever."""
    left = list(statuses)

    def send():
        status = left.pop(0) if len(left) > 1 else left[0]
        received = Received(status=status, body=b"{}") if status else None
        exchange = Exchange(url="https://proxy", received=received)
        return ProxyAnswer(exchange=exchange, failure=None if status else failure)

    return Probe(
        label=label,
        operation=operation,
        store=None,
        send=send,
        accept=(accept,),
        look=look,
    )


def control(*statuses):
    """A good request that is answered with these statuses."""
    return probe(*statuses, label="a good Encrypt", accept=SERVED)


def test_refused_between_two_controls():
    """Any 4xx is a refusal, whatever its body."""
    answers = judge(Sender(), [probe(400), probe(418)], [control(200)])
    assert [each.status for each in answers] == [400, 418]


@pytest.mark.parametrize("failure", [Failure.ENDED, Failure.BROKEN])
def test_what_is_no_refusal_is_asked_again(failure):
    """5xx and a lost connection are no refusal; what comes last counts."""
    probes = [probe(500, 401), probe(None, 503, 403, failure=failure)]
    assert [a.status for a in judge(Sender(), probes, [])] == [401, 403]


@pytest.mark.parametrize("status", [500, 429, 200, None])
def test_no_refusal_at_all(status):
    """What never refuses is a violation."""
    with pytest.raises(Violation):
        judge(Sender(), [probe(status, failure=Failure.ENDED)], [control(200)])


def test_a_good_request_has_one_try():
    """What has to be served is not asked again: every second 500 is a violation."""
    with pytest.raises(Violation, match="500"):
        judge(Sender(), [probe(500, 200, accept=SERVED)], [])


@pytest.mark.parametrize(
    ("statuses", "reason"),
    [
        ((500,), "XKS-ENC-001"),
        ((401,), "XKS-AUTH-001"),
        ((200, 429), "XKS-ENC-001"),
    ],
)
def test_control_that_fails(statuses, reason):
    """Before or after: nothing can be concluded, and the report says why."""
    with pytest.raises(NotTestable, match=f"a good Encrypt.*see {reason}"):
        judge(Sender(), [probe(400)], [control(*statuses)])


def test_what_was_served_stays_served():
    """A forged request that is served is a violation, whatever controls say later."""
    with pytest.raises(Violation, match="forged"):
        judge(Sender(), [probe(200, label="forged")], [control(200, 500)])


def test_first_of_the_list_is_named_and_the_others_are_listed():
    """The finding is about the first probe; its note lists the others."""
    probes = [probe(400), probe(200, label="one"), probe(200, label="two")]
    with pytest.raises(Violation) as caught:
        judge(Sender(), probes, [])
    assert caught.value.observed.startswith("one: 200")
    assert "two" in caught.value.note


def test_second_look():
    """An accepted answer may be wrong all the same, or not testable."""

    def look(answer):
        violated(answer, "right", "wrong")

    with pytest.raises(Violation, match="wrong"):
        judge(Sender(), [probe(400, look=look)], [])


def test_last_control_of_a_check_is_the_first_of_the_next():
    """Where nothing was sent in between, the control is shown and not sent again."""
    sender, sent = Sender(), []
    usual = control(200)
    counted = replace(
        usual, identity="Encrypt", send=lambda: sent.append(1) or usual.send()
    )
    for _ in range(3):
        judge(sender, [probe(400)], [counted])
    assert len(sent) == 4


@pytest.mark.parametrize(("status", "outcome"), [(200, Violation), (400, NotTestable)])
def test_control_of_another_operation_that_fails(status, outcome):
    """A broken Decrypt does not hide that a forged Encrypt is served."""
    decrypt = ProxyOperation.DECRYPT
    probes = [probe(400, operation=decrypt), probe(status)]
    broken = probe(500, accept=SERVED, operation=decrypt, label="a good Decrypt")
    with pytest.raises(outcome):
        judge(Sender(), probes, [broken, control(200)])


def test_probes_that_are_all_served_need_no_control():
    """They show what a control would; where one is not served, controls say why."""
    judge(Sender(), [probe(200, accept=SERVED)], [control(500)])
    with pytest.raises(NotTestable, match="XKS-ENC-001"):
        judge(Sender(), [probe(201, accept=SERVED)], [control(201)])
    with pytest.raises(Violation):
        judge(Sender(), [probe(201, accept=SERVED)], [control(200)])


def test_a_control_lost_elsewhere():
    """A wrong answer counts where its own control is served, and another is not."""
    mine, other = ProxyOperation.ENCRYPT, ProxyOperation.DECRYPT
    wrong = probe(302, operation=mine)
    controls = [
        probe(200, accept=SERVED, operation=mine),
        probe(200, 500, accept=SERVED, operation=other),
    ]
    with pytest.raises(Violation):
        judge(Sender(), [wrong, probe(400, operation=other)], controls)


def test_one_of_its_controls_is_lost():
    """A wrong answer shows nothing where one of its own controls is not served."""
    controls = [probe(200, accept=SERVED), probe(200, 500, accept=SERVED)]
    with pytest.raises(NotTestable):
        judge(Sender(), [probe(302)], controls)


def test_denied_control():
    """Where a policy denies a good request, the finding names what it was asked for."""
    body = b'{"requestMetadata": {"kmsOperation": "GenerateDataKey"}}'
    received = Received(status=403, body=b"{}")
    exchange = Exchange(url="https://proxy", body=body, received=received)
    denied = replace(control(200), send=lambda: ProxyAnswer(exchange=exchange))
    with pytest.raises(NotTestable, match="kmsOperation 'GenerateDataKey'"):
        judge(Sender(), [probe(400)], [denied])


def test_many_wrong_answers():
    """A finding names so many and counts the rest."""
    with pytest.raises(Violation) as raised:
        judge(Sender(), [probe(200, label=f"no {n}") for n in range(40)], [])
    assert "no 24; and 15 more" in raised.value.note
