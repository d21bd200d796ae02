"""Requests: good and bad bodies as tables. Responses: the specification's examples."""

from __future__ import annotations

import base64
import json

import pytest

from pytest_xks.proxy_api.errors import ErrorName, Operation, XksError
from pytest_xks.proxy_api.limits import is_error_message
from pytest_xks.proxy_api.messages import (
    DecryptParameters,
    EkmFleetDetail,
    EncryptParameters,
    EncryptResult,
    HealthStatus,
    KeyMetadata,
    RequestMetadata,
    check_lengths,
    parse_document,
    parse_metadata,
    parse_parameters,
    render,
    render_decrypt,
    render_encrypt,
    render_error,
    render_health_status,
    render_key_metadata,
)

# "Encrypt" and "Decrypt", Request Payload Example.
METADATA = {
    "awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice",
    "kmsKeyArn": "arn:aws:kms:us-east-2:123456789012:/key/"
    "1234abcd-12ab-34cd-56ef-1234567890ab",
    "kmsOperation": "Encrypt",
    "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
    "kmsViaService": "ebs",
}
ENCRYPT = {
    "requestMetadata": METADATA,
    "additionalAuthenticatedData": "cHJvamVjdD1uaWxlLGRlcGFydG1lbnQ9bWFya2V0aW5n",
    "plaintext": "SGVsbG8gV29ybGQh",
    "encryptionAlgorithm": "AES_GCM",
    "ciphertextDataIntegrityValueAlgorithm": "SHA_256",
}
DECRYPT = {
    "requestMetadata": METADATA | {"kmsOperation": "Decrypt"},
    "additionalAuthenticatedData": "cHJvamVjdD1uaWxlLGRlcGFydG1lbnQ9bWFya2V0aW5n",
    "encryptionAlgorithm": "AES_GCM",
    "ciphertext": "ghxkK1txeDNn3q8Y",
    "ciphertextMetadata": "a2V5X3ZlcnNpb249MQ==",
    "initializationVector": "HMrlRw85cAJUd5Ax",
    "authenticationTag": "vBxN2ncH1oEkR8WVXpmyYQ==",
}
REQUEST = {Operation.ENCRYPT: ENCRYPT, Operation.DECRYPT: DECRYPT}
ABSENT = object()


def base64_of(size: int) -> str:
    """Base64 of so many zero bytes."""
    return base64.b64encode(bytes(size)).decode()


def with_member(document: dict[str, object], member: str, value: object) -> dict:
    """A copy in which a member has another value, or is ABSENT."""
    changed = {**document, member: value}
    return {key: value for key, value in changed.items() if value is not ABSENT}


def assert_refused(name: ErrorName, member: str, caught: pytest.ExceptionInfo) -> None:
    """The error has the name, names the member, and is fit to go out."""
    assert caught.value.name is name
    assert member in caught.value.message
    assert is_error_message(caught.value.message)


class TestDocument:
    """A request body is one JSON object."""

    def test_object(self):
        """The members of a body come back as they are."""
        assert parse_document(json.dumps(ENCRYPT).encode()) == ENCRYPT

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"", id="empty"),
            pytest.param(b"null", id="null"),
            pytest.param(b"[]", id="array"),
            pytest.param(b'"{}"', id="string"),
            pytest.param(b"{", id="broken"),
            pytest.param(b'{"a": 1, "a": 2}', id="duplicate"),
            pytest.param(b'{"a": "\xff"}', id="invalid UTF-8"),
            pytest.param(b'{"a": NaN}', id="NaN"),
            pytest.param(b'{"a":' * 100_000, id="deep"),
        ],
    )
    def test_refused(self, body):
        """Any other body is a ValidationException that does not show it."""
        with pytest.raises(XksError) as caught:
            parse_document(body)

        assert_refused(ErrorName.VALIDATION, "body", caught)


