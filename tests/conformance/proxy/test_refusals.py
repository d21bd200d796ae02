"""A refusal that tells the signature is found, however it tells it."""

from __future__ import annotations

from typing import get_args

import pytest

from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.requirements.suite import load_catalogue, suite_folder
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.targets.own_mocks import served_mock_proxy
from pytest_xks.proxy.faults.authentication.telling import Encoding
from pytest_xks.proxy.reference import SECOND_URI_PATH

ONLY = ("XKS-AUTH-037", "XKS-AUTH-038", "XKS-AUTH-039")


def statuses(folder, name, **options):
    """What the three requirements on refusals say of a fault."""
    catalogue = load_catalogue("proxy")
    with served_mock_proxy() as (reference, target):
        reference.proxy.fault(name, **options)
        run = run_suite(
            suite=suite_folder(),
            catalogue=catalogue,
            target=target,
            scratch=folder,
            selection=Selection(only=ONLY),
        )
    document = build_document(run, catalogue=catalogue, target=target)
    found = {each["id"]: each["status"] for each in document["requirements"]}
    return [found[id_] for id_ in ONLY]


@pytest.mark.parametrize("encoding", get_args(Encoding))
@pytest.mark.parametrize("name", ["tells-signature", "tells-signing-key"])
def test_encoding(name, encoding, tmp_path):
    """Told in any encoding, by one operation of one key store, it opens the door."""
    told = statuses(
        tmp_path,
        name,
        encoding=encoding,
        operation="Decrypt",
        key_store=SECOND_URI_PATH,
    )
    assert told == ["failed", "warning", "passed"]


@pytest.mark.parametrize("operation", ["GetKeyMetadata", "Encrypt", "Decrypt"])
def test_key_before_signature(operation, tmp_path):
    """An operation that looks for the key first tells who asks which keys exist."""
    name = "looks-for-key-before-signature"
    told = statuses(tmp_path, name, operation=operation)
    assert told == ["passed", "passed", "warning"]
