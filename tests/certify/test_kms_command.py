"""``certify kms`` as a whole, with small suites and with the real one."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest

from pytest_xks.certify.command import CertifyOptions, certify
from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.evidence.exchange import Exchange, Received, Signing
from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.report.output import RENDERERS, render
from pytest_xks.certify.requirements.suite import load_catalogue
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.run.unsupported import run_without_checks
from pytest_xks.certify.targets.target import Unsupported
from pytest_xks.certify.templates.templates import write_kms_template

ONE, TWO, THREE = "KMS-GEN-001", "KMS-GEN-002", "KMS-GEN-003"
LEVELS = {ONE: "MUST", TWO: "SHOULD", THREE: "MUST standard_keys"}
HEALTH = f"""
@requirement("{ONE}")
def test_store(request):
    from pytest_xks.certify.targets.kms_call import KmsCaller
    store = request.config.stash[PROBE_PROXY].open_store()
    with KmsCaller(request.config.stash[KMS_TARGET]) as caller:
        answer = caller.call(
            "CreateCustomKeyStore",
            CustomKeyStoreName=store.endpoint,
            CustomKeyStoreType="EXTERNAL_KEY_STORE",
            XksProxyConnectivity="PUBLIC_ENDPOINT",
            XksProxyUriEndpoint=store.endpoint,
            XksProxyUriPath=store.uri_path,
            XksProxyAuthenticationCredential=store.credential,
        )
        recorder_of(request.node).add(answer.exchange)
    assert ["health"] == [each.operation for each in store.requests]
    assert answer.status == EXPECTED

@requirement("{TWO}")
def test_should():
    pass

@requirement("{THREE}")
def test_capability(request):
    require(request.config.stash[KMS_TARGET], "standard_keys")