class TestMetadata:
    """requestMetadata, for each operation what the specification requires of it."""

    # "GetKeyMetadata", "Encrypt", "Decrypt", "GetHealthStatus": fields said REQUIRED.
    REQUIRED = {  # noqa: RUF012 (nobody changes it)
        Operation.GET_KEY_METADATA: {"awsPrincipalArn", "kmsOperation", "kmsRequestId"},
        Operation.ENCRYPT: {
            "awsPrincipalArn",
            "kmsKeyArn",
            "kmsOperation",
            "kmsRequestId",
        },
        Operation.DECRYPT: {
            "awsPrincipalArn",
            "kmsKeyArn",
            "kmsOperation",
            "kmsRequestId",
        },
        Operation.GET_HEALTH_STATUS: {"kmsOperation", "kmsRequestId"},
    }
    MEMBERS = (
        "awsPrincipalArn",
        "awsSourceVpc",
        "awsSourceVpce",
        "kmsKeyArn",
        "kmsOperation",
        "kmsRequestId",
        "kmsViaService",
    )

    def test_all_members(self):
        """Every member of the wire has its attribute."""
        document = {"requestMetadata": {member: member for member in self.MEMBERS}}

        assert RequestMetadata(
            aws_principal_arn="awsPrincipalArn",
            aws_source_vpc="awsSourceVpc",
            aws_source_vpce="awsSourceVpce",
            kms_key_arn="kmsKeyArn",
            kms_operation="kmsOperation",
            kms_request_id="kmsRequestId",
            kms_via_service="kmsViaService",
        ) == parse_metadata(document, Operation.ENCRYPT)

    @pytest.mark.parametrize("operation", Operation)
    def test_only_what_is_required(self, operation):
        """The REQUIRED members are enough, and come back under their own names."""
        least = dict.fromkeys(self.REQUIRED[operation], "x")

        metadata = parse_metadata({"requestMetadata": least}, operation)

        assert least == metadata.as_document()

    @pytest.mark.parametrize("operation", Operation)
    @pytest.mark.parametrize("member", MEMBERS)
    @pytest.mark.parametrize("value", [ABSENT, None], ids=["absent", "null"])
    def test_missing_member(self, operation, member, value):
        """A member may be missing if, and only if, it is not REQUIRED."""
        whole = dict.fromkeys(self.MEMBERS, "x")
        document = {"requestMetadata": with_member(whole, member, value)}

        if member not in self.REQUIRED[operation]:
            assert member not in parse_metadata(document, operation).as_document()
            return
        with pytest.raises(XksError) as caught:
            parse_metadata(document, operation)

        assert_refused(ErrorName.VALIDATION, f"requestMetadata.{member}", caught)

    @pytest.mark.parametrize("member", MEMBERS)
    @pytest.mark.parametrize("value", [1, True, [], {}], ids=repr)
    def test_member_that_is_no_string(self, member, value):
        """Every member is a string, also the optional ones."""
        whole = dict.fromkeys(self.MEMBERS, "x")

        with pytest.raises(XksError) as caught:
            parse_metadata(
                {"requestMetadata": whole | {member: value}}, Operation.ENCRYPT
            )

        assert_refused(ErrorName.VALIDATION, member, caught)

    @pytest.mark.parametrize(
        "metadata", [ABSENT, None, "", [], 1], ids=lambda value: repr(value)[:8]
    )
    def test_metadata_that_is_no_object(self, metadata):
        """RequestMetadata has to be an object."""
        document = with_member(ENCRYPT, "requestMetadata", metadata)

        with pytest.raises(XksError) as caught:
            parse_metadata(document, Operation.ENCRYPT)

        assert_refused(ErrorName.VALIDATION, "requestMetadata", caught)

    @pytest.mark.parametrize(
        ("member", "value"),
        [
            pytest.param("kmsOperation", "BulkEncrypt", id="a new operation"),
            pytest.param("kmsRequestId", "not a UUID", id="an opaque request id"),
            pytest.param("kmsRequestId", "", id="an empty request id"),
            pytest.param("awsPrincipalArn", "AWS Internal", id="no ARN"),
            pytest.param("awsPrincipalArn", "a" * 2048, id="an ARN of 2048 characters"),
            pytest.param("kmsSourceIdentity", {"new": 1}, id="an unknown member"),
        ],
    )
    def test_what_a_member_says_is_not_looked_at(self, member, value):
        """Values are opaque, and members that KMS may add one day are no error."""
        document = {"requestMetadata": METADATA | {member: value}}

        assert parse_metadata(document, Operation.ENCRYPT)


