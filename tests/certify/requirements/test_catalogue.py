"""A catalogue with a mistake is refused whole, and ours has none."""

from __future__ import annotations

from collections import Counter

import pytest

from pytest_xks.certify.requirements.catalogue import Catalogue, CatalogueError
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.outcome import Level

HEAD = (
    'specification = "S"\nversion = "1"\ncatalogue_version = "7"\n'
    '[chapters]\nHTTP = "Web"\n'
)
ROW = (
    '[[requirement]]\nid = "XKS-HTTP-001"\nlevel = "MUST"\ntitle = "T"\n'
    'source = "S"\ntext = "X."\nverification = "check"\n'
)


def load(tmp_path, text, part="proxy"):
    """Write and load a catalogue."""
    (tmp_path / f"{part}.toml").write_text(text)
    return Catalogue.load(tmp_path / f"{part}.toml")


def test_good(tmp_path):
    """A legal catalogue is read as it stands."""
    catalogue = load(tmp_path, HEAD + ROW)

    requirement = catalogue.get("XKS-HTTP-001")
    assert ("HTTP", Level.MUST, "1") == (
        requirement.chapter,
        requirement.level,
        requirement.since,
    )
    assert catalogue.get("XKS-HTTP-002") is None
    assert {"XKS-HTTP-001"} == catalogue.matching(["XKS-HTTP"])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(HEAD, id="no-requirement"),
        pytest.param(HEAD + ROW + ROW, id="doubled"),
        pytest.param(HEAD + ROW.replace("MUST", "MIGHT"), id="level"),
        pytest.param(HEAD + ROW.replace("XKS-HTTP-001", "XKS-1"), id="id"),
        pytest.param(HEAD + ROW.replace('"T"', '""'), id="empty-title"),
        pytest.param(HEAD + ROW.replace('"T"', "1"), id="title-number"),
        pytest.param(HEAD + ROW.replace('"check"', '"guess"'), id="verification"),
        pytest.param(
            HEAD + ROW.replace('"check"', '"not_observable"'), id="without-reason"
        ),
        pytest.param(
            HEAD + ROW.replace('"check"', '"informational"'),
            id="informational-without-reason",
        ),
        pytest.param(HEAD + ROW.replace("XKS-", "KMS-"), id="id-of-another-part"),
        pytest.param(HEAD + ROW + 'capability = "magic"\n', id="capability"),
        pytest.param(
            HEAD + ROW + 'capability = "standard_keys"\n', id="capability-of-kms"
        ),
        pytest.param(HEAD + ROW + 'capability = "load"\n', id="must-under-load"),
        pytest.param(HEAD + ROW + 'levle = "MUST"\n', id="unknown-key"),
        pytest.param(HEAD + ROW + 'command = "reboot"\n', id="command"),
        pytest.param(HEAD + ROW + 'claim = "perfect"\n', id="claim"),
        pytest.param(
            HEAD.replace('catalogue_version = "7"\n', "") + ROW, id="no-version"
        ),
        pytest.param("requirement = 1\n" + HEAD, id="no-array"),
        pytest.param("requirement = [1]\n" + HEAD, id="no-tables"),
        pytest.param("x = 1\n" + HEAD + ROW, id="unknown-top"),
        pytest.param("[", id="no-toml"),
    ],
)
def test_mistakes(tmp_path, text):
    """Any mistake is an error that names the file."""
    with pytest.raises(CatalogueError, match=r"proxy\.toml"):
        load(tmp_path, text)


def test_kms(tmp_path):
    """The part of KMS has ids and capabilities of its own, and more to say of both."""
    row = ROW.replace("XKS-", "KMS-").replace("MUST", "INFO")
    text = f'{row}capability = "vpc_endpoint_service"\n'
    other = row.replace("-001", "-002").replace('"check"', '"informational"')

    first, second = load(
        tmp_path, f'{HEAD}{text}{other}reason = "It binds nobody."\n', "kms"
    ).requirements

    assert (Level.INFO, True) == (first.level, first.is_checked)
    assert ("informational", False) == (second.verification.label, second.is_checked)
    with pytest.raises(CatalogueError, match=r"kms\.toml: XKS-HTTP-001"):
        load(tmp_path, HEAD + ROW, "kms")


def test_unknown_part(tmp_path):
    """A catalogue is one of a part that we know."""
    with pytest.raises(CatalogueError, match="no part 'other'"):
        load(tmp_path, HEAD + ROW, "other")


# How many statements are known of each chapter; more may follow, none may go.
STATEMENTS = {
    "GEN": 15,
    "CREATESTORE": 51,
    "CONNECT": 27,
    "DISCONNECT": 9,
    "UPDATESTORE": 14,
    "DELETESTORE": 6,
    "DESCRIBESTORE": 10,
    "CREATEKEY": 36,
    "KEYMGMT": 12,
    "CRYPTO": 25,
    "WIRE": 16,
    "RESP": 15,
    "FAIL": 24,
    "STATE": 17,
    "UNSUP": 11,
    "QUOTA": 10,
    "TRAIL": 12,
    "METRIC": 10,
    "AUTHZ": 5,
    "CONSOLE": 9,
}


def test_ours_for_kms():
    """Every statement of AWS's about the KMS side is in the catalogue, in its order."""
    catalogue = load_catalogue("kms")
    ids = [requirement.id for requirement in catalogue.requirements]
    counts = Counter(requirement.chapter for requirement in catalogue.requirements)

    assert list(STATEMENTS) == list(catalogue.chapters)
    assert all(counts[chapter] >= known for chapter, known in STATEMENTS.items())
    assert ids == [
        f"KMS-{chapter}-{number:03}"
        for chapter in catalogue.chapters
        for number in range(1, counts[chapter] + 1)
    ]


def test_ours():
    """The catalogue that is shipped is legal, and lies where the suite does."""
    catalogue = load_catalogue("proxy")

    assert "1.0.3" == catalogue.version
    assert (suite_folder() / "pytest.ini").is_file()
    assert {r.chapter for r in catalogue.requirements} <= catalogue.chapters.keys()
