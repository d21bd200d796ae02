"""``certify proxy`` as a whole, against the built-in mock proxy, with small suites."""

from __future__ import annotations

import json

import pytest

from pytest_xks.certify.command import CertifyOptions, certify
from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.targets.own_mocks import served_mock_proxy

ONE = "XKS-HTTP-001"
PASSING = f'@requirement("{ONE}")\ndef test_one(): pass'
FAILING = f'@requirement("{ONE}")\ndef test_one(): assert False'


@pytest.fixture
def run(make_suite, capsys):
    """Certify with a suite of one check; return exit status and what was printed."""

    def run_command(body, **options):
        suite = make_suite({ONE: "MUST"}, body)
        status = certify("proxy", CertifyOptions(suite=suite, **options))
        return status, capsys.readouterr().out

    return run_command


@pytest.mark.parametrize(
    ("body", "status", "verdict"),
    [
        pytest.param(PASSING, 0, "conformant", id="conformant"),
        pytest.param(FAILING, 1, "not conformant", id="not-conformant"),
        pytest.param("raise RuntimeError", 3, "incomplete", id="incomplete"),
    ],
)
def test_exit_status(run, tmp_path, body, status, verdict):
    """Terminal, file and exit status agree."""
    found, text = run(body, report_dir=tmp_path / "reports")

    document = json.loads((tmp_path / "reports" / "report.json").read_text())
    assert (status, status) == (found, document["exit_status"])
    assert verdict == document["verdict"]
    assert f"\n{verdict}: " in text


def test_report_folder(run, tmp_path):
    """The folder holds the four reports and nothing else."""
    run(FAILING, report_dir=tmp_path / "a" / "b")

    assert ["junit.xml", "report.html", "report.json", "report.md"] == sorted(
        path.name for path in (tmp_path / "a" / "b").iterdir()
    )


def test_quiet(run):
    """--quiet prints the verdict line only."""
    assert (0, "conformant: MUST 1 passed\n") == run(PASSING, quiet=True)


def test_baseline_round(run, tmp_path):
    """Written, used, and stale once the failure is gone."""
    file = tmp_path / "baseline.toml"

    assert 1 == run(FAILING, write_baseline=file)[0]
    status, text = run(FAILING, baseline=file)
    assert (0, True) == (status, "known failures only" in text)
    status, text = run(PASSING, baseline=file)
    assert (1, True) == (status, "stale" in text)


def test_two_targets(run, tmp_path):
    """One target at a time."""
    with pytest.raises(UsageProblem, match="exclude"):
        run(PASSING, target=tmp_path / "t.toml", from_env=True)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"baseline": "nosuch.toml"}, id="baseline"),
        pytest.param({"target": "nosuch.toml"}, id="target"),
        pytest.param({"report_dir": "file/below"}, id="report-dir"),
        pytest.param({"selection": Selection(only=("NOSUCH",))}, id="only"),
    ],
)
def test_mistakes_are_found_before_the_run(run, tmp_path, options):
    """A mistake is told at once, not after the suite."""
    (tmp_path / "file").write_text("")
    absolute = {
        name: tmp_path / value if isinstance(value, str) else value
        for name, value in options.items()
    }

    with pytest.raises(UsageProblem):
        run("raise SystemExit('the suite ran')", **absolute)


def test_files_for_reproduction_stay(run, tmp_path):
    """What a check leaves for its reproduction line lies beside the reports."""
    body = f"""
    from pytest_xks.certify.run.session import SCRATCH
    @requirement("{ONE}")
    def test_one(request):
        (request.config.stash[SCRATCH] / "bad.pem").write_text("x")
    """
    run(body, report_dir=tmp_path / "reports")

    assert (tmp_path / "reports" / "reproduce" / "bad.pem").is_file()


def test_declared_lacking(run):
    """What is declared as lacking is a capability, and the target has not got it."""
    with pytest.raises(UsageProblem, match="the target provides mtls"):
        run(PASSING, not_supported=("mtls",))
    with pytest.raises(UsageProblem, match="is no capability"):
        run(PASSING, not_supported=("mtl",))


def test_declared_lacking_is_told(run, monkeypatch):
    """With --not-supported, a target of --from-env reaches exit status 0."""
    with served_mock_proxy() as (_, target):
        for name, value in {
            "XKS_PROXY_HOST": target.endpoint.authority,
            "URI_PREFIX": target.uri_path.removesuffix("/kms/xks/v1").strip("/"),
            "SIGV4_ACCESS_KEY_ID": target.credential.access_key_id,
            "SIGV4_SECRET_ACCESS_KEY": target.credential.secret_access_key,
            "KEY_ID": target.keys["usable"],
            "SECURE": f"--cacert {target.ca_bundle}",
        }.items():
            monkeypatch.setenv(name, value)
        status, text = run(
            f"""
            from pytest_xks.certify.run.session import require

            @requirement("{ONE}")
            def test_mtls(request):
                require(request.config.stash[TARGET], "mtls")

            @requirement("{ONE}")
            def test_key(request):
                require(request.config.stash[TARGET], "encrypt_only_key")

            @requirement("{ONE}")
            def test_one():
                pass
            """,
            from_env=True,
            not_supported=("mtls", "encrypt_only_key"),
            quiet=True,
        )

    assert 0 == status
    assert text.startswith("conformant, 2 capabilities declared as lacking: ")
