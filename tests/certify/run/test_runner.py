"""From checks to statuses: nothing that was not verified may ever read as verified."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace

import pytest

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.targets.credential import Credential

from ..conftest import CANARY, SPELLINGS

ONE = "XKS-HTTP-001"
TWO = "XKS-HTTP-002"
PASSING = f"""
@requirement("{ONE}")
def test_one():
    pass

@requirement("{TWO}")
def test_two():
    pass
"""


def status_of(document, requirement_id=ONE):
    """The status of one requirement."""
    return next(
        r["status"] for r in document["requirements"] if r["id"] == requirement_id
    )


def only_check(document):
    """The only check of the first requirement."""
    (check,) = document["requirements"][0]["checks"]
    return check


def test_conformant(certify):
    """A suite that passes makes the target conformant."""
    document = certify({ONE: "MUST", TWO: "SHOULD"}, PASSING)

    assert ("conformant", 0) == (document["verdict"], document["exit_status"])
    assert 1 == document["summary"]["MUST"]["passed"]


@pytest.mark.parametrize(
    ("body", "status", "verdict"),
    [
        pytest.param(
            'raise Violation(expected="a", observed="b")',
            "failed",
            "not conformant",
            id="violation",
        ),
        pytest.param("assert 1 == 2", "failed", "not conformant", id="assert"),
        pytest.param("pytest.fail('x')", "failed", "not conformant", id="fail"),
        pytest.param(
            "raise NotTestable('x')", "not_testable", "incomplete", id="not-testable"
        ),
        pytest.param("pytest.skip('x')", "not_testable", "incomplete", id="skip"),
        pytest.param(
            "pytest.importorskip('nosuchmodule')",
            "not_testable",
            "incomplete",
            id="importorskip",
        ),
        pytest.param("pytest.xfail('x')", "error", "incomplete", id="xfail"),
        pytest.param("1 / 0", "error", "incomplete", id="exception"),
        pytest.param("raise SystemExit(0)", "error", "incomplete", id="exit"),
    ],
)
def test_ending_of_a_check(certify, body, status, verdict):
    """How a check ends decides the status; only returning passes."""
    document = certify(
        {ONE: "MUST", TWO: "MUST"},
        f"""
        @requirement("{ONE}")
        def test_one():
            {body}

        @requirement("{TWO}")
        def test_two():
            pass
        """,
    )

    assert (status, verdict) == (status_of(document), document["verdict"])
    assert 0 != document["exit_status"]


@pytest.mark.parametrize(
    "mark",
    [
        pytest.param("pytest.mark.skip", id="skip"),
        pytest.param("pytest.mark.xfail", id="xfail"),
        pytest.param("pytest.mark.xfail(run=False)", id="xfail-not-run"),
    ],
)
def test_marks_do_not_pass(certify, mark):
    """A mark that keeps a check from failing does not make it pass."""
    document = certify(
        {ONE: "MUST"},
        f"""
        @{mark}
        @requirement("{ONE}")
        def test_one():
            pass
        """,
    )

    assert "incomplete" == document["verdict"]


@pytest.mark.parametrize(
    ("level", "strict", "status", "verdict"),
    [
        pytest.param("MUST", False, "failed", "not conformant", id="must"),
        pytest.param("SHOULD", False, "warning", "conformant", id="should"),
        pytest.param("SHOULD", True, "warning", "not conformant", id="should-strict"),
        pytest.param("MAY", False, "warning", "conformant", id="may"),
        pytest.param("MAY", True, "warning", "conformant", id="may-strict"),
    ],
)
def test_level_of_a_violation(certify, level, strict, status, verdict):
    """A failed MUST is a failure, a failed SHOULD a warning, a failed MAY news."""
    document = certify(
        {ONE: level, TWO: "MUST"},
        f"""
        @requirement("{ONE}")
        def test_one():
            raise Violation(expected="a", observed="b")

        @requirement("{TWO}")
        def test_two():
            pass
        """,
        strict=strict,
    )

    assert (status, verdict) == (status_of(document), document["verdict"])


@pytest.mark.parametrize(
    ("level", "strict", "verdict"),
    [
        pytest.param("MUST", False, "incomplete", id="must"),
        pytest.param("SHOULD", False, "conformant", id="should"),
        pytest.param("SHOULD", True, "incomplete", id="should-strict"),
        pytest.param("MAY", True, "incomplete", id="may-strict"),
    ],
)
def test_level_of_what_is_not_testable(certify, level, strict, verdict):
    """A MUST that is not testable leaves a gap, and under --strict all others do."""
    document = certify(
        {ONE: level, TWO: "MUST"},
        f"""
        @requirement("{ONE}")
        def test_one():
            raise NotTestable("no key", add="a key")

        @requirement("{TWO}")
        def test_two():
            pass
        """,
        strict=strict,
    )

    assert verdict == document["verdict"]
    assert "a key" == only_check(document)["add"]


def test_requirement_without_a_check(certify):
    """A requirement whose check is missing from the suite is an error, not a pass."""
    document = certify({ONE: "MUST", TWO: "MUST", "XKS-HTTP-003": "MAY"}, PASSING)

    assert "error" == status_of(document, "XKS-HTTP-003")
    assert 3 == document["exit_status"]


def test_worst_check_counts(certify):
    """A requirement with several checks is as good as its worst."""
    document = certify(
        {ONE: "MUST"},
        f"""
        @requirement("{ONE}")
        @pytest.mark.parametrize("n", range(5))
        def test_one(n):
            if n == 2:
                raise Violation(expected="a", observed="b")
            if n == 3:
                1 / 0
        """,
    )

    assert "failed" == status_of(document)


def test_failure_outranks_gaps(certify):
    """With a failed MUST the target is not conformant, whatever else is missing."""
    document = certify(
        {ONE: "MUST", TWO: "MUST"},
        f"""
        @requirement("{ONE}")
        def test_one():
            raise Violation(expected="a", observed="b")

        @requirement("{TWO}")
        def test_two():
            1 / 0
        """,
    )

    assert 1 == document["exit_status"]


def test_teardown_error(certify):
    """A check whose teardown breaks has not passed."""
    document = certify(
        {ONE: "MUST"},
        f"""
        @pytest.fixture
        def thing():
            yield
            1 / 0

        @requirement("{ONE}")
        def test_one(thing):
            pass
        """,
    )

    assert "error" == status_of(document)
    assert "ZeroDivisionError" in only_check(document)["reason"]


def test_setup_outcome(certify):
    """A fixture may end a check as the check itself may."""
    document = certify(
        {ONE: "MUST"},
        f"""
        @pytest.fixture(scope="session")
        def thing():
            raise NotTestable("no thing", add="a thing")

        @requirement("{ONE}")
        def test_one(thing):
            pass
        """,
    )

    assert "not_testable" == status_of(document)


def test_not_applicable_is_believed_if_declared(certify, target):
    """A capability that the target declares to lack does not count."""
    document = certify(
        {ONE: "MUST mtls", TWO: "MUST"},
        f"""
        @requirement("{ONE}")
        def test_one(request):
            require(request.config.stash[TARGET], "mtls")

        @requirement("{TWO}")
        def test_two():
            pass
        """,
        proxy=replace(target, not_supported=frozenset({"mtls"})),
    )

    assert "not_applicable" == status_of(document)
    assert "conformant" == document["verdict"]


def test_not_applicable_is_not_believed_otherwise(certify):
    """A check cannot excuse a target that declares nothing."""
    document = certify(
        {ONE: "MUST mtls", TWO: "MUST"},
        f"""
        @requirement("{ONE}")
        def test_one():
            raise NotApplicable("so it says")

        @requirement("{TWO}")
        def test_two():
            pass
        """,
    )

    assert "error" == status_of(document)
    assert "incomplete" == document["verdict"]


@pytest.mark.parametrize(
    ("load", "status"),
    [pytest.param(False, "not_applicable", id="off"), pytest.param(True, "passed")],
)
def test_load(certify, load, status):
    """The load test runs only if asked for, and is not missed otherwise."""
    document = certify(
        {ONE: "SHOULD load", TWO: "MUST"},
        f"""
        @requirement("{ONE}")
        def test_one(request):
            stash = request.config.stash
            require(stash[TARGET], "load", load=stash[LOAD])

        @requirement("{TWO}")
        def test_two():
            pass
        """,
        strict=True,
        load=load,
    )

    assert (status, 0) == (status_of(document), document["exit_status"])


@pytest.mark.parametrize(
    ("selection", "status"),
    [
        pytest.param({"only": (TWO,)}, 0, id="only"),
        pytest.param({"skip": (ONE,)}, 0, id="skip"),
        pytest.param({"pytest_args": ("-k", "two")}, 0, id="k"),
        pytest.param(
            {"pytest_args": ("--deselect", "x", "-k", "two")}, 0, id="deselect"
        ),
        pytest.param({"pytest_args": ("--collect-only",)}, 3, id="collect-only"),
        pytest.param({"pytest_args": ("--setup-only",)}, 3, id="setup-only"),
        pytest.param({"pytest_args": ("--setup-plan",)}, 3, id="setup-plan"),
        pytest.param({"pytest_args": ("--ignore-glob=/*",)}, 3, id="ignore"),
    ],
)
def test_narrowed_runs_are_partial(certify, selection, status, capsys):
    """Whatever cuts the run, what was left out is disabled and never conformant."""
    document = certify({ONE: "SHOULD", TWO: "MUST"}, PASSING, **selection)

    assert "disabled" == status_of(document)
    assert ("partial", status) == (document["verdict"], document["exit_status"])
    capsys.readouterr()


def test_narrowed_within_a_requirement(certify, capsys):
    """A requirement that lost one of its checks is not verified."""
    document = certify(
        {ONE: "MUST"},
        f"""
        @requirement("{ONE}")
        def test_one():
            pass

        @requirement("{ONE}")
        def test_two():
            pass
        """,
        pytest_args=("-k", "two"),
    )

    assert "disabled" == status_of(document)
    capsys.readouterr()


FAILING_FIRST = f"""
@requirement("{ONE}")
def test_one():
    raise Violation(expected="a", observed="b")

