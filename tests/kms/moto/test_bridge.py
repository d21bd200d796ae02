"""What the fake relies on of moto, and that moto's own keys are as without it.

If a new release of moto breaks something, the first half of this file says what.
"""

from __future__ import annotations

import base64
import inspect
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count
from moto.core.common_models import CloudWatchMetricProvider
from moto.core.models import botocore_stubber
from moto.kms import urls
from moto.kms.models import Key, KmsBackend, kms_backends
from moto.kms.responses import KmsResponse

from pytest_xks.handles import create_key_store
from pytest_xks.kms.desk.dispatch import OPERATIONS
from pytest_xks.kms.fake import FakeKms
from pytest_xks.kms.moto import cloudwatch
from pytest_xks.proxy.mock import MockXksProxy

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT, REGION = "123456789012", "us-east-1"

# -- what is relied on ------------------------------------------------------------


def test_the_dispatcher_stands_in_the_urls():
    """It is read at every request, so it can be replaced while moto runs."""
    assert ["{0}/$"] == list(urls.url_paths)
    assert KmsResponse.dispatch == urls.url_paths["{0}/$"]
    assert "url_paths" in inspect.getsource(KmsBackend.urls.fget)


def test_what_a_response_knows():
    """The attributes that ``setup_class`` fills in, and what ``call_action`` gives."""
    source = inspect.getsource(KmsResponse.setup_class)
    for name in ("body", "headers", "region", "current_account", "access_key"):
        assert f"self.{name}" in source
    assert "self.response_headers" in source
    assert callable(KmsResponse.call_action)
    assert callable(KmsResponse._authenticate_and_authorize_normal_action)


def test_what_a_key_is_made_of():
    """The arguments of a key, and what of it is used."""
    key = Key(None, "ENCRYPT_DECRYPT", "ECC_NIST_P256", "", ACCOUNT, REGION)
    assert 32 == len(key.key_material)
    for name in ("id", "arn", "key_state", "enabled", "deletion_date", "policy"):
        assert hasattr(key, name)
    assert {"KeyMetadata"} == set(key.to_dict())


@mock_aws
def test_what_a_backend_has():
    """Keys by id, a tagger, and methods by these names."""
    backend = kms_backends[ACCOUNT][REGION]
    assert {} == backend.keys
    for name in (
        "decrypt",
        "delete_alias",
        "delete_key",
        "encrypt",
        "get_key_id_from_alias",
    ):
        assert callable(getattr(backend, name))
    assert callable(backend.tagger.tag_resource)


def test_a_reset_of_moto_takes_our_state_along():
    """Key stores go with the backend that they hang on."""
    with MockXksProxy() as proxy, FakeKms() as fake:
        create_key_store(fake, proxy)
        kms_backends[ACCOUNT][REGION].reset()
        assert [] == fake.client().describe_custom_key_stores()["CustomKeyStores"]


def test_metric_providers_are_found_by_inheritance():
    """moto's CloudWatch asks every subclass."""
    assert cloudwatch.XksMetrics in CloudWatchMetricProvider.__subclasses__()
    assert [] == cloudwatch.XksMetrics.get_cloudwatch_metrics(ACCOUNT, REGION)


def test_requests_can_be_handed_to_the_stubber():
    """This is how the HTTP side reaches moto."""
    assert callable(botocore_stubber.process_request)


def test_only_one_folder_imports_moto():
    """So a new release breaks one folder."""
    ours = Path(cloudwatch.__file__).parent
    importers = {
        path.parent
        for path in ours.parents[1].rglob("*.py")
        if re.search(r"^\s*(from|import) moto\b", path.read_text("utf-8"), re.MULTILINE)
    }
    assert {ours} == importers


# -- standard keys ----------------------------------------------------------------

STABLE = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
UNSTABLE_MEMBERS = {
    "CiphertextBlob",
    "CreationDate",
    "DeletionDate",
    "GrantId",
    "GrantToken",
    "Mac",
    "Plaintext",
    "PublicKey",
    "ResponseMetadata",
    "RotationDate",
    "Signature",
}


def stable(value: Any) -> Any:
    """A response without what differs each time."""
    if isinstance(value, dict):
        return {
            name: stable(each)
            for name, each in value.items()
            if name not in UNSTABLE_MEMBERS
        }
    if isinstance(value, list):
        return [stable(each) for each in value]
    return STABLE.sub("ID", value) if isinstance(value, str) else value


