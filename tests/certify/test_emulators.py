"""Five emulators with one defect each get the verdict and first line they deserve."""

from __future__ import annotations

import base64
import http.client
import json
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from pytest_xks.certify.preflight.findings import with_findings
from pytest_xks.certify.preflight.kms_preflight import preflight_kms
from pytest_xks.certify.preflight.pulse import pulse_of_kms
from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.report.output import render
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.targets.own_mocks import served_fake_kms
from pytest_xks.http.delivery import Delivery, Ending
from pytest_xks.http.server import HttpsServer
from pytest_xks.proxy_api.http import Response

REQUESTS_BEFORE_DEATH = 200


class Emulator:
    """The fake KMS behind what an emulator does in its own way."""

    def __init__(self, endpoint_url):
        self.address = urlsplit(endpoint_url).netloc

    def answer(self, operation, asked):
        """Status and document; by default what the fake answers."""
        return self.ask_fake(operation, asked)

    def ask_fake(self, operation, asked):
        """What the fake answers."""
        headers = {**self.headers, "X-Amz-Target": f"TrentService.{operation}"}
        connection = http.client.HTTPConnection(self.address, timeout=20)
        try:
            connection.request("POST", "/", json.dumps(asked), headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"{}")
        finally:
            connection.close()

    def handle(self, request, _peer):
        """Answer a request over HTTP."""
        kept = {"authorization", "content-type", "x-amz-date"}
        self.headers = {n: v for n, v in request.headers if n.lower() in kept}
        operation = request.header("X-Amz-Target").rpartition(".")[2]
        try:
            asked = json.loads(request.body)
        except ValueError:
            asked = {}
        answer = self.answer(operation, asked)
        if answer is None:
            return Delivery(response=Response(status=200), ending=Ending.CLOSE)
        status, document = answer
        body = json.dumps(document).encode()
        return Delivery(response=Response(status=status, body=body))


class NeverAsks(Emulator):
    """Keeps key stores in a table, and calls nobody."""

    def answer(self, operation, asked):
        """Key stores of its own; all else is the fake's."""
        if operation == "CreateCustomKeyStore":
            return 200, {"CustomKeyStoreId": "cks-0123456789abcdef0"}
        if operation == "DescribeCustomKeyStores":
            entry = {"CustomKeyStoreId": "cks-0123456789abcdef0"}
            return 200, {"CustomKeyStores": [entry | {"ConnectionState": "CONNECTED"}]}
        if operation.endswith("CustomKeyStore"):
            return 200, {}
        return self.ask_fake(operation, asked)


class RefusesEveryStore(Emulator):
    """Takes no external key store for a good one."""

    def answer(self, operation, asked):
        """A refusal of everything."""
        if operation == "CreateCustomKeyStore":
            return 400, {"__type": "ValidationException", "message": "Not that type."}
        return self.ask_fake(operation, asked)


class StaysConnecting(Emulator):
    """Never tells that a key store is connected."""

    def answer(self, operation, asked):
        """CONNECTING, for ever."""
        status, document = self.ask_fake(operation, asked)
        for store in document.get("CustomKeyStores", ()):
            if store["ConnectionState"] == "CONNECTED":
                store["ConnectionState"] = "CONNECTING"
        return status, document


class KeepsThePlaintext(Emulator):
    """Its blobs are "name:key id:Base64 of the plaintext:" and what the fake needs."""

    def answer(self, operation, asked):
        """With that in front of every blob that goes out, and taken off again."""
        blob = base64.b64decode(asked.get("CiphertextBlob", ""))
        if blob.startswith(b"name:"):
            inner = base64.b64encode(blob.split(b":", 3)[3]).decode()
            asked = asked | {"CiphertextBlob": inner}
        status, document = self.ask_fake(operation, asked)
        plaintext = asked.get("Plaintext") or document.get("Plaintext")
        if "CiphertextBlob" in document and plaintext:
            key_id = document["KeyId"].rpartition("/")[2]
            inner = base64.b64decode(document["CiphertextBlob"])
            outer = f"name:{key_id}:{plaintext}:".encode() + inner
            document["CiphertextBlob"] = base64.b64encode(outer).decode()
        return status, document


class DiesMidway(Emulator):
    """Answers for a while."""

    answered = 0

    def answer(self, operation, asked):
        """Nothing, after a while."""
        self.answered += 1
        if self.answered > REQUESTS_BEFORE_DEATH:
            return None
        return self.ask_fake(operation, asked)


@contextmanager
def certified(kind, **selection):
    """The document of an emulator's certification, and its text."""
    catalogue = load_catalogue("kms", suite_folder())
    with served_fake_kms() as (_, target, probe_proxy):
        emulator = kind(target.endpoint_url)
        with (
            HttpsServer(emulator.handle, context=None) as server,
            tempfile.TemporaryDirectory() as scratch,
        ):
            described = replace(
                target, endpoint_url=server.origin, settling_seconds=0.5
            )
            tried = preflight_kms(described, probe_proxy)
            with pulse_of_kms(tried.target) as pulse:
                run = run_suite(
                    suite=suite_folder(),
                    catalogue=catalogue,
                    target=tried.target,
                    probe_proxy=probe_proxy,
                    scratch=Path(scratch),
                    pulse=pulse,
                    selection=Selection(**selection),
                )
            document = build_document(
                with_findings(run, tried.findings),
                catalogue=catalogue,
                target=tried.target,
                findings=[finding.text for finding in tried.findings],
            )
            yield document, render(document, "text")


def status_of(document, requirement_id):
    """The status of one requirement."""
    return next(
        r["status"] for r in document["requirements"] if r["id"] == requirement_id
    )


def test_never_asks():
    """What is the matter with the whole is told once, and first."""
    with certified(NeverAsks, only=("KMS-CREATESTORE-028",)) as (document, text):
        assert 1 == document["exit_status"]
        assert text.startswith("The emulator never asks the proxy: it created a key")


def test_refuses_every_store():
    """It is not conformant: what every check begins with is a requirement, too."""
    with certified(RefusesEveryStore, only=("KMS-CREATESTORE",)) as (document, text):
        assert 1 == document["exit_status"]
        assert "failed" == status_of(document, "KMS-CREATESTORE-048")
        assert text.startswith(
            "The emulator refuses every good external key store: CreateCustomKeyStore "
            "was answered 400 ValidationException (Not that type.)."
        )


def test_stays_connecting():
    """Nobody waits half a minute for each key store of the suite."""
    with certified(StaysConnecting, only=("KMS-CONNECT-003",)) as (document, text):
        assert 1 == document["exit_status"]
        assert "failed" == status_of(document, "KMS-CONNECT-003")
        assert text.startswith("A key store with a good proxy stays CONNECTING, 0.5 s")


def test_keeps_the_plaintext():
    """It works, and whoever has the ciphertext has the plaintext."""
    chosen = ("KMS-CRYPTO-001", "KMS-CRYPTO-029")
    with certified(KeepsThePlaintext, only=chosen) as (document, text):
        assert 1 == document["exit_status"]
        assert "passed" == status_of(document, "KMS-CRYPTO-001")
        assert "failed" == status_of(document, "KMS-CRYPTO-029")
        assert text.startswith(
            "KMS-CRYPTO-029 A ciphertext does not hold the plaintext: "
        )


def test_dies_midway():
    """The run ends, and accuses nobody."""
    with certified(DiesMidway) as (document, text):
        assert ("incomplete", 3) == (document["verdict"], document["exit_status"])
        assert 0 == document["summary"]["MUST"]["failed"]
        assert text.startswith("The target stopped answering at 20")
        assert "Add what is missing" not in text