class TestEncryptParameters:
    """What Encrypt takes besides requestMetadata."""

    def test_example_of_the_specification(self):
        """The specification's request means what the specification says."""
        assert EncryptParameters(
            plaintext=b"Hello World!",
            additional_authenticated_data=b"project=nile,department=marketing",
            wants_cdiv=True,
        ) == parse_parameters(ENCRYPT, Operation.ENCRYPT)

    @pytest.mark.parametrize("absent", [ABSENT, None], ids=["absent", "null"])
    def test_optional_members(self, absent):
        """AAD and CDIV algorithm may be missing; null means missing."""
        document = with_member(ENCRYPT, "additionalAuthenticatedData", absent)
        document = with_member(
            document, "ciphertextDataIntegrityValueAlgorithm", absent
        )

        assert EncryptParameters(
            plaintext=b"Hello World!",
            additional_authenticated_data=b"",
            wants_cdiv=False,
        ) == parse_parameters(document, Operation.ENCRYPT)

    @pytest.mark.parametrize("size", [0, 4300, 100_000])
    def test_plaintext_of_any_size(self, size):
        """Sizes are not this room's concern: a proxy may accept more than it must."""
        document = ENCRYPT | {"plaintext": base64_of(size)}

        parameters = parse_parameters(document, Operation.ENCRYPT)

        assert size == len(parameters.plaintext)

    def test_plaintext_is_not_shown(self):
        """No representation of the parameters shows the plaintext."""
        assert "Hello" not in repr(parse_parameters(ENCRYPT, Operation.ENCRYPT))


def test_encrypt_has_no_fixed_lengths():
    """What Encrypt takes may have any length."""
    check_lengths(parse_parameters(ENCRYPT, Operation.ENCRYPT))


class TestDecryptParameters:
    """What Decrypt takes besides requestMetadata."""

    def test_example_of_the_specification(self):
        """The specification's request is read part by part."""
        assert DecryptParameters(
            ciphertext=bytes.fromhex("821c642b5b71783367deaf18"),
            ciphertext_metadata=b"key_version=1",
            additional_authenticated_data=b"project=nile,department=marketing",
            initialization_vector=bytes.fromhex("1ccae5470f39700254779031"),
            authentication_tag=bytes.fromhex("bc1c4dda7707d6812447c5955e99b261"),
        ) == parse_parameters(DECRYPT, Operation.DECRYPT)

    def test_optional_members(self):
        """AAD and ciphertextMetadata may be missing."""
        document = with_member(DECRYPT, "additionalAuthenticatedData", ABSENT)
        document = with_member(document, "ciphertextMetadata", ABSENT)

        parameters = parse_parameters(document, Operation.DECRYPT)

        assert parameters.additional_authenticated_data == b""
        assert parameters.ciphertext_metadata == b""

    @pytest.mark.parametrize(
        ("member", "size"),
        [
            ("ciphertext", 0),
            ("ciphertextMetadata", 0),
            ("ciphertextMetadata", 20),
            ("initializationVector", 12),
            ("initializationVector", 16),
        ],
    )
    def test_size(self, member, size):
        """A size on the legal side of its limit is served."""
        document = DECRYPT | {member: base64_of(size)}

        check_lengths(parse_parameters(document, Operation.DECRYPT))

    @pytest.mark.parametrize(
        ("member", "size"),
        [
            ("ciphertextMetadata", 21),
            ("initializationVector", 0),
            ("initializationVector", 11),
            ("initializationVector", 13),
            ("initializationVector", 15),
            ("initializationVector", 17),
            ("authenticationTag", 0),
            ("authenticationTag", 15),
            ("authenticationTag", 17),
        ],
    )
    def test_size_refused(self, member, size):
        """A size on the other side is a ValidationException."""
        document = DECRYPT | {member: base64_of(size)}
        parameters = parse_parameters(document, Operation.DECRYPT)

        with pytest.raises(XksError) as caught:
            check_lengths(parameters)

        assert_refused(ErrorName.VALIDATION, member, caught)


