"""Finding faults by what people call them."""

from __future__ import annotations

import pytest

from pytest_xks.faults import End, Fault
from pytest_xks.faults.search import nearest, search
from pytest_xks.faults.synonyms import STOP_WORDS, SYNONYMS


def faults(*rows):
    """Faults from (name, summary, keywords...)."""
    return {
        name: Fault(
            name=name, summary=summary, build=lambda: End("x"), keywords=keywords
        )
        for name, summary, *keywords in rows
    }


FAULTS = faults(
    ("ThrottlingException", "Answers 429 ThrottlingException, whatever was asked."),
    ("DependencyTimeoutException", "Answers 503 DependencyTimeoutException."),
    ("InternalException", "Answers 500 InternalException."),
    ("delay", "Answers late; KMS waits 250 ms."),
    ("silence", "Takes the request and never answers."),
    ("slow-first-request", "Is slow to answer the first request of a connection."),
    ("connection-refused", "Refuses TCP connections."),
    ("connection-closed", "Closes the connection without a byte of an answer."),
    ("certificate-expired", "Presents a certificate that has expired."),
    ("certificate-wrong-host", "Presents a certificate for another host name."),
    ("response-garbage", "Sends bytes that are not HTTP.", "nonsense"),
    ("wrong-status", "Answers everything with one status, under the right body."),
)


def found(words):
    """The names of what is found, in order."""
    return [fault.name for fault in search(FAULTS.values(), words)]


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ("timeout", ["delay", "silence", "DependencyTimeoutException"]),
        ("timeouts", ["delay", "silence", "DependencyTimeoutException"]),
        ("time-out", ["delay", "silence", "DependencyTimeoutException"]),
        ("timed out", ["delay", "silence", "DependencyTimeoutException"]),
        ("outage", ["silence", "connection-refused", "InternalException"]),
        ("slow", ["delay", "slow-first-request"]),
        ("slowly", ["delay", "slow-first-request"]),
        ("latency", ["delay", "slow-first-request"]),
        ("expired certificate", ["certificate-expired"]),
        ("certificates", ["certificate-expired", "certificate-wrong-host"]),
        ("EXPIRING", ["certificate-expired"]),
        ("dropped connection", ["connection-closed"]),
        ("closing connections", ["connection-closed"]),
        ("hangs", ["silence"]),
        ("throttle", ["ThrottlingException"]),
        ("throttlingexception", ["ThrottlingException"]),
        ("ThrottlingException", ["ThrottlingException"]),
        ("429", ["ThrottlingException"]),
        ("nonsense", ["response-garbage"]),
        ("the wrong host", ["certificate-wrong-host"]),
    ],
)
def test_what_is_meant(words, first):
    """What people say finds what they mean, the likeliest first."""
    assert sorted(found(words)[: len(first)]) == sorted(first)
    assert found(words)[0] in first


def test_a_whole_name_comes_first():
    """Who types a name wants that fault, whatever else the words are in."""
    assert found("delay")[0] == "delay"
    assert found("connection refused")[0] == "connection-refused"


def test_a_keyword_means_more_than_a_name():
    """A keyword was written down for those who look for it."""
    rows = faults(("slow-start", "Is slow."), ("late", "Is late.", "slow"))

    assert [fault.name for fault in search(rows.values(), "slow")] == [
        "late",
        "slow-start",
    ]


def test_a_name_means_more_than_a_summary():
    """What a fault is called is what it is about."""
    rows = faults(("one", "Says host."), ("host", "Says one thing."))

    assert search(rows.values(), "host")[0].name == "host"


def test_a_word_means_more_than_its_synonym():
    """What is said outright is meant before what is only called so by some."""
    rows = faults(("late-start", "Is late."), ("slow-start", "Is slow."))

    assert search(rows.values(), "slow")[0].name == "slow-start"


def test_every_word_has_to_be_there():
    """More words find less."""
    assert found("expired certificate garbage") == []


def test_order_between_equals():
    """What fits equally well stays in the order of the catalogue."""
    rows = faults(("b-host", "Is b."), ("a-host", "Is a."))

    assert [fault.name for fault in search(rows.values(), "host")] == [
        "b-host",
        "a-host",
    ]


@pytest.mark.parametrize("words", ["", "  ", "the"])
def test_no_words(words):
    """Without words there is everything."""
    assert len(found(words)) == len(FAULTS)


def test_words_of_the_owner():
    """What is true of every fault of an owner excludes none."""
    owner = "the mock XKS proxy"

    assert search(FAULTS.values(), "slow proxy", owner=owner) == search(
        FAULTS.values(), "slow"
    )


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("wrong-statu", "wrong-status"),
        ("delat", "delay"),
        ("certificate-expird", "certificate-expired"),
        ("ThrotlingException", "ThrottlingException"),
        ("slow", "delay"),
    ],
)
def test_nearest(name, first):
    """A slip of the keyboard and a description both lead to what was meant."""
    assert nearest(FAULTS, name)[0].name == first


def test_nearest_names_each_once():
    """A fault that is near in spelling and in meaning is named once."""
    names = [fault.name for fault in nearest(FAULTS, "connection-refuse")]

    assert names.count("connection-refused") == 1


@pytest.mark.parametrize("words", SYNONYMS, ids=str)
def test_synonyms_are_plain_words(words):
    """A synonym is one word in small letters, as a search splits its text."""
    assert words.isalpha()
    assert words.islower()
    assert words not in STOP_WORDS
    assert SYNONYMS[words]
