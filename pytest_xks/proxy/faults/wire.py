"""Faults of the wire: delays, lost connections, bad certificates."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from pytest_xks.proxy.delivery import Ending
from pytest_xks.proxy.faults.catalogue import (
    Effect,
    ListenerFault,
    delivered,
    fault,
)


@fault("delay")
def _delay(milliseconds: float = 1000) -> Effect:
    """Answers late; KMS waits 250 ms."""
    if milliseconds < 0:
        raise ValueError("milliseconds must not be negative")
    return delivered(
        lambda delivery: replace(delivery, delay_ms=delivery.delay_ms + milliseconds)
    )


_ENDINGS = {
    "connection-closed": (
        Ending.CLOSE,
        "Closes the connection without a byte of an answer.",
    ),
    "connection-reset": (
        Ending.RESET,
        "Resets the connection without a byte of an answer.",
    ),
    "response-truncated": (
        Ending.TRUNCATE,
        "Sends half of the body under its full Content-Length, then closes.",
    ),
    "response-garbage": (Ending.GARBAGE, "Sends bytes that are not HTTP."),
    "silence": (Ending.SILENCE, "Takes the request and never answers."),
}


def _ends_in(ending: Ending) -> Effect:
    return delivered(lambda delivery: replace(delivery, ending=ending))


for _name, (_ending, _summary) in _ENDINGS.items():
    fault(_name, summary=_summary)(partial(_ends_in, _ending))


_LISTENERS = {
    "connection-refused": (ListenerFault.REFUSED, "Refuses TCP connections."),
    "certificate-expired": (
        ListenerFault.CERTIFICATE_EXPIRED,
        "Presents a certificate that has expired.",
    ),
    "certificate-not-yet-valid": (
        ListenerFault.CERTIFICATE_NOT_YET_VALID,
        "Presents a certificate that is not valid yet.",
    ),
    "certificate-wrong-host": (
        ListenerFault.CERTIFICATE_WRONG_HOST,
        "Presents a certificate for another host name.",
    ),
    "certificate-unknown-ca": (
        ListenerFault.CERTIFICATE_UNKNOWN_CA,
        "Presents a certificate of a CA that nobody trusts.",
    ),
    "certificate-self-signed": (
        ListenerFault.CERTIFICATE_SELF_SIGNED,
        "Presents a self-signed certificate.",
    ),
}


def _listens_badly(listener: ListenerFault) -> Effect:
    return Effect(listener=listener)


for _name, (_listener, _summary) in _LISTENERS.items():
    fault(_name, summary=_summary)(partial(_listens_badly, _listener))
