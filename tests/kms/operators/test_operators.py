"""What operators see: CloudTrail, CloudWatch metrics and logs, the request quota."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from inspect import signature
from typing import TYPE_CHECKING, Any

import pytest
from moto.core.common_models import CloudWatchMetricProvider

from pytest_xks.kms.proxy_calls.error_mapping import ProxyFailure
from pytest_xks.kms.stores.quota import RequestQuota
from pytest_xks.proxy.health import ExternalKeyManagerStatus

if TYPE_CHECKING:
    from ..conftest import AssertKmsError, System


def store_of(system: System, key: str) -> str:
    """The store of a key."""
    return system.kms.describe_key(KeyId=key)["KeyMetadata"]["CustomKeyStoreId"]


def last_event(system: System, name: str) -> dict[str, Any]:
    """The newest event of an operation."""
    return next(
        each for each in reversed(system.fake.cloudtrail) if each["eventName"] == name
    )


# -- CloudTrail -------------------------------------------------------------------


def test_the_event_of_create_key(local_system: System):
    """It logs the defaults, and the metadata in CloudTrail's spelling."""
    key = local_system.create_key()
    store_id = store_of(local_system, key)
    event = last_event(local_system, "CreateKey")
    assert {
        "tags": [],
        "keyUsage": "ENCRYPT_DECRYPT",
        "description": "",
        "origin": "EXTERNAL_KEY_STORE",
        "multiRegion": False,
        "keySpec": "SYMMETRIC_DEFAULT",
        "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "bypassPolicyLockoutSafetyCheck": False,
        "customKeyStoreId": store_id,
        "xksKeyId": "usable",
    } == event["requestParameters"]
    metadata = event["responseElements"]["keyMetadata"]
    assert "123456789012" == metadata["aWSAccountId"]
    assert {"id": "usable"} == metadata["xksKeyConfiguration"]
    assert metadata["creationDate"].endswith((" AM", " PM"))
    resource = {"accountId": "123456789012", "type": "AWS::KMS::Key", "ARN": key}
    assert [resource] == event["resources"]
    assert event["readOnly"] is False
    assert "additionalEventData" not in event


def test_the_event_of_decrypt(local_system: System):
    """It names store and external key, and neither ciphertext nor plaintext."""
    key = local_system.create_key()
    context = {"Project": "Nile"}
    blob = local_system.kms.encrypt(
        KeyId=key, Plaintext=b"x", EncryptionContext=context
    )["CiphertextBlob"]
    answer = local_system.kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    event = last_event(local_system, "Decrypt")
    assert {
        "keyId": key,
        "encryptionContext": context,
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
    } == event["requestParameters"]
    assert event["responseElements"] is None
    assert event["readOnly"] is True
    assert {
        "customKeyStoreId": store_of(local_system, key),
        "xksKeyId": "usable",
    } == event["additionalEventData"]
    assert answer["ResponseMetadata"]["RequestId"] == event["requestID"]
    entry = local_system.proxy.requests[-1]
    assert event["requestID"] == entry.request_metadata["kmsRequestId"]


def test_the_event_of_a_failure(local_system: System, assert_kms_error: AssertKmsError):
    """It has the exception and its message."""
    key = local_system.create_key()
    local_system.kms.disable_key(KeyId=key)
    assert_kms_error(
        lambda: local_system.kms.encrypt(KeyId=key, Plaintext=b"x"), "DisabledException"
    )
    event = last_event(local_system, "Encrypt")
    assert "DisabledException" == event["errorCode"]
    assert f"{key} is disabled." == event["errorMessage"]


def test_the_events_of_a_store(local_system: System):
    """They name the store, and the credential is masked."""
    secret = local_system.proxy.credential.secret_access_key
    store_id = local_system.connected_store()
    created = last_event(local_system, "CreateCustomKeyStore")
    assert {"customKeyStoreId": store_id} == created["responseElements"]
    masked = created["requestParameters"]["xksProxyAuthenticationCredential"]
    assert "HIDDEN_DUE_TO_SECURITY_REASONS" == masked
    connected = last_event(local_system, "ConnectCustomKeyStore")
    assert {"customKeyStoreId": store_id} == connected["requestParameters"]
    assert {"customKeyStoreName": "example-store"} == connected["additionalEventData"]
    assert connected["responseElements"] is None
    assert "resources" not in connected
    assert secret not in json.dumps(local_system.fake.cloudtrail)


