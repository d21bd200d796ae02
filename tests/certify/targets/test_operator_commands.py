"""What an operator's command did is undone, whatever happens in between."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from pytest_xks.certify.run.outcome import NotTestable
from pytest_xks.certify.targets.operator_commands import UNDONE_BY, OperatorCommands


def noting(name, then="pass"):
    """A command that notes its name and what it is about, in order."""
    program = (
        "import os, sys; open('done', 'a').write(sys.argv[1] + ' ' + "
        f"os.environ.get('XKS_EXTERNAL_KEY_ID', '') + '\\n'); {then}"
    )
    return (sys.executable, "-I", "-S", "-c", program, name)


@pytest.fixture
def commands(tmp_path):
    """Make the commands of a target; those given do something else."""

    def make(**others):
        names = {*UNDONE_BY, *UNDONE_BY.values()}
        return OperatorCommands(
            {name: noting(name) for name in names} | others,
            folder=tmp_path,
            environment={"XKS_EXTERNAL_KEY_ID": "foo"},
        )

    return make


def done(tmp_path):
    """What was done, in order."""
    file = tmp_path / "done"
    return file.read_text().splitlines() if file.exists() else []


@pytest.mark.parametrize("name", UNDONE_BY)
def test_done_and_undone(commands, tmp_path, name):
    """The command is in effect within the block, in the folder of the target file."""
    with commands().during(name):
        assert [f"{name} foo"] == done(tmp_path)

    assert [f"{name} foo", f"{UNDONE_BY[name]} foo"] == done(tmp_path)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, SystemExit])
def test_undone_after_anything(commands, tmp_path, error):
    """Whatever ends the block, what was done is undone."""
    with pytest.raises(error), commands().during("disable_key"):
        raise error

    assert ["disable_key foo", "enable_key foo"] == done(tmp_path)


def test_undone_after_a_failure(commands, tmp_path):
    """A command that fails may have done half of it."""
    failing = noting("disable_store", "sys.exit(3)")

    with (
        pytest.raises(NotTestable, match="disable_store ended with exit status 3"),
        commands(disable_store=failing).during("disable_store"),
    ):
        pass

    assert ["disable_store foo", "enable_store foo"] == done(tmp_path)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        pytest.param(("/no/such/program",), "cannot be run: No such file", id="none"),
        pytest.param(("a\0b",), "cannot be run: not a legal command", id="illegal"),
    ],
)
def test_unusable(commands, command, reason):
    """A command that cannot be run is named, and nothing is judged by it."""
    with (
        pytest.raises(NotTestable, match=f"add_credential {reason}"),
        commands(add_credential=command).during("add_credential"),
    ):
        pass


def test_deadline(commands, monkeypatch):
    """A command that does not end is given up."""
    monkeypatch.setattr("pytest_xks.certify.targets.operator_commands._DEADLINE_S", 0.2)
    endless = (sys.executable, "-c", "import time; time.sleep(60)")

    with (
        pytest.raises(NotTestable, match=r"disable_key did not end in 0\.2 s"),
        commands(disable_key=endless).during("disable_key"),
    ):
        pass


def test_nothing_is_a_shell(commands, tmp_path):
    """Arguments go to the program as they are."""
    program = "import sys, json; open('arguments', 'w').write(json.dumps(sys.argv[1:]))"
    arguments = ["$HOME", "; touch hacked", "*"]
    command = (sys.executable, "-c", program, *arguments)

    with commands(disable_key=command).during("disable_key"):
        assert arguments == json.loads((tmp_path / "arguments").read_text())

    assert not (tmp_path / "hacked").exists()


def test_ctrl_c_of_the_whole_run(tmp_path):
    """Ctrl-C amid a certification leaves the proxy as it was found."""
    program = textwrap.dedent(
        """
        import sys, pathlib
        from pytest_xks.proxy.reference import ReferenceProxy
        from pytest_xks.certify.toml.writing import dump_toml
        from pytest_xks.cli.root import main
        folder = pathlib.Path(sys.argv[1])
        with ReferenceProxy(directory=folder) as proxy:
            document = proxy.target_document()
            document["proxy"]["commands"]["health_cached_seconds"] = 60
            (folder / "t.toml").write_text(dump_toml(document))
            # It is told of a broken key manager, and believes that all is well.
            proxy.proxy.fault("health-is-shallow")
            sys.argv = ["pytest-xks", "certify", "proxy", "--target",
                        str(folder / "t.toml"), "--only", "XKS-HEALTH-011"]
            main()
        """
    )
    state = tmp_path / "operator.json"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while process.poll() is None and "broken" not in _text(state):
            threading.Event().wait(0.01)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)

    assert 3 == process.returncode, errors
    assert "well" == json.loads(state.read_text())["key_manager"]
    assert "the run was interrupted" in out
    assert "Traceback" not in out + errors


def _text(file):
    return file.read_text() if file.exists() else ""
