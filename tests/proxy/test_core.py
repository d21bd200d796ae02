"""The order of the checks, and the error that each wrong request gets."""

from __future__ import annotations

import base64
import json

import pytest

from pytest_xks.proxy.admission import Deny, RequestQuota
from pytest_xks.proxy.health import ExternalKeyManagerStatus

METADATA = {
    "awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice",
    "kmsKeyArn": "arn:aws:kms:us-east-2:123456789012:key/1234abcd",
    "kmsOperation": "Encrypt",
    "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
}
ENCRYPT = {
    "requestMetadata": METADATA,
    "plaintext": "SGVsbG8gV29ybGQh",
    "encryptionAlgorithm": "AES_GCM",
}


def encoded(size):
    """So many zero bytes, in Base64."""
    return base64.b64encode(bytes(size)).decode()


def without(document, member):
    """The document less one member."""
    return {name: value for name, value in document.items() if name != member}


def test_encrypt_then_decrypt_gives_the_plaintext_back(proxy):
    """What Encrypt answers, Decrypt takes, and the plaintext comes back."""
    aad = {"additionalAuthenticatedData": "cHJvamVjdD1uaWxl"}
    encrypted = json.loads(proxy.call("Encrypt", "usable", {**ENCRYPT, **aad}).body)

    decrypted = proxy.call(
        "Decrypt", "usable", {**encrypted, **aad, "encryptionAlgorithm": "AES_GCM"}
    )

    assert decrypted.status == 200
    assert json.loads(decrypted.body) == {"plaintext": "SGVsbG8gV29ybGQh"}


@pytest.mark.parametrize(
    ("change", "status", "name"),
    [
        pytest.param(
            {"plaintext": None}, 400, "ValidationException", id="no plaintext"
        ),
        pytest.param({"plaintext": 7}, 400, "ValidationException", id="a number"),
        pytest.param({"plaintext": "a-_b"}, 400, "ValidationException", id="URL-safe"),
        pytest.param({"plaintext": "QQ"}, 400, "ValidationException", id="unpadded"),
        pytest.param(
            {"plaintext": encoded(65_537)},
            501,
            "UnsupportedOperationException",
            id="plaintext too long",
        ),
        pytest.param(
            {"additionalAuthenticatedData": encoded(65_536)},
            501,
            "UnsupportedOperationException",
            id="AAD too long",
        ),
        pytest.param(
            {"encryptionAlgorithm": "AES_CBC"},
            501,
            "UnsupportedOperationException",
            id="another algorithm",
        ),
        pytest.param(
            {"ciphertextDataIntegrityValueAlgorithm": "MD5"},
            501,
            "UnsupportedOperationException",
            id="another CDIV algorithm",
        ),
        pytest.param(
            {"requestMetadata": None}, 400, "ValidationException", id="no metadata"
        ),
        pytest.param(
            {"requestMetadata": []}, 400, "ValidationException", id="metadata a list"
        ),
    ],
)
def test_wrong_parameters_of_encrypt(proxy, assert_xks_error, change, status, name):
    """Each wrong member of an Encrypt request gets its own documented error."""
    response = proxy.call("Encrypt", "usable", {**ENCRYPT, **change})

    assert_xks_error(response, status, name)


@pytest.mark.parametrize("member", sorted(METADATA))
def test_missing_metadata_of_encrypt(proxy, assert_xks_error, member):
    """A REQUIRED member of requestMetadata that is missing is a ValidationException."""
    body = {**ENCRYPT, "requestMetadata": without(METADATA, member)}

    assert_xks_error(proxy.call("Encrypt", "usable", body), 400, "ValidationException")


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="broken"),
        pytest.param(b"[]", id="a list"),
        pytest.param(b'{"a":1,"a":2}', id="duplicate members"),
        pytest.param(b'{"a":"\xff"}', id="invalid UTF-8"),
        pytest.param(b"[" * 100_000, id="deep nesting"),
        pytest.param(b'{"a":' * 50_000 + b"1" + b"}" * 50_000, id="deep objects"),
        pytest.param(b'{"a":NaN}', id="not a number"),
        pytest.param(b'{"a":' + b"9" * 5000 + b"}", id="a long number"),
        pytest.param(b"null", id="null"),
        pytest.param(b"\x00", id="a NUL byte"),
    ],
)
def test_bodies_that_are_not_json_objects(post, assert_xks_error, body):
    """Whatever is signed but no JSON object is a ValidationException."""
    response = post("/keys/usable/encrypt", body)

    assert_xks_error(response, 400, "ValidationException")


