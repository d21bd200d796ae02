"""The JavaScript SDK against ``pytest-xks serve``; `tox -e sdk-javascript` installs it.

Node.js finds the SDK through ``NODE_PATH``.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

_SCRIPT = Path(__file__).parent / "javascript" / "key_store.cjs"
_SECONDS = 60

EXCEPTIONS = {
    "a key in a store that is not connected": "CustomKeyStoreInvalidStateException",
    "a used external key": "XksKeyAlreadyInUseException",
    "an unknown external key": "XksKeyNotFoundException",
    "an external key that only encrypts": "XksKeyInvalidConfigurationException",
    "a store that there is not": "CustomKeyStoreNotFoundException",
    "a name in use": "CustomKeyStoreNameInUseException",
    "an endpoint in use": "XksProxyUriInUseException",
    "a store with keys": "CustomKeyStoreInvalidStateException",
    "a key in a disconnected store": "KMSInvalidStateException",
}


@pytest.fixture(scope="module")
def said(xks_server):
    """What the script says of a store and a key of its own."""
    proxy = xks_server.proxy
    given = {
        "store": {
            "CustomKeyStoreName": "javascript",
            "XksProxyUriEndpoint": "https://javascript.xks.test",
            "XksProxyUriPath": proxy.uri_path,
            "XksProxyAuthenticationCredential": {
                "AccessKeyId": proxy.credential.access_key_id,
                "RawSecretAccessKey": proxy.credential.secret_access_key,
            },
        },
        "keys": dict(proxy.keys),
    }
    result = subprocess.run(
        # Without what the SDK says of releases of Node.js that it will not support.
        ["node", "--no-warnings", _SCRIPT, json.dumps(given)],  # noqa: S607 - PATH's
        env=xks_server.environment,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert (0, "") == (result.returncode, result.stderr)
    return json.loads(result.stdout)


def test_it_creates_a_store_and_a_key(said, xks_server):
    """Both are there for everyone."""
    kms = xks_server.client()
    (store,) = kms.describe_custom_key_stores(CustomKeyStoreId=said["store"])[
        "CustomKeyStores"
    ]
    assert (
        "https://javascript.xks.test" == (store["XksProxyConfiguration"]["UriEndpoint"])
    )
    assert said["store"] == said["metadata"]["CustomKeyStoreId"]
    assert {"Id": "foo"} == said["metadata"]["XksKeyConfiguration"]


def test_it_encrypts_and_decrypts(said):
    """The plaintext came back."""
    assert "hello" == said["plaintext"]


@pytest.mark.parametrize("case", EXCEPTIONS)
def test_it_gets_typed_exceptions(said, case):
    """``instanceof`` the SDK's class for each."""
    assert EXCEPTIONS[case] == said["exceptions"][case]


def test_all_cases_are_tried(said):
    """The script tries what is expected here, and nothing else."""
    assert EXCEPTIONS.keys() == said["exceptions"].keys()