@pytest.mark.parametrize(
    ("operation", "member"),
    [
        (operation, member)
        for operation, document in REQUEST.items()
        for member in sorted(document.keys() - {"requestMetadata"})
    ],
)
class TestEveryParameter:
    """What holds for each parameter of Encrypt and Decrypt alike."""

    OPTIONAL = frozenset(
        {
            "additionalAuthenticatedData",
            "ciphertextMetadata",
            "ciphertextDataIntegrityValueAlgorithm",
        }
    )

    @pytest.mark.parametrize("value", [ABSENT, None], ids=["absent", "null"])
    def test_missing(self, operation, member, value):
        """A REQUIRED parameter that is missing is a ValidationException."""
        document = with_member(REQUEST[operation], member, value)

        if member in self.OPTIONAL:
            assert parse_parameters(document, operation)
            return
        with pytest.raises(XksError) as caught:
            parse_parameters(document, operation)

        assert_refused(ErrorName.VALIDATION, member, caught)

    @pytest.mark.parametrize("value", [1, False, [], {"a": "b"}], ids=repr)
    def test_no_string(self, operation, member, value):
        """A parameter of another type is a ValidationException."""
        with pytest.raises(XksError) as caught:
            parse_parameters(REQUEST[operation] | {member: value}, operation)

        assert_refused(ErrorName.VALIDATION, member, caught)

    @pytest.mark.parametrize("value", ["-_-_", "YQ", "YR==", "YQ==\n", "é", "?"])
    def test_bad_text(self, operation, member, value):
        """No Base64 is a ValidationException, no known algorithm an unsupported one."""
        with pytest.raises(XksError) as caught:
            parse_parameters(REQUEST[operation] | {member: value}, operation)

        algorithm = member.endswith("Algorithm")
        name = ErrorName.UNSUPPORTED_OPERATION if algorithm else ErrorName.VALIDATION
        assert_refused(name, member, caught)
        assert value not in caught.value.message or value == "?"


@pytest.mark.parametrize(
    "operation", [Operation.GET_KEY_METADATA, Operation.GET_HEALTH_STATUS]
)
def test_operations_without_parameters(operation):
    """The other operations take requestMetadata and nothing else."""
    assert parse_parameters({"plaintext": 1}, operation) is None


@pytest.mark.parametrize(
    "algorithm", ["AES_GCM_256", "aes_gcm", "", " AES_GCM", "AES_CBC"]
)
@pytest.mark.parametrize("operation", REQUEST)
def test_other_encryption_algorithm(operation, algorithm):
    """An algorithm of another name is not implemented (501)."""
    document = REQUEST[operation] | {"encryptionAlgorithm": algorithm}

    with pytest.raises(XksError) as caught:
        parse_parameters(document, operation)

    assert caught.value.status == 501


@pytest.mark.parametrize("algorithm", ["SHA_512", "sha_256", "", "SHA-256"])
def test_other_cdiv_algorithm(algorithm):
    """A CDIV algorithm of another name is not implemented (501)."""
    document = ENCRYPT | {"ciphertextDataIntegrityValueAlgorithm": algorithm}

    with pytest.raises(XksError) as caught:
        parse_parameters(document, Operation.ENCRYPT)

    assert caught.value.status == 501


