"""The specification, sentence by sentence: nothing of it is left out."""

from __future__ import annotations

from collections import Counter

import pytest

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.requirements.catalogue import CatalogueError
from pytest_xks.certify.requirements.statements import load_statements
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.outcome import Level

CATALOGUE = load_catalogue("proxy")
STATEMENTS = load_statements(CATALOGUE, suite_folder())

# Counted in xks_proxy_api_spec.md, without line 63, which explains the words, and the
# change log. A sentence that has a word twice counts once.
WORDS = {
    "MUST": 59,
    "MUST NOT": 19,
    "REQUIRED": 22,
    "SHOULD": 21,
    "MAY": 7,
    "OPTIONAL": 13,
    "table": 12,
}
STRENGTH = {
    "MUST": Level.MUST,
    "MUST NOT": Level.MUST,
    "REQUIRED": Level.MUST,
    "table": Level.MUST,
    "SHOULD": Level.SHOULD,
}


def test_every_sentence_is_listed():
    """As many as the specification has, word by word."""
    assert Counter(word for each in STATEMENTS for word in each.words) == WORDS
    assert len(STATEMENTS) == 146


def test_in_the_order_of_the_specification():
    """From top to bottom."""
    lines = [each.line for each in STATEMENTS]

    assert lines == sorted(lines)


@pytest.mark.parametrize("statement", STATEMENTS, ids=lambda each: str(each.line))
def test_statement_has_a_requirement_of_its_strength(statement):
    """What binds a proxy became a requirement that binds as much."""
    if statement.binds:
        return
    wanted = {STRENGTH[word] for word in statement.words if word in STRENGTH}

    assert statement.requirements
    assert wanted <= {requirement.level for requirement in statement.requirements}


def test_file_with_a_mistake(tmp_path):
    """An id that is none, or a statement without one, is refused."""
    folder = tmp_path / "requirements"
    folder.mkdir()
    file = folder / "proxy-statements.toml"
    for row in ('says = "x", ids = ["XKS-NONE-001"]', 'says = "x"'):
        file.write_text(f'statement = [{{ line = 1, words = "MUST", {row} }}]')
        with pytest.raises(CatalogueError, match=r"proxy-statements\.toml"):
            load_statements(CATALOGUE, tmp_path)


def test_part_without_a_list():
    """The documents of KMS have no such words."""
    with pytest.raises(UsageProblem, match="no list of statements"):
        load_statements(load_catalogue("kms"), suite_folder())