"""


@pytest.fixture
def run(make_suite, capsys):
    """Certify with a suite of three checks; exit status and what was printed."""

    def run_command(expected, **options):
        body = HEALTH.replace("EXPECTED", str(expected))
        suite = make_suite(LEVELS, body, part="kms")
        status = certify("kms", CertifyOptions(suite=suite, **options))
        return status, capsys.readouterr().out

    return run_command


@pytest.fixture
def moto_server():
    """The URL of a plain moto_server in a process of its own."""
    code = "from moto.server import main; main(['-p', '0'])"
    with subprocess.Popen(
        [sys.executable, "-c", code], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            lines = iter(process.stderr.readline, "")
            urls = (re.search(r"Running on (http://\S+)", line) for line in lines)
            yield next(url[1] for url in urls if url)
        finally:
            process.kill()


@contextmanager
def served(tmp_path, *arguments):
    """`pytest-xks serve` in a process of its own; yields its ready file's content."""
    ready = tmp_path / "ready.json"
    command = [sys.executable, "-m", "pytest_xks", "serve", "--ready-file", ready]
    with subprocess.Popen(
        [*command, *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            # What it prints comes after the ready file.
            assert process.stdout.readline()
            yield json.loads(ready.read_text())
        finally:
            process.terminate()
            process.stdout.read()


def pytest_xks(*arguments):
    """Run the command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "pytest_xks", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def free_port():
    """A port that was free a moment ago; one that others are told before."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_conformant(run):
    """The suite reaches the fake KMS, which reaches the suite's proxy."""
    status, text = run(200)

    assert 0 == status
    assert "(built-in fake KMS)" in text
    assert "conformant: MUST 2 passed; SHOULD 1 passed" in text


def test_not_conformant(run, tmp_path):
    """A failure has its curl line; no report has the secret of a key store."""
    status, text = run(201, report_dir=tmp_path / "reports")

    assert 1 == status
    assert "--aws-sigv4 aws:amz:us-east-1:kms" in text
    assert '"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"' in text
    reports = {file.name: file.read_text() for file in (tmp_path / "reports").iterdir()}
    assert set(RENDERERS) == reports.keys()
    for content in (text, *reports.values()):
        assert re.search("RawSecretAccessKey(\\W|quot|#34)+redacted", content)
    document = json.loads(reports["report.json"])
    assert document["target"] == {
        "endpoint_url": document["target"]["endpoint_url"],
        "region": "us-east-1",
        "access_key_id": "testing",
        "proxy_endpoint_template": "https://{label}.xks.test",
        "capabilities": ["vpc_endpoint_service", "standard_keys"],
        "not_supported": [],
        "source": "built-in fake KMS",
    }


def write_target(tmp_path, **changes):
    """The target file of `init kms`, with some of its text replaced."""
    file = tmp_path / "target.toml"
    write_kms_template(file)
    text = file.read_text()
    for old, new in changes.values():
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    return file


def test_port_taken(run, tmp_path):
    """Where the suite's proxy cannot listen, the key of the file is named."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        file = write_target(tmp_path, listen=("1:9443", f"1:{port}"))
        with pytest.raises(UsageProblem, match=r"(?s)cannot listen.*kms\.proxy"):
            run(200, target=file)


def test_ca_that_is_none(run, tmp_path):
    """Files that hold no CA are named by their keys."""
    file = write_target(tmp_path, listen=("1:9443", "1:0"))
    (tmp_path / "ca.pem").write_text("x")

    with pytest.raises(UsageProblem, match=r"kms\.proxy\.ca_certificate"):
        run(200, target=file)


def test_moto_server(run, moto_server, tmp_path):
    """A plain moto_server has no external key stores, and is told so in one screen."""
    file = write_target(
        tmp_path,
        endpoint=("http://127.0.0.1:5599", moto_server),
        listen=("1:9443", "1:0"),
    )

    status, text = run(200, target=file)

    assert 1 == status
    assert "No external key stores: 2 requirements failed untried" in text
    assert "not conformant, no external key stores: MUST 2 failed" in text
    assert "SHOULD 1 not testable" in text
    assert "  UpdateCustomKeyStore\n      500 Internal Server Error\n" in text
    assert "Traceback" not in text
    assert len(text.splitlines()) < 40


@pytest.fixture
def unsupported(make_suite, kms_target, probe_proxy):
    """The result for an emulator without external key stores, and its catalogue."""

    def build(**selection):
        levels = {**LEVELS, "KMS-GEN-004": "INFO", "KMS-GEN-005": "MUST standard_keys"}
        catalogue = load_catalogue("kms", make_suite(levels, "", part="kms"))
        exchange = Exchange(
            label="CreateCustomKeyStore",
            url=kms_target.endpoint_url,
            body=probe_proxy.open_store().credential["RawSecretAccessKey"].encode(),
            signing=Signing(region="us-east-1", service="kms"),
            received=Received(status=501, body=b"<p>not \x1b[31m here</p> | `x`"),
        )
        run = run_without_checks(
            Unsupported(what="external key stores", exchanges=(exchange,)),
            catalogue=catalogue,
            target=kms_target,
            probe_proxy=probe_proxy,
            selection=Selection(**selection),
        )
        return build_document(run, catalogue=catalogue, target=kms_target)

    return build


def test_unsupported(unsupported):
    """Each MUST has failed for the same reason; what binds less could not be tried."""
    document = unsupported(skip=("KMS-GEN-005",))

    assert ("partial", 1) == (document["verdict"], document["exit_status"])
    assert {
        ONE: "failed",
        TWO: "not_testable",
        THREE: "failed",
        "KMS-GEN-004": "not_testable",
        "KMS-GEN-005": "disabled",
    } == {r["id"]: r["status"] for r in document["requirements"]}


@pytest.mark.parametrize("style", ["text", "html", "markdown", "junit"])
def test_unsupported_in_every_report(unsupported, probe_proxy, style):
    """Every report says it, with the answers and without the secrets."""
    text = render(unsupported(), style)

    assert "external key stores" in text
    assert "\x1b" not in text
    assert not any(secret in text for secret in probe_proxy.secrets())
    if style != "junit":
        assert "501" in text
        assert "Not testable" not in text


def test_served_fake_gets_the_same_verdict(tmp_path):
    """`serve` and `init kms` meet: the verdict is the one without a target."""
    port = free_port()
    file = write_target(tmp_path, listen=("1:9443", f"1:{port}"))
    chapter = ("--quiet", "--only", "KMS-DISCONNECT", "--only", "KMS-CREATESTORE-001")
    route = f"*.xks.test:443:127.0.0.1:{port}"
    with served(
        tmp_path, "--connect-to", route, "--trust-ca", tmp_path / "ca.pem"
    ) as ready:
        text = file.read_text()
        file.write_text(
            text.replace("http://127.0.0.1:5599", ready["kms_endpoint_url"])
        )
        with_target = pytest_xks("certify", "kms", "--target", file, *chapter)
    without = pytest_xks("certify", "kms", *chapter)

    assert "" == with_target.stderr == without.stderr
    assert with_target.stdout == without.stdout
    assert with_target.returncode == without.returncode
