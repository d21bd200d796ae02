"""``pytest-xks certify``: a mistake in a target is one message without a secret."""

from __future__ import annotations

import pytest

CANARY = "Canary0Secret/That+NobodyMayEverSee0123456789="
SECRET_LINE = f'secret_access_key = "{CANARY}"'


def write_target(path, **changes):
    """A target file for a proxy that does not exist."""
    values = {
        "endpoint": "https://127.0.0.1:1",
        "uri_path": "/kms/xks/v1",
        "secret_access_key": CANARY,
        **changes,
    }
    path.write_text(
        "[proxy]\n"
        f'endpoint = "{values["endpoint"]}"\nuri_path = "{values["uri_path"]}"\n'
        '[proxy.credential]\naccess_key_id = "AKIATESTTESTTESTTEST"\n'
        f'secret_access_key = "{values["secret_access_key"]}"\n'
        '[proxy.keys]\nusable = "foo"\n'
    )
    return path


@pytest.mark.parametrize(
    ("content", "named"),
    [
        pytest.param("", "[proxy] is missing", id="empty"),
        pytest.param("\x00", "TOML", id="binary"),
        pytest.param("[proxy]\nendpiont = 1", "endpoint", id="typo"),
    ],
)
def test_unreadable_target_file(run, tmp_path, content, named):
    """A bad target file is named, with what is wrong."""
    (tmp_path / "t.toml").write_text(content)

    status, _, errors = run("certify", "proxy", "--target", tmp_path / "t.toml")

    assert 2 == status
    assert named in errors
    assert "t.toml" in errors


def test_dead_endpoint(run, tmp_path):
    """A proxy that is not there is exit status 2, and no secret is printed."""
    file = write_target(tmp_path / "t.toml")

    status, text, errors = run("certify", "proxy", "--target", file)

    assert 2 == status
    assert "https://127.0.0.1:1 cannot be reached" in errors
    assert CANARY not in text + errors


def test_dead_emulator(run, tmp_path):
    """A KMS endpoint that is not there is exit status 2, too."""
    run("init", "kms", tmp_path / "t.toml")
    text = (tmp_path / "t.toml").read_text()
    for old, new in ((":5599", ":1"), ('secret_access_key = "testing"', SECRET_LINE)):
        text = text.replace(old, new)
    (tmp_path / "t.toml").write_text(text.replace("127.0.0.1:9443", "127.0.0.1:0"))

    status, text, errors = run("certify", "kms", "--target", tmp_path / "t.toml")

    assert 2 == status
    assert "http://127.0.0.1:1 cannot be reached" in errors
    assert CANARY not in text + errors


def test_from_env(run, monkeypatch):
    """--from-env takes the variables of AWS's client."""
    monkeypatch.setenv("XKS_PROXY_HOST", "127.0.0.1:1")

    status, _, errors = run("certify", "proxy", "--from-env")

    assert 2 == status
    assert "https://127.0.0.1:1 cannot be reached" in errors