@pytest.mark.parametrize(
    ("key", "operation", "status", "name"),
    [
        ("nowhere", "Encrypt", 404, "KeyNotFoundException"),
        ("nowhere", "Decrypt", 404, "KeyNotFoundException"),
        ("nowhere", "GetKeyMetadata", 404, "KeyNotFoundException"),
        ("disabled", "Encrypt", 400, "InvalidStateException"),
        ("disabled", "Decrypt", 400, "InvalidStateException"),
        ("encrypt_only", "Decrypt", 400, "InvalidKeyUsageException"),
        ("decrypt_only", "Encrypt", 400, "InvalidKeyUsageException"),
        ("no_usage", "Encrypt", 400, "InvalidKeyUsageException"),
        ("no_usage", "Decrypt", 400, "InvalidKeyUsageException"),
        ("not_aes_256", "Encrypt", 400, "InvalidKeyUsageException"),
    ],
)
def test_keys_that_cannot_be_used(
    proxy, assert_xks_error, key, operation, status, name
):
    """What a key may not do has its own error, whatever the parameters are."""
    assert_xks_error(proxy.call(operation, key), status, name)


def test_metadata_of_a_disabled_key(proxy):
    """GetKeyMetadata of a disabled key says so instead of failing."""
    response = proxy.call("GetKeyMetadata", "disabled")

    assert json.loads(response.body) == {
        "keySpec": "AES_256",
        "keyUsage": ["ENCRYPT", "DECRYPT"],
        "keyStatus": "DISABLED",
    }


def test_cdiv_needs_a_key_that_decrypts(proxy, assert_xks_error):
    """Appendix C's verifying decryption is impossible on an encrypt-only key."""
    body = {**ENCRYPT, "ciphertextDataIntegrityValueAlgorithm": "SHA_256"}

    response = proxy.call("Encrypt", "encrypt_only", body)

    assert_xks_error(response, 400, "InvalidKeyUsageException")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "BREW"])
def test_other_methods(post, method):
    """Only POST is allowed, signed or not, and the answer says so."""
    response = post("/health", b"", method=method, signed=False)

    assert response.status == 405
    assert response.header("Allow") == "POST"


@pytest.mark.parametrize(
    "path",
    [
        "/health/",
        "//health",
        "/keys/usable/encrypt/",
        "/keys/usable//encrypt",
        "/keys//encrypt",
        "/keys/us%61ble/encrypt",
        "/keys/usable/sign",
        "/keys/" + "k" * 129 + "/encrypt",
        "",
    ],
)
def test_paths_of_no_operation(post, assert_xks_error, path):
    """A path that is no operation's is an InvalidUriPathException, even unsigned."""
    response = post(path, b"{}", signed=False)

    assert_xks_error(response, 404, "InvalidUriPathException")


def test_credential_of_another_store(proxy, assert_xks_error):
    """A credential opens its own path prefix and no other."""
    other = proxy.add_store("/other/kms/xks/v1")
    proxy.store.credential = other.credential

    assert_xks_error(
        proxy.call("GetHealthStatus"), 401, "AuthenticationFailedException"
    )


def test_rotation_of_the_credential(proxy, assert_xks_error):
    """Two credentials are valid at once; a removed one at once no longer."""
    old = proxy.credential
    proxy.store.rotate_credential()
    with_new = proxy.call("GetHealthStatus").status
    new, proxy.store.credential = proxy.credential, old
    with_old = proxy.call("GetHealthStatus").status
    proxy.store.remove_credential(old.access_key_id)

    assert (with_new, with_old) == (200, 200)
    assert_xks_error(
        proxy.call("GetHealthStatus"), 401, "AuthenticationFailedException"
    )
    assert new.secret_access_key not in repr(proxy.store)


@pytest.mark.parametrize(
    "statement",
    [
        Deny(name="by principal", aws_principal_arn="*:user/Alice"),
        Deny(name="by KMS key", kms_key_arn="arn:aws:kms:*"),
        Deny(name="by operation", kms_operation="ReEncrypt"),
        Deny(name="by external key", external_key_id="usa?le"),
    ],
    ids=lambda statement: statement.name,
)
def test_secondary_authorization(proxy, assert_xks_error, statement):
    """A matching statement denies, the journal names it, and health is excluded."""
    proxy.store.deny = (statement,)
    body = {
        **ENCRYPT,
        "requestMetadata": {**METADATA, "kmsOperation": "ReEncrypt"},
    }

    assert_xks_error(
        proxy.call("Encrypt", "usable", body), 403, "AccessDeniedException"
    )
    assert proxy.requests[-1].denied_by == statement.name
    assert proxy.call("GetHealthStatus").status == 200


