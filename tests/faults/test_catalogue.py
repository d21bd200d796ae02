"""The register of an owner's faults: writing them down, and finding them by name."""

from __future__ import annotations

import sys
from enum import StrEnum

import pytest

from pytest_xks.faults import Catalogue, Delay, End


class Operation(StrEnum):
    """The operations of an owner."""

    ENCRYPT = "Encrypt"
    DECRYPT = "Decrypt"


@pytest.fixture
def empty():
    """A catalogue that has nothing yet."""
    return Catalogue(owner="the small proxy", operations=Operation, modules=[])


def test_function_as_a_fault(catalogue):
    """Name, summary and options of a fault are its function's."""
    fault = catalogue.find("delay")

    assert fault.name == "delay"
    assert fault.summary == "Answers late; KMS waits 250 ms."
    assert [str(option) for option in fault.options] == ["milliseconds=1000"]


def test_name_with_hyphens(empty):
    """Underscores become hyphens; those at the ends, which Python wants, go."""

    @empty.fault()
    def _rejects_period_in_key_id_():
        """Knows no key id with a period."""
        return End("close")

    assert list(empty.all()) == ["rejects-period-in-key-id"]


def test_the_function_stays_what_it_is(empty):
    """The decorator hands the function back, for other faults to use."""

    @empty.fault()
    def closes():
        """Closes."""
        return End("close")

    assert closes() == End("close")


def test_declaration(empty):
    """What is declared is kept, with operations as plain strings."""
    empty.row(
        "closes",
        "Closes.",
        End("close"),
        violates=("XKS-HTTP-001",),
        operations=(Operation.DECRYPT,),
        scope=("XKS-HTTP",),
        wholesale=True,
        keywords=("ends",),
    )
    fault = empty.find("closes")

    assert fault.violates == ("XKS-HTTP-001",)
    assert [type(operation) for operation in fault.operations] == [str]
    assert fault.operations == ("Decrypt",)
    assert (fault.scope, fault.wholesale) == (("XKS-HTTP",), True)
    assert fault.keywords == ("ends",)


def test_defaults(empty):
    """What is not declared is empty: all operations, no requirement."""
    empty.row("closes", "Closes.", End("close"))
    fault = empty.find("closes")

    assert (fault.violates, fault.operations, fault.scope) == ((), (), ())
    assert not fault.wholesale


def test_rows_of_a_factory_with_options(empty):
    """A factory that rows share may have options, as a function has."""

    def late(milliseconds: float = 10):
        return Delay(milliseconds), End("close")

    empty.row("late-close", "Closes late.", late)

    assert empty.find("late-close").effects(milliseconds=5) == (Delay(5), End("close"))


def test_name_that_is_taken(catalogue):
    """Two faults of one name would hide each other."""
    with pytest.raises(ValueError, match="small proxy has a fault 'delay' already"):
        catalogue.row("delay", "Is late.", Delay(1))


def test_fault_without_a_summary(empty):
    """A fault that does not say what it does is not registered."""
    with pytest.raises(ValueError, match="'closes' does not say what it does"):

        @empty.fault()
        def closes():
            return End("close")

    assert not empty.all()


def test_operation_that_the_owner_does_not_have(empty):
    """An operation of somebody else is told with the owner's own."""
    with pytest.raises(ValueError, match="has no operation 'Sign'") as caught:
        empty.row("closes", "Closes.", End("close"), operations=("Sign",))

    assert str(caught.value).endswith("; it has Encrypt, Decrypt")


def test_nobody_changes_it_from_outside(catalogue):
    """The mapping of all faults can be read only."""
    with pytest.raises(TypeError):
        catalogue.all()["delay"] = None


MODULE = """
from pytest_xks.faults import Catalogue, End

CATALOGUE = Catalogue(
    owner="the small proxy", operations=[], modules=["faults_written_elsewhere"]
)
"""
ELSEWHERE = """
from catalogue_written_here import CATALOGUE
from pytest_xks.faults import End

CATALOGUE.row("closes", "Closes.", End("close"))
"""


def test_modules_are_imported_when_somebody_asks(tmp_path, monkeypatch):
    """Nobody pays for faults before they are asked for."""
    (tmp_path / "catalogue_written_here.py").write_text(MODULE)
    (tmp_path / "faults_written_elsewhere.py").write_text(ELSEWHERE)
    monkeypatch.syspath_prepend(tmp_path)
    names = ("catalogue_written_here", "faults_written_elsewhere")
    try:
        catalogue = __import__(names[0]).CATALOGUE
        assert names[1] not in sys.modules

        assert list(catalogue.all()) == ["closes"]
        assert catalogue.find("closes").effects() == (End("close"),)
    finally:
        for name in names:
            sys.modules.pop(name, None)


def test_name_with_a_slip(catalogue):
    """A name that is misspelt is told with the right one and what it does."""
    with pytest.raises(LookupError) as caught:
        catalogue.find("decrypt-ignore-aat")

    assert str(caught.value) == (
        "the small proxy has no fault 'decrypt-ignore-aat'; "
        "did you mean one of these?\n"
        "  decrypt-ignores-aad: Decrypts whatever the AAD says."
    )


def test_name_that_describes(catalogue):
    """What describes a fault finds it, though no name is like it."""
    with pytest.raises(LookupError) as caught:
        catalogue.find("timeout")

    assert str(caught.value).splitlines()[1:] == [
        "  delay: Answers late; KMS waits 250 ms.",
        "  silence: Takes the request and never answers.",
    ]


@pytest.mark.parametrize("name", ["", "zzzz"])
def test_name_of_nothing(catalogue, name):
    """What is like nothing gets no guess."""
    with pytest.raises(LookupError) as caught:
        catalogue.find(name)

    assert str(caught.value) == f"the small proxy has no fault {name!r}"


def test_at_most_three_are_named(empty):
    """A message stays short, however many faults are meant."""
    for number in range(9):
        empty.row(f"slow-{number}", "Is slow.", Delay(number))

    with pytest.raises(LookupError) as caught:
        empty.find("slow")

    assert len(str(caught.value).splitlines()) == 4


def test_search(catalogue):
    """A catalogue is searched by words, its owner's own among them."""
    assert [fault.name for fault in catalogue.search("slow proxy")] == ["delay"]


def test_repr(catalogue):
    """It says whose faults they are."""
    assert repr(catalogue) == "<faults of the small proxy>"