def a_day_with_standard_keys(kms: Any) -> list[Any]:  # noqa: PLR0915 - a long day
    """Responses and errors of everything that moto's KMS can do."""
    seen: list[Any] = []

    def note(call: Callable[[], Any]) -> Any:
        try:
            response = call()
        except ClientError as error:
            response = {"Error": error.response["Error"]}
        seen.append(stable(response))
        return response

    note(kms.list_keys)
    key = note(lambda: kms.create_key(Description="d"))["KeyMetadata"]["KeyId"]
    arn = note(lambda: kms.describe_key(KeyId=key))["KeyMetadata"]["Arn"]
    rsa = note(lambda: kms.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY"))[
        "KeyMetadata"
    ]["KeyId"]
    note(lambda: kms.create_key(Origin="EXTERNAL"))
    note(lambda: kms.create_key(KeySpec="NONSENSE"))
    context = {"a": "b"}
    blob = note(
        lambda: kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)
    )["CiphertextBlob"]
    note(lambda: kms.decrypt(CiphertextBlob=blob, EncryptionContext=context))
    note(lambda: kms.decrypt(CiphertextBlob=blob))
    note(lambda: kms.decrypt(CiphertextBlob=b"nonsense"))
    note(lambda: kms.encrypt(KeyId=key, Plaintext=bytes(4097)))
    note(lambda: kms.encrypt(KeyId="alias/none", Plaintext=b"x"))
    note(
        lambda: kms.re_encrypt(
            CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId=arn
        )
    )
    note(lambda: kms.generate_data_key(KeyId=key, KeySpec="AES_256"))
    note(lambda: kms.generate_data_key(KeyId=key))
    note(lambda: kms.generate_data_key(KeyId=key, NumberOfBytes=1025))
    note(lambda: kms.generate_data_key_without_plaintext(KeyId=key, KeySpec="AES_128"))
    note(lambda: kms.generate_random(NumberOfBytes=8))
    note(lambda: kms.generate_random(NumberOfBytes=1025))
    note(lambda: kms.create_alias(AliasName="alias/a", TargetKeyId=key))
    note(lambda: kms.create_alias(AliasName="alias/a", TargetKeyId=key))
    note(lambda: kms.create_alias(AliasName="nonsense", TargetKeyId=key))
    note(lambda: kms.describe_key(KeyId="alias/a"))
    note(lambda: kms.list_aliases(KeyId=key))
    note(lambda: kms.update_alias(AliasName="alias/a", TargetKeyId=rsa))
    note(lambda: kms.delete_alias(AliasName="alias/a"))
    note(lambda: kms.delete_alias(AliasName="alias/a"))
    note(lambda: kms.tag_resource(KeyId=key, Tags=[{"TagKey": "t", "TagValue": "v"}]))
    note(lambda: kms.list_resource_tags(KeyId=key))
    note(lambda: kms.untag_resource(KeyId=key, TagKeys=["t"]))
    note(lambda: kms.enable_key_rotation(KeyId=key))
    note(lambda: kms.get_key_rotation_status(KeyId=key))
    note(lambda: kms.disable_key_rotation(KeyId=key))
    note(lambda: kms.put_key_policy(KeyId=key, PolicyName="default", Policy="{}"))
    note(lambda: kms.get_key_policy(KeyId=key, PolicyName="default"))
    note(lambda: kms.list_key_policies(KeyId=key))
    grant = note(
        lambda: kms.create_grant(
            KeyId=key, GranteePrincipal="arn:aws:iam::1:user/a", Operations=["Encrypt"]
        )
    )
    note(lambda: kms.list_grants(KeyId=key))
    note(lambda: kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"]))
    message = {"Message": b"m", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}
    signed = note(lambda: kms.sign(KeyId=rsa, **message))
    note(lambda: kms.verify(KeyId=rsa, Signature=signed["Signature"], **message))
    note(lambda: kms.sign(KeyId=key, **message))
    note(lambda: kms.get_public_key(KeyId=rsa))
    note(lambda: kms.disable_key(KeyId=key))
    note(lambda: kms.encrypt(KeyId=key, Plaintext=b"x"))
    note(lambda: kms.enable_key(KeyId=key))
    note(lambda: kms.update_key_description(KeyId=key, Description="new"))
    note(lambda: kms.schedule_key_deletion(KeyId=key))
    note(lambda: kms.describe_key(KeyId=key))
    note(lambda: kms.cancel_key_deletion(KeyId=key))
    note(lambda: kms.describe_key(KeyId="12345678-1234-1234-1234-123456789012"))
    note(kms.list_keys)
    return seen


def test_standard_keys_are_as_without_the_fake():
    """Every response and every error of moto's KMS is the same.

    But for what no key is meant by: there AWS was recorded (``test_recorded``).
    """
    with mock_aws():
        without = a_day_with_standard_keys(boto3.client("kms", REGION))
    with FakeKms():
        within = a_day_with_standard_keys(boto3.client("kms", REGION))
    assert without == within


def test_standard_keys_are_as_without_a_store():
    """Also beside keys in an external key store."""
    with mock_aws():
        without = a_day_with_standard_keys(boto3.client("kms", "eu-west-1"))
    with MockXksProxy() as proxy, FakeKms(region="eu-west-1") as fake:
        proxy.add_key("usable")
        store = create_key_store(fake, proxy)
        key = store.create_key("usable")
        # Another Region, where ListKeys is the same.
        within = a_day_with_standard_keys(fake.client("eu-west-2"))
        assert "Enabled" == key.state
    text = json.dumps(within, default=str).replace("eu-west-2", "eu-west-1")
    assert json.dumps(without, default=str) == text


def test_an_operation_that_moto_does_not_know():
    """An error of KMS says so, as everything that goes wrong beneath."""
    with FakeKms() as fake:
        kms = fake.client()
        key = kms.create_key()["KeyMetadata"]["KeyId"]
        with pytest.raises(ClientError, match="moto") as caught:
            kms.generate_data_key_pair(KeyId=key, KeyPairSpec="RSA_2048")
    assert "KMSInternalException" == caught.value.response["Error"]["Code"]


def test_authorization_is_moto_s():
    """With moto's IAM switched on, a caller without permission is refused."""

    @set_initial_no_auth_action_count(0)
    def describe(fake: FakeKms) -> int:
        with pytest.raises(ClientError) as caught:
            fake.client().describe_custom_key_stores()
        return caught.value.response["ResponseMetadata"]["HTTPStatusCode"]

    with FakeKms() as fake:
        assert 403 == describe(fake)


def test_with_moto_s_iam_switched_on():
    """A caller that is let in does what it did before."""

    @set_initial_no_auth_action_count(1000)
    def use(fake: FakeKms, proxy: MockXksProxy) -> bytes:
        kms = fake.client()
        key = create_key_store(fake, proxy).create_key("usable").arn
        assert kms.describe_key(KeyId=key)
        assert kms.encrypt(KeyId=kms.create_key()["KeyMetadata"]["Arn"], Plaintext=b"x")
        blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
        return kms.decrypt(CiphertextBlob=blob)["Plaintext"]

    with MockXksProxy() as proxy, FakeKms() as fake:
        proxy.add_key("usable")
        assert b"x" == use(fake, proxy)


def test_the_fake_behind_a_whole_run(pytester: pytest.Pytester):
    """``-p pytest_xks.kms.everywhere`` puts it there."""
    pytester.makepyfile(
        """
        import boto3
        from moto import mock_aws

        @mock_aws
        def test_stores():
            kms = boto3.client("kms", "us-east-1")
            assert kms.describe_custom_key_stores()["CustomKeyStores"] == []
        """
    )
    result = pytester.runpytest_subprocess("-p", "pytest_xks.kms.everywhere")
    result.assert_outcomes(passed=1)


def test_every_operation_exists():
    """The names are botocore's."""
    with FakeKms() as fake:
        known = set(fake.client().meta.service_model.operation_names)
    assert set(OPERATIONS) <= known


def test_the_dispatcher_is_restored():
    """After the last fake, in whatever order they end."""
    one, two = FakeKms().start(), FakeKms().start()
    one.stop()
    assert KmsResponse.dispatch != urls.url_paths["{0}/$"]
    two.stop()
    assert KmsResponse.dispatch == urls.url_paths["{0}/$"]


def test_a_body_that_is_no_json():
    """Whoever speaks HTTP gets an error, and no traceback."""
    with FakeKms() as fake:
        kms = fake.client()

        def spoil(request: Any, **_: object) -> None:
            request.data = base64.b64decode("W10=")

        kms.meta.events.register_first("before-sign.kms.ListKeys", spoil)
        with pytest.raises(ClientError) as caught:
            kms.list_keys()
        assert "SerializationException" == caught.value.response["Error"]["Code"]