def test_quota_of_a_path_prefix(proxy, assert_xks_error):
    """Beyond the burst a prefix is throttled, until time has passed."""
    proxy.store.quota = RequestQuota(burst=2, requests_per_second=5, clock=proxy.clock)
    statuses = [proxy.call("GetHealthStatus").status for _ in range(2)]
    throttled = proxy.call("GetHealthStatus")
    proxy.clock.advance(milliseconds=200)

    assert statuses == [200, 200]
    assert_xks_error(throttled, 429, "ThrottlingException")
    assert proxy.call("GetHealthStatus").status == 200


def test_quota_does_not_count_the_unauthenticated(proxy, post):
    """A stranger without the secret cannot use up the customer's quota."""
    proxy.store.quota = RequestQuota(burst=1, requests_per_second=1, clock=proxy.clock)

    assert post("/health", b"{}", signed=False).status == 401
    assert proxy.call("GetHealthStatus").status == 200


def test_disabled_key_store(proxy, assert_xks_error):
    """A disabled key store answers InvalidStateException to everything."""
    proxy.store.enabled = False

    assert_xks_error(proxy.call("GetHealthStatus"), 400, "InvalidStateException")


def test_external_key_managers_out_of_order(proxy, assert_xks_error):
    """Without a key manager that serves traffic, nothing is served."""
    for manager in proxy.fleet.managers:
        manager.status = ExternalKeyManagerStatus.UNAVAILABLE

    assert_xks_error(proxy.call("GetHealthStatus"), 500, "InternalException")
    assert_xks_error(proxy.call("Encrypt", "usable", ENCRYPT), 500, "InternalException")


def test_degraded_external_key_manager(proxy):
    """A degraded key manager still serves, and is reported as what it is."""
    proxy.fleet.managers[0].status = ExternalKeyManagerStatus.DEGRADED

    document = json.loads(proxy.call("GetHealthStatus").body)

    assert [each["healthStatus"] for each in document["ekmFleetDetails"]] == [
        "DEGRADED",
        "ACTIVE",
    ]


def test_load_balancer_health_check(proxy, post):
    """A load balancer polls with GET and without a signature."""
    proxy._core.load_balancer_path = proxy.uri_path + "/ping"

    assert post("/ping", b"", method="GET", signed=False).status == 200
    assert proxy.requests == ()


def test_key_changed_while_serving(proxy, assert_xks_error):
    """Keys may be disabled, rotated and removed between two requests."""
    encrypted = json.loads(proxy.call("Encrypt", "usable", ENCRYPT).body)
    body = {**encrypted, "encryptionAlgorithm": "AES_GCM"}
    proxy.keys["usable"].rotate()
    after_rotation = proxy.call("Decrypt", "usable", body).status
    proxy.keys["usable"].disable()
    disabled = proxy.call("Decrypt", "usable", body)
    proxy.store.remove_key("usable")

    assert after_rotation == 200
    assert_xks_error(disabled, 400, "InvalidStateException")
    assert_xks_error(proxy.call("Decrypt", "usable", body), 404, "KeyNotFoundException")


def test_journal_and_log_hold_no_plaintext(proxy, caplog):
    """What is kept names the request and never what was encrypted."""
    caplog.set_level("DEBUG", logger="pytest_xks.proxy")
    encrypted = json.loads(proxy.call("Encrypt", "usable", ENCRYPT).body)
    proxy.call("Decrypt", "usable", {**encrypted, "encryptionAlgorithm": "AES_GCM"})
    proxy.call("Encrypt", "usable", {**ENCRYPT, "plaintext": "SGVsbG8gV29ybGQ"})
    kept = repr(proxy.requests) + caplog.text

    assert "SGVsbG8" not in kept
    assert "Hello" not in kept
    assert METADATA["kmsRequestId"] in caplog.text
    assert proxy.credential.secret_access_key not in kept


def test_defect_of_the_proxy_itself(proxy, assert_xks_error, caplog):
    """An unforeseen exception is a 500 whose text quotes nothing."""
    proxy._core.fleet = None

    response = proxy.call("GetHealthStatus")

    assert_xks_error(response, 500, "InternalException")
    assert b"NoneType" not in response.body
    assert "unforeseen AttributeError" in caplog.text