class TestResponses:
    """Rendering: the specification's response examples, member by member."""

    def test_key_metadata(self):
        """The example of "GetKeyMetadata"."""
        metadata = KeyMetadata(
            key_spec="AES_256", key_usage=("ENCRYPT", "DECRYPT"), key_status="ENABLED"
        )

        assert {
            "keySpec": "AES_256",
            "keyUsage": ["ENCRYPT", "DECRYPT"],
            "keyStatus": "ENABLED",
        } == render_key_metadata(metadata)

    def test_encrypt(self):
        """The example of "Encrypt"."""
        result = EncryptResult(
            ciphertext=bytes.fromhex("821c642b5b71783367deaf18"),
            ciphertext_metadata=b"key_version=1",
            initialization_vector=bytes.fromhex("1ccae5470f39700254779031"),
            authentication_tag=bytes.fromhex("bc1c4dda7707d6812447c5955e99b261"),
            ciphertext_data_integrity_value=bytes.fromhex(
                "a8703f2260bd8791ec2d15ea0b23e65a0631eedcf2a13a65cc82db3f47cf5ec7"
            ),
        )

        assert {
            "authenticationTag": "vBxN2ncH1oEkR8WVXpmyYQ==",
            "ciphertext": "ghxkK1txeDNn3q8Y",
            "ciphertextDataIntegrityValue": (
                "qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc="
            ),
            "ciphertextMetadata": "a2V5X3ZlcnNpb249MQ==",
            "initializationVector": "HMrlRw85cAJUd5Ax",
        } == render_encrypt(result)

    def test_encrypt_without_optional_members(self):
        """What has no value is left out, not sent as null."""
        result = EncryptResult(
            ciphertext=b"",
            ciphertext_metadata=None,
            initialization_vector=bytes(12),
            authentication_tag=bytes(16),
        )

        assert {
            "ciphertext": "",
            "initializationVector": "AAAAAAAAAAAAAAAA",
            "authenticationTag": "AAAAAAAAAAAAAAAAAAAAAA==",
        } == render_encrypt(result)

    def test_decrypt(self):
        """The example of "Decrypt"."""
        assert render_decrypt(b"Hello World!") == {"plaintext": "SGVsbG8gV29ybGQh"}

    def test_health_status(self):
        """The example of "GetHealthStatus"."""
        health = HealthStatus(
            xks_proxy_fleet_size=2,
            xks_proxy_vendor="Acme Corp",
            xks_proxy_model="Acme XKS Proxy 1.0",
            ekm_vendor="Thales Group",
            ekm_fleet_details=(
                EkmFleetDetail(
                    id="hsm-id-1", model="Luna 5.0", health_status="DEGRADED"
                ),
                EkmFleetDetail(id="hsm-id-2", model="Luna 5.1", health_status="ACTIVE"),
            ),
        )

        assert {
            "xksProxyFleetSize": 2,
            "xksProxyVendor": "Acme Corp",
            "xksProxyModel": "Acme XKS Proxy 1.0",
            "ekmVendor": "Thales Group",
            "ekmFleetDetails": [
                {"id": "hsm-id-1", "model": "Luna 5.0", "healthStatus": "DEGRADED"},
                {"id": "hsm-id-2", "model": "Luna 5.1", "healthStatus": "ACTIVE"},
            ],
        } == render_health_status(health)

    def test_error(self):
        """An error has its name and its message, and nothing else."""
        error = XksError(ErrorName.INVALID_CIPHERTEXT, "It does not verify.")

        assert {
            "errorName": "InvalidCiphertextException",
            "errorMessage": "It does not verify.",
        } == render_error(error)

    def test_body(self):
        """A body is compact JSON in ASCII, whatever a document holds."""
        assert render({"a": ["é", 1], "b": "\n"}) == rb'{"a":["\u00e9",1],"b":"\n"}'
