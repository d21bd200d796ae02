"""What type checkers see of ``test_public_api.py``, the tests of somebody else.

They see it as users do: installed, beside the type stubs that they have or have not.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

pytest.importorskip("mypy", reason="the environment `types` of tox has it")

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("test_public_api.py")
STUBS = "mypy_boto3_"

# What a fixture, an attribute or a result is must not be Any anywhere.
NO_ANY = (
    "--disallow-any-expr",
    "--disallow-any-decorated",
    "--disallow-any-unimported",
)

LINE = re.compile(r"\w+\.py:(\d+): error: (.*)")


def environment(folder: Path, *, without: str = "") -> Path:
    """An environment with our package and all that is installed here; its Python.

    Args:
        folder: where to make it.
        without: what the packages begin with that are left out.
    """
    venv.create(folder, symlinks=True)
    (site_packages,) = folder.glob("lib/python*/site-packages")
    for path in Path(sysconfig.get_path("purelib")).iterdir():
        if path.name.startswith(("__", "pytest_xks", without or "__")):
            continue
        (site_packages / path.name).symlink_to(path)
    (site_packages / "pytest_xks").symlink_to(ROOT / "pytest_xks")
    return folder / "bin" / "python"


def errors(python: Path, *options: str, program: Path = PROGRAM) -> dict[int, str]:
    """What mypy says of a program, by line, in the environment of a Python."""
    run = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--strict", "--config-file="),
            *("--python-executable", str(python)),
            *("--cache-dir", str(python.parent / "mypy_cache")),
            *("--no-error-summary", "--hide-error-context", *options, program.name),
        ],
        cwd=program.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == ""
    lines = [line for line in run.stdout.splitlines() if ": note: " not in line]
    matches = [LINE.match(line) for line in lines]
    assert all(matches), run.stdout
    return {int(match[1]): match[2] for match in matches if match}


def lines_of(functions: Iterable[str]) -> set[int]:
    """The lines of functions of the program."""
    return {
        line
        for node in ast.parse(PROGRAM.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name in functions
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }


def functions_with(text: str) -> set[str]:
    """The functions of the program whose source has a text."""
    source = PROGRAM.read_text("utf-8")
    return {
        node.name
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef)
        and text in (ast.get_source_segment(source, node) or "")
    }


@pytest.fixture(scope="module")
def with_stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of somebody who has boto3-stubs[kms]."""
    pytest.importorskip(f"{STUBS}kms")
    return environment(tmp_path_factory.mktemp("with-stubs") / "venv")


@pytest.fixture(scope="module")
def without_stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of somebody who has not."""
    folder = tmp_path_factory.mktemp("without-stubs") / "venv"
    return environment(folder, without=STUBS)


def test_with_stubs(with_stubs: Path) -> None:
    """Strictly checked, it is right, and nowhere is an Any."""
    assert errors(with_stubs, *NO_ANY) == {}


def test_without_stubs(without_stubs: Path) -> None:
    """It is right too, and an Any is only where a boto3 client is."""
    its_own_import = {
        number
        for number, line in enumerate(PROGRAM.read_text("utf-8").splitlines(), 1)
        if STUBS in line
    }

    assert errors(without_stubs).keys() <= its_own_import
    found = errors(without_stubs, "--disallow-any-expr").keys() - its_own_import

    assert found
    assert found <= lines_of(functions_with("KMSClient"))


def test_a_slip_is_seen(with_stubs: Path, tmp_path: Path) -> None:
    """An attribute that there is not is an error, wherever a fixture leads to it."""
    slips = [
        ("xks_proxy: MockXksProxy", "xks_proxy.nothing"),
        ("xks_key: KeyHandle", "xks_key.external_key.nothing"),
        ("xks_fake_kms: FakeKms", "xks_fake_kms.client().nothing"),
        ("xks_fake_kms: FakeKms", "xks_fake_kms.client('eu-west-1', 'kms').nothing"),
        ("xks_fake_kms: FakeKms", "xks_fake_kms.behaviour.nothing"),
        ("make_xks_key: MakeXksKey", "make_xks_key().key_store.nothing"),
        ("xks_server: XksServer", "xks_server.proxy.credential.nothing"),
        ("xks: FakeKmsWithProxy", "xks.key.nothing"),
    ]
    names = sorted({parameter.partition(": ")[2] for parameter, _ in slips})
    tests = [
        f"def test_{number}({parameter}) -> None: {slip}"
        for number, (parameter, slip) in enumerate(slips)
    ]
    program = tmp_path / "test_slips.py"
    program.write_text(
        "\n".join([f"from pytest_xks import {', '.join(names)}, nothing", *tests]),
        "utf-8",
    )

    found = errors(with_stubs, program=program)

    assert found.keys() == set(range(1, len(slips) + 2))
    assert all('has no attribute "nothing"' in each for each in found.values())