@requirement("{TWO}")
def test_two():
    pass
"""


@pytest.mark.parametrize(
    "selection",
    [
        pytest.param({"fail_fast": True}, id="fail-fast"),
        pytest.param({"pytest_args": ("-x",)}, id="x"),
        pytest.param({"pytest_args": ("--maxfail=1",)}, id="maxfail"),
    ],
)
def test_stopped_runs(certify, selection, capsys):
    """A run that stops at a failure reports it, and the rest as disabled."""
    document = certify({ONE: "MUST", TWO: "MUST"}, FAILING_FIRST, **selection)

    assert ("failed", "disabled") == (status_of(document), status_of(document, TWO))
    assert ("partial", 1) == (document["verdict"], document["exit_status"])
    capsys.readouterr()


@pytest.mark.parametrize(
    "selection",
    [
        pytest.param({"fail_fast": True}, id="fail-fast"),
        pytest.param({"only": ("XKS",)}, id="only-everything"),
        pytest.param({"pytest_args": ("-q",)}, id="pytest-arguments"),
    ],
)
def test_options_that_leave_nothing_out(certify, selection, capsys):
    """The verdict is partial where something was left out, and not before."""
    document = certify({ONE: "MUST", TWO: "MUST"}, PASSING, **selection)

    assert ("conformant", 0) == (document["verdict"], document["exit_status"])
    capsys.readouterr()


def test_fail_fast_ignores_warnings(certify):
    """--fail-fast stops at a MUST only."""
    document = certify({ONE: "SHOULD", TWO: "MUST"}, FAILING_FIRST, fail_fast=True)

    assert ("warning", "passed") == (status_of(document), status_of(document, TWO))


def test_unknown_prefix(certify):
    """A prefix that matches nothing is a mistake, not an empty run."""
    with pytest.raises(UsageProblem, match="XKS-NOSUCH"):
        certify({ONE: "MUST"}, PASSING, only=("XKS-NOSUCH",))


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("--nosuch",), id="unknown-option"),
        pytest.param(("nosuchfile.py",), id="unknown-file"),
    ],
)
def test_arguments_pytest_does_not_know(certify, arguments, capsys):
    """Arguments that pytest refuses are a usage error."""
    with pytest.raises(UsageProblem, match="does not understand"):
        certify({ONE: "MUST", TWO: "MUST"}, PASSING, pytest_args=arguments)
    capsys.readouterr()


def test_interrupted(certify):
    """Ctrl-C leaves a partial result that is never conformant."""
    document = certify(
        {ONE: "MUST", TWO: "MUST"},
        f"""
        @requirement("{ONE}")
        def test_one():
            pass

        @requirement("{TWO}")
        def test_two():
            raise KeyboardInterrupt
        """,
    )

    assert ("passed", "disabled") == (status_of(document), status_of(document, TWO))
    assert document["interrupted"]
    assert 3 == document["exit_status"]


def test_interrupted_after_everything(certify):
    """Even if all checks were done, an interrupted run is incomplete."""
    document = certify(
        {ONE: "MUST"},
        f"""
        @pytest.fixture(scope="session")
        def thing():
            yield
            raise KeyboardInterrupt

        @requirement("{ONE}")
        def test_one(thing):
            pass
        """,
    )

    assert 3 == document["exit_status"]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("raise RuntimeError('at import')", id="import-error"),
        pytest.param("def broken(:", id="syntax-error"),
        pytest.param("pytest.exit('enough')", id="exit"),
        pytest.param(
            "@requirement('XKS-HTTP-001')\ndef test_x(nosuch):\n    pass",
            id="unknown-fixture",
        ),
        pytest.param("def test_unmarked():\n    pass", id="no-requirement"),
        pytest.param(
            "@requirement('XKS-HTTP-777')\ndef test_x():\n    pass", id="unknown-id"
        ),
    ],
)
def test_broken_suites(certify, body):
    """A suite with a mistake of ours certifies nothing."""
    document = certify({ONE: "MUST"}, body)

    assert "incomplete" == document["verdict"]
    assert 3 == document["exit_status"]


def test_collection_error_beside_passing_checks(certify):
    """A module that cannot be collected taints a run that otherwise passes."""
    document = certify(
        {ONE: "MUST"},
        f"""
        @requirement("{ONE}")
        def test_one():
            pass

        class TestBroken:
            @pytest.mark.parametrize("a, b", [1])
            def test_two(self, a, b):
                pass
        """,
    )

    assert document["problems"]
    assert 3 == document["exit_status"]


@pytest.mark.parametrize(
    ("exception", "interrupted"),
    [
        pytest.param("RuntimeError", False, id="error"),
        pytest.param("KeyboardInterrupt", True, id="interrupt"),
    ],
)
def test_exception_out_of_pytest(certify, exception, interrupted):
    """Even what escapes pytest at its end leaves a report, which is incomplete."""
    document = certify(
        {ONE: "MUST"},
        f"""
        @requirement("{ONE}")
        def test_one(request):
            def clean_up():
                raise {exception}
            request.config.add_cleanup(clean_up)
        """,
    )

    assert "passed" == status_of(document)
    assert (interrupted, 3) == (document["interrupted"], document["exit_status"])


def test_hermetic(certify, monkeypatch, tmp_path):
    """The user's variables, plugins and configuration do not reach the suite."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTEST_ADDOPTS", "--nosuchoption")
    monkeypatch.setenv("PYTEST_PLUGINS", "nosuchplugin")
    (tmp_path / "conftest.py").write_text("raise RuntimeError\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --nosuch\n")
    path = list(sys.path)

    document = certify({ONE: "MUST", TWO: "MUST"}, PASSING)

    assert "conformant" == document["verdict"]
    assert "--nosuchoption" == os.environ["PYTEST_ADDOPTS"]
    assert path == sys.path