def test_standard_keys_have_events_too(local_system: System, assert_kms_error):
    """Every call is recorded, whoever answers it."""
    key = local_system.plain_key()
    local_system.kms.encrypt(KeyId=key, Plaintext=b"x")
    assert "errorCode" not in last_event(local_system, "Encrypt")
    assert_kms_error(
        lambda: local_system.kms.encrypt(KeyId="alias/unknown", Plaintext=b"x"),
        "NotFoundException",
    )
    assert "NotFoundException" == last_event(local_system, "Encrypt")["errorCode"]


def test_both_keys_of_re_encrypt(local_system: System):
    """Resources list the source, then the destination."""
    source = local_system.create_key()
    destination = local_system.create_key(
        store_of(local_system, source), XksKeyId="second"
    )
    blob = local_system.kms.encrypt(KeyId=source, Plaintext=b"x")["CiphertextBlob"]
    local_system.kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=destination)
    event = last_event(local_system, "ReEncrypt")
    assert [source, destination] == [each["ARN"] for each in event["resources"]]
    assert event is not last_event(local_system, "ReEncrypt")
    assert event["eventID"] == last_event(local_system, "ReEncrypt")["eventID"]


# -- CloudWatch metrics -----------------------------------------------------------


def points(system: System, name: str, **dimensions: str) -> list[float]:
    """The values of a metric with some dimensions."""
    return [
        point.value
        for point in system.fake.metrics
        if point.name == name and dimensions.items() <= dict(point.dimensions).items()
    ]


@pytest.mark.parametrize(
    ("fault", "kind", "exception"),
    [
        (None, "N/A", "None"),
        ("InternalException", "Retryable", "InternalException"),
        ("ThrottlingException", "Retryable", "ThrottlingException"),
        ("KeyNotFoundException", "Non-retryable", "KeyNotFoundException"),
        ("connection-refused", "Retryable", "XksProxyUnreachableException"),
        ("silence", "Retryable", "XksProxyUnreachableException"),
    ],
)
def test_errors_of_the_proxy(
    local_system: System, fault: str | None, kind: str, exception: str
):
    """XksProxyErrors tells retryable errors, others, and successes apart."""
    key = local_system.create_key()
    if fault:
        local_system.proxy.fault(fault)
    try:
        local_system.kms.encrypt(KeyId=key, Plaintext=b"x")
    except local_system.kms.exceptions.KMSInvalidStateException:
        assert fault
    assert [1] == points(
        local_system,
        "XksProxyErrors",
        CustomKeyStoreId=store_of(local_system, key),
        KmsOperation="Encrypt",
        XksOperation="Encrypt",
        KeySpec="SYMMETRIC_DEFAULT",
        ErrorType=kind,
        ExceptionName=exception,
    )


def test_latencies(local_system: System, assert_kms_error: AssertKmsError):
    """A delay shows, and a time-out is retried once: about 500 ms."""
    key = local_system.create_key()
    with local_system.proxy.fault("delay", milliseconds=120):
        local_system.kms.encrypt(KeyId=key, Plaintext=b"x")
    with local_system.proxy.fault("delay", milliseconds=300):
        assert_kms_error(
            lambda: local_system.kms.encrypt(KeyId=key, Plaintext=b"x"),
            "KMSInvalidStateException",
        )
    delayed, timed_out = points(local_system, "XksProxyLatency", KmsOperation="Encrypt")
    assert 120 <= delayed < 250
    assert 500 <= timed_out < 1000


def test_states_of_key_managers(local_system: System):
    """Every health check tells them, also one that KMS makes on its own."""
    store_id = local_system.connected_store()
    local_system.proxy.fleet.managers[0].status = ExternalKeyManagerStatus.DEGRADED
    health = local_system.fake.check_health(store_id)
    assert "pytest-xks" == health.xks_proxy_vendor
    assert (
        "KmsHealthCheck"
        == (local_system.proxy.requests[-1].request_metadata["kmsOperation"])
    )
    name = "XksExternalKeyManagerStates"
    newest = {
        state: points(local_system, name, XksExternalKeyManagerState=state)[-1]
        for state in ("Active", "Degraded", "Unavailable")
    }
    assert {"Active": 1, "Degraded": 1, "Unavailable": 0} == newest


def test_a_health_check_that_fails(local_system: System):
    """It is an error of the proxy, and of nobody's call."""
    store_id = local_system.connected_store()
    local_system.proxy.fault("InternalException")
    with pytest.raises(ProxyFailure):
        local_system.fake.check_health(store_id)
    assert [1] == points(
        local_system,
        "XksProxyErrors",
        KmsOperation="KmsHealthCheck",
        ExceptionName="InternalException",
    )


