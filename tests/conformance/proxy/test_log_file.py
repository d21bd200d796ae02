"""What has come to a log since the run began, whatever became of its file."""

from __future__ import annotations

import shutil

import pytest
from pytest_xks.conformance.proxy.log.log_file import LogFile
from pytest_xks.conformance.proxy.passive.forms import forms

from pytest_xks.certify.run.outcome import NotTestable


@pytest.fixture
def log(tmp_path):
    """A log with two lines from before the run."""
    file = tmp_path / "proxy.log"
    file.write_bytes(b"before\nbefore, too\n")
    return file


def append(file, data):
    """Write to a log as its proxy does."""
    with file.open("ab") as opened:
        opened.write(data)


def test_what_was_there_before(log):
    """An earlier run is none of this one's business; lines count from the top."""
    written = LogFile(log)
    append(log, b"first\nsecond secret\n")

    found = written.written()
    assert found.pieces[0].data == b"first\nsecond secret\n"
    assert b"before" not in found
    assert found.find(b"secret") == "line 4 of proxy.log: second [redacted]"
    assert not found.lost


def test_file_that_comes_later(tmp_path):
    """A proxy may open its log with the first request."""
    written = LogFile(tmp_path / "proxy.log")
    append(tmp_path / "proxy.log", b"first\n")

    assert b"first" in written.written()


def test_file_that_never_comes(tmp_path):
    """It cannot be read, and the target file may be wrong."""
    with pytest.raises(NotTestable, match="cannot be read"):
        LogFile(tmp_path / "proxy.log").written()


def test_rotated(log):
    """What went to the old file is found under its new name."""
    written = LogFile(log)
    append(log, b"first\n")
    log.rename(log.with_name("proxy.log.1"))
    append(log, b"second\n")

    found = written.written()
    assert b"first" in found
    assert b"second" in found
    assert b"before" not in found
    assert found.find(b"first").startswith("line 3 of proxy.log.1")
    assert not found.lost


def test_rotated_away(log):
    """Without the old file, what is left is not all."""
    written = LogFile(log)
    log.rename(log.parent / "elsewhere")
    append(log, b"second\n")

    found = written.written()
    assert b"second" in found
    assert "rotated" in found.lost


def test_copied_and_truncated(log):
    """As logrotate's copytruncate does; the copy goes on from where the run began."""
    written = LogFile(log)
    append(log, b"first\n")
    shutil.copy(log, log.with_name("proxy.log.1"))
    log.write_bytes(b"second\n")

    found = written.written()
    assert b"first" in found
    assert b"second" in found
    assert not found.lost


@pytest.mark.parametrize("data", [b"", b"new\n", b"another and longer beginning\n" * 9])
def test_truncated(log, data):
    """What was begun anew is not what went on, however long it is by now."""
    written = LogFile(log)
    append(log, b"first\n")
    log.write_bytes(data)

    found = written.written()
    assert "truncated" in found.lost
    assert found.pieces[0].data == data


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("a /b\x80\xffzz", id="as-it-is"),
        pytest.param("YSAvYoD/enoK", id="Base64"),
        pytest.param("[97 32 47 98 128 255 122 122 10]", id="Go"),
        pytest.param("[97, 32, 47, 98, -128, -1, 122, 122, 10]", id="Java"),
        pytest.param("[97, 32, 47, 98, 128, 255, 122, 122, 10]", id="Rust"),
        pytest.param(r"b'a /b\x80\xffzz\n'", id="Python"),
        pytest.param("0x61 0x20 0x2f 0x62 0x80 0xff 0x7a 0x7a 0xa", id="JavaScript"),
        pytest.param("61202F6280FF7A7A0A", id="hexadecimal"),
    ],
)
def test_forms(text):
    """Bytes are found as programs print them."""
    secret = b"a /b\x80\xffzz\n"
    whole = text.encode("latin-1") + b"\n"

    assert any(form in whole for _, form in forms(secret))