def test_nothing_is_printed(certify, capfd):
    """Without arguments for pytest, the run writes nothing anywhere."""
    certify(
        {ONE: "MUST"},
        f"""
        @requirement("{ONE}")
        def test_one():
            print("hello")
            raise Violation(expected="a", observed="b")
        """,
    )

    assert ("", "") == capfd.readouterr()


def test_pytest_output_is_redacted(certify, target, capfd):
    """With arguments, pytest prints tracebacks and locals; no secret among them."""
    certify(
        {ONE: "MUST"},
        f"""
        @requirement("{ONE}")
        def test_one(request):
            secret = request.config.stash[TARGET].credential.secret_access_key
            print("printed", secret)
            raise RuntimeError(secret)
        """,
        pytest_args=("-v", "--showlocals", "-rA"),
    )

    written = "".join(capfd.readouterr())
    assert "RuntimeError" in written
    assert target.credential.secret_access_key not in written


@pytest.mark.parametrize("spelling", [*SPELLINGS.values()], ids=[*SPELLINGS])
def test_every_output_of_pytest_is_redacted(certify, tmp_path, capfd, spelling):
    """What pytest prints and what its ``--debug`` writes hold the secret in no form."""
    file = tmp_path / "debug.log"
    certify(
        {ONE: "MUST"},
        f"""
        @requirement("{ONE}")
        def test_one():
            told = {spelling!r}
            print("printed", told)
            assert told == "", told
        """,
        pytest_args=("-vv", "--showlocals", "-rA", f"--debug={file}"),
    )

    printed = "".join(capfd.readouterr())
    # As pytest writes it, with and without another level of escapes.
    for text in (printed, file.read_text()):
        assert text
        for form in (spelling, repr(spelling)[1:-1], json.dumps(spelling)[1:-1]):
            assert form not in text


def test_unequal_credentials(target):
    """What pytest says of two credentials that differ shows no secret."""
    other = Credential("AKIA", "Other0Secret")
    with pytest.raises(AssertionError) as error:
        assert target.credential == other

    assert target.credential == replace(target.credential)
    assert 1 == len({target.credential, replace(target.credential)})
    assert CANARY not in str(error.value)
    assert "Other0Secret" not in str(error.value)


def test_multiple_requirements(certify):
    """A check may stand for several requirements, each at its own level."""
    document = certify(
        {ONE: "MUST", TWO: "SHOULD"},
        f"""
        @requirement("{ONE}", "{TWO}")
        def test_one():
            raise Violation(expected="a", observed="b")
        """,
    )

    assert ("failed", "warning") == (status_of(document), status_of(document, TWO))