def test_the_age_of_a_credential(local_system: System):
    """Days since it was set; while the store is connected."""
    store_id = local_system.create_store()
    assert [] == points(local_system, "XksProxyCredentialAge")
    local_system.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    days = timedelta(days=30) / timedelta(milliseconds=1)
    local_system.proxy.clock.advance(milliseconds=days)
    (age,) = points(local_system, "XksProxyCredentialAge", CustomKeyStoreId=store_id)
    assert 30 == int(age)


def test_the_days_to_expire_of_a_certificate(system: System):
    """Over TLS they pass, by the name in the certificate; in-process there is none."""
    store_id = system.create_store()
    assert [] == points(system, "XksProxyCertificateDaysToExpire")
    system.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    dimensions = {"CustomKeyStoreId": store_id, "CertificateName": "localhost"}
    before = points(system, "XksProxyCertificateDaysToExpire", **dimensions)
    system.proxy.clock.advance(
        milliseconds=timedelta(days=3) / timedelta(milliseconds=1)
    )
    after = points(system, "XksProxyCertificateDaysToExpire", **dimensions)

    passed = [round(more - less) for more, less in zip(before, after, strict=True)]
    assert ([3] if system.https else []) == passed


def moto_has_cloudwatch(system: System) -> bool:
    """Whether moto's CloudWatch understands this botocore at all."""
    client = system.fake.client(service="cloudwatch")
    client.put_metric_data(
        Namespace="Test", MetricData=[{"MetricName": "one", "Value": 1}]
    )
    return bool(client.list_metrics(Namespace="Test").get("Metrics"))


def test_moto_s_cloudwatch_has_the_metrics(local_system: System):
    """GetMetricData finds them, in their Region."""
    if not moto_has_cloudwatch(local_system):
        pytest.skip("this moto's CloudWatch does not speak this botocore's protocol")
    key = local_system.create_key()
    local_system.kms.encrypt(KeyId=key, Plaintext=b"x")
    now = datetime.now(UTC)
    query = {
        "Id": "latency",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/KMS",
                "MetricName": "XksProxyLatency",
                "Dimensions": [
                    {"Name": "CustomKeyStoreId", "Value": store_of(local_system, key)},
                    {"Name": "KmsOperation", "Value": "Encrypt"},
                    {"Name": "XksOperation", "Value": "Encrypt"},
                    {"Name": "KeySpec", "Value": "SYMMETRIC_DEFAULT"},
                ],
            },
            "Period": 60,
            "Stat": "SampleCount",
        },
    }
    counts = []
    for region in ("us-east-1", "eu-west-1"):
        client = local_system.fake.client(region, service="cloudwatch")
        (result,) = client.get_metric_data(
            MetricDataQueries=[query],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=5),
        )["MetricDataResults"]
        counts.append(sum(result["Values"]))
    # moto 5.0 does not say which Region it asks for.
    hook = signature(CloudWatchMetricProvider.get_cloudwatch_metrics)
    assert counts == ([1, 0] if "region" in hook.parameters else [1, 1])


def put_alarm(system: System, key: str, **changes: Any) -> None:
    """An alarm on errors of Encrypt that can be retried."""
    dimensions = {
        "CustomKeyStoreId": store_of(system, key),
        "KmsOperation": "Encrypt",
        "XksOperation": "Encrypt",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "ErrorType": "Retryable",
        "ExceptionName": "InternalException",
    }
    parameters = {
        "AlarmName": "xks",
        "Namespace": "AWS/KMS",
        "MetricName": "XksProxyErrors",
        "Dimensions": [
            {"Name": name, "Value": value} for name, value in dimensions.items()
        ],
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 2,
        "ComparisonOperator": "GreaterThanOrEqualToThreshold",
        **changes,
    }
    system.fake.client(service="cloudwatch").put_metric_alarm(**parameters)


def fail_to_encrypt(system: System, key: str) -> None:
    """One error that can be retried."""
    with (
        system.proxy.fault("InternalException"),
        pytest.raises(system.kms.exceptions.KMSInvalidStateException),
    ):
        system.kms.encrypt(KeyId=key, Plaintext=b"x")


