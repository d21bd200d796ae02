"""The texts are true: snippets run, commands exist, links lead somewhere."""

from __future__ import annotations

import ast
import re
import shlex
import tomllib
from pathlib import Path

import click
import pytest

import pytest_xks
from pytest_xks import plugin
from pytest_xks.certify.targets.kms_file import load_kms_target
from pytest_xks.certify.targets.proxy_file import load_proxy_target
from pytest_xks.cli.root import cli

ROOT = Path(__file__).parents[2]
TEXTS = sorted(ROOT.glob("*.md")) + sorted((ROOT / "conformance").glob("*.md"))
README = (ROOT / "README.md").read_text("utf-8")

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)

pytestmark = pytest.mark.slow


def snippets(text: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return [code for name, code in FENCE.findall(text) if name == language]


def anchor(heading: str) -> str:
    """The fragment under which a heading can be linked to."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def is_ours(module: str) -> bool:
    """Whether a module belongs to the package."""
    return module.partition(".")[0] == "pytest_xks"


def commands(text: str) -> list[list[str]]:
    """Every call of our command line, split into words."""
    lines = "\n".join(snippets(text, "console")).splitlines()
    parts = [part for line in lines for part in line.partition(" #")[0].split("&&")]
    words = [shlex.split(part.partition(">")[0]) for part in parts]
    return [call[1:] for call in words if call[:1] == ["pytest-xks"]]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_links(path):
    """A link to a file or a heading of ours leads there."""
    for link in LINK.findall(path.read_text("utf-8")):
        target, _, fragment = link.partition("#")
        if "://" in target:
            continue
        found = path.parent / target if target else path
        assert found.exists(), link
        headings = HEADING.findall(found.read_text("utf-8")) if fragment else []
        assert not fragment or fragment in map(anchor, headings), link


@pytest.mark.parametrize("code", snippets(README, "python"))
def test_python(pytester, code):
    """Every Python snippet of the README is a test file that passes."""
    pytester.makepyfile(code)

    outcomes = pytester.runpytest_subprocess("-p", "no:randomly").parseoutcomes()

    assert outcomes == {"passed": code.count("def test_")}


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.name)
def test_imports(path):
    """Snippets import from pytest_xks itself, and only what it exports."""
    for code in snippets(path.read_text("utf-8"), "python"):
        for node in ast.walk(ast.parse(code)):
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
                assert not [name for name in modules if name.startswith("pytest_xks.")]
            if isinstance(node, ast.ImportFrom) and is_ours(node.module or ""):
                assert node.module == "pytest_xks"
                assert {each.name for each in node.names} <= set(pytest_xks.__all__)


@pytest.mark.parametrize("code", snippets(README, "toml"))
def test_toml(code, tmp_path, monkeypatch):
    """Every TOML snippet of the README is a target file that is understood."""
    monkeypatch.setenv("XKS_SECRET", "s" * 43)
    for name in ("ca.pem", "ca.key"):
        (tmp_path / name).write_text("", "utf-8")
    file = tmp_path / "target.toml"
    file.write_text(code, "utf-8")

    (part,) = tomllib.loads(code)
    load = {"proxy": load_proxy_target, "kms": load_kms_target}[part]
    assert str(file) == load(file).source


@pytest.mark.parametrize("call", commands(README), ids=" ".join)
def test_commands(call):
    """Every command of the README exists, with the options it is given."""
    command: click.Command = cli
    words = list(call)
    while isinstance(command, click.Group):
        name = words.pop(0)
        command = command.commands[name]
    with command.make_context(command.name, words, resilient_parsing=True):
        pass
    options = {option for each in command.params for option in each.opts}
    assert {word for word in words if word.startswith("--")} <= options


def test_every_fixture_is_shown():
    """The README shows every fixture of the plugin, and no other."""
    shown = set(re.findall(r"`((?:make_)?xks_\w+)`", README)) - {"xks_transport"}

    assert shown == {name for name in plugin.__all__ if "xks_" in name}