def test_alarms_go_off(local_system: System):
    """When the threshold is reached, and back when it is over; moto sees it too."""
    if not moto_has_cloudwatch(local_system):
        pytest.skip("this moto's CloudWatch does not speak this botocore's protocol")
    key = local_system.create_key()
    put_alarm(local_system, key)
    states = [local_system.fake.evaluate_alarms()["xks"]]
    for _ in range(2):
        fail_to_encrypt(local_system, key)
        states.append(local_system.fake.evaluate_alarms()["xks"])
    assert ["INSUFFICIENT_DATA", "OK", "ALARM"] == states
    client = local_system.fake.client(service="cloudwatch")
    (alarm,) = client.describe_alarms()["MetricAlarms"]
    assert "ALARM" == alarm["StateValue"]
    local_system.proxy.clock.advance(milliseconds=61_000)
    put_alarm(local_system, key, TreatMissingData="notBreaching")
    assert {"xks": "OK"} == local_system.fake.evaluate_alarms()


def test_alarms_on_other_things(local_system: System):
    """Are CloudWatch's business."""
    if not moto_has_cloudwatch(local_system):
        pytest.skip("this moto's CloudWatch does not speak this botocore's protocol")
    key = local_system.create_key()
    put_alarm(local_system, key, AlarmName="other", Namespace="AWS/EC2")
    assert {} == local_system.fake.evaluate_alarms()


# -- CloudWatch Logs --------------------------------------------------------------


def test_the_proxy_s_words_are_in_the_logs_only(
    local_system: System, assert_kms_error: AssertKmsError
):
    """The exception never has them; CloudWatch Logs has."""
    words = "HSM 42 is on fire"
    key = local_system.create_key()
    local_system.proxy.fault("InternalException", message=words)
    error = assert_kms_error(
        lambda: local_system.kms.encrypt(KeyId=key, Plaintext=b"x"),
        "KMSInvalidStateException",
    )
    assert words not in str(error.response)
    (entry,) = local_system.fake.logs
    assert words == entry.error_message
    logs = local_system.fake.client(service="logs")
    (event,) = logs.get_log_events(
        logGroupName="/aws/kms/external-key-store",
        logStreamName=store_of(local_system, key),
    )["events"]
    document = json.loads(event["message"])
    assert (words, "InternalException") == (
        document["error_message"],
        document["error_name"],
    )
    request_id = error.response["ResponseMetadata"]["RequestId"]
    assert request_id == document["kms_request_id"]


# -- the request quota ------------------------------------------------------------


def test_the_quota_of_a_store(local_system: System, assert_kms_error: AssertKmsError):
    """Over it, KMS refuses before the proxy hears, and counts."""
    key = local_system.create_key()
    store_id = store_of(local_system, key)
    assert 1800 == local_system.fake.behaviour.requests_per_second
    local_system.fake.set_request_quota(store_id, 0)
    before = local_system.proxy.requests
    error = assert_kms_error(
        lambda: local_system.kms.encrypt(KeyId=key, Plaintext=b"x"),
        "ThrottlingException",
        "You have exceeded the rate at which you may call KMS. Reduce the frequency of "
        "your calls.",
    )
    assert 400 == error.response["ResponseMetadata"]["HTTPStatusCode"]
    assert before == local_system.proxy.requests
    throttled = points(
        local_system,
        "ExternalKeyStoreThrottle",
        CustomKeyStoreId=store_id,
        KmsOperation="Encrypt",
        KeySpec="SYMMETRIC_DEFAULT",
    )
    assert [1] == throttled
    local_system.fake.set_request_quota(store_id, 10)
    assert local_system.kms.encrypt(KeyId=key, Plaintext=b"x")


def test_the_quota_of_all_stores(
    local_system: System, assert_kms_error: AssertKmsError
):
    """A switch of the behaviour; standard keys have nothing to do with it."""
    local_system.fake.behaviour.requests_per_second = 0
    key, plain = local_system.create_key(), local_system.plain_key()
    assert_kms_error(
        lambda: local_system.kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
        "ThrottlingException",
    )
    assert local_system.kms.encrypt(KeyId=plain, Plaintext=b"x")


class Clock:
    """A clock that stands still until it is moved."""

    seconds = 100.0

    def monotonic(self) -> float:
        """Seconds."""
        return self.seconds

    def now(self) -> datetime:
        """The same, as a date."""
        return datetime.fromtimestamp(self.seconds, UTC)


def test_a_bucket_that_a_second_fills():
    """As many requests at once as the rate, then as time goes by."""
    clock = Clock()
    quota = RequestQuota(clock)
    assert [True] * 3 + [False] == [quota.take(3) for _ in range(4)]
    clock.seconds += 0.5
    assert [True, False] == [quota.take(3) for _ in range(2)]
    clock.seconds += 60
    assert [True] * 3 + [False] == [quota.take(3) for _ in range(4)]
