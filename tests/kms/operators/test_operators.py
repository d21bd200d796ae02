"""What operators see: CloudTrail, CloudWatch metrics and logs, the request quota."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from inspect import signature
from typing import TYPE_CHECKING, Any

import pytest
from moto.core.common_models import CloudWatchMetricProvider

from pytest_xks.kms.proxy_calls.failures import ProxyFailure
from pytest_xks.kms.stores.quota import RequestQuota
from pytest_xks.proxy.health import ExternalKeyManagerStatus

if TYPE_CHECKING:
    from ..conftest import AssertKmsError, Lab


def store_of(lab: Lab, key: str) -> str:
    """The store of a key."""
    return lab.kms.describe_key(KeyId=key)["KeyMetadata"]["CustomKeyStoreId"]


def last_event(lab: Lab, name: str) -> dict[str, Any]:
    """The newest event of an operation."""
    return next(
        each for each in reversed(lab.fake.cloudtrail) if each["eventName"] == name
    )


# -- CloudTrail -------------------------------------------------------------------


def test_the_event_of_create_key(inner_lab: Lab):
    """It logs the defaults, and the metadata in CloudTrail's spelling."""
    key = inner_lab.create_key()
    store_id = store_of(inner_lab, key)
    event = last_event(inner_lab, "CreateKey")
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


def test_the_event_of_decrypt(inner_lab: Lab):
    """It names store and external key, and neither ciphertext nor plaintext."""
    key = inner_lab.create_key()
    context = {"Project": "Nile"}
    blob = inner_lab.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=context)[
        "CiphertextBlob"
    ]
    answer = inner_lab.kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    event = last_event(inner_lab, "Decrypt")
    assert {
        "keyId": key,
        "encryptionContext": context,
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
    } == event["requestParameters"]
    assert event["responseElements"] is None
    assert event["readOnly"] is True
    assert {
        "customKeyStoreId": store_of(inner_lab, key),
        "xksKeyId": "usable",
    } == event["additionalEventData"]
    assert answer["ResponseMetadata"]["RequestId"] == event["requestID"]
    entry = inner_lab.proxy.requests[-1]
    assert event["requestID"] == entry.request_metadata["kmsRequestId"]


def test_the_event_of_a_failure(inner_lab: Lab, assert_kms_error: AssertKmsError):
    """It has the exception and its message."""
    key = inner_lab.create_key()
    inner_lab.kms.disable_key(KeyId=key)
    assert_kms_error(
        lambda: inner_lab.kms.encrypt(KeyId=key, Plaintext=b"x"), "DisabledException"
    )
    event = last_event(inner_lab, "Encrypt")
    assert "DisabledException" == event["errorCode"]
    assert f"{key} is disabled." == event["errorMessage"]


def test_the_events_of_a_store(inner_lab: Lab):
    """They name the store, and the credential is masked."""
    secret = inner_lab.proxy.credential.secret_access_key
    store_id = inner_lab.connected_store()
    created = last_event(inner_lab, "CreateCustomKeyStore")
    assert {"customKeyStoreId": store_id} == created["responseElements"]
    masked = created["requestParameters"]["xksProxyAuthenticationCredential"]
    assert "HIDDEN_DUE_TO_SECURITY_REASONS" == masked
    connected = last_event(inner_lab, "ConnectCustomKeyStore")
    assert {"customKeyStoreId": store_id} == connected["requestParameters"]
    assert {"customKeyStoreName": "example-store"} == connected["additionalEventData"]
    assert connected["responseElements"] is None
    assert "resources" not in connected
    assert secret not in json.dumps(inner_lab.fake.cloudtrail)


def test_standard_keys_have_events_too(inner_lab: Lab, assert_kms_error):
    """Every call is recorded, whoever answers it."""
    key = inner_lab.plain_key()
    inner_lab.kms.encrypt(KeyId=key, Plaintext=b"x")
    assert "errorCode" not in last_event(inner_lab, "Encrypt")
    assert_kms_error(
        lambda: inner_lab.kms.encrypt(KeyId="alias/unknown", Plaintext=b"x"),
        "NotFoundException",
    )
    assert "NotFoundException" == last_event(inner_lab, "Encrypt")["errorCode"]


def test_both_keys_of_re_encrypt(inner_lab: Lab):
    """Resources list the source, then the destination."""
    source = inner_lab.create_key()
    destination = inner_lab.create_key(store_of(inner_lab, source), XksKeyId="second")
    blob = inner_lab.kms.encrypt(KeyId=source, Plaintext=b"x")["CiphertextBlob"]
    inner_lab.kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=destination)
    event = last_event(inner_lab, "ReEncrypt")
    assert [source, destination] == [each["ARN"] for each in event["resources"]]
    assert event is not last_event(inner_lab, "ReEncrypt")
    assert event["eventID"] == last_event(inner_lab, "ReEncrypt")["eventID"]


# -- CloudWatch metrics -----------------------------------------------------------


def points(lab: Lab, name: str, **dimensions: str) -> list[float]:
    """The values of a metric with some dimensions."""
    return [
        point.value
        for point in lab.fake.metrics
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
    inner_lab: Lab, fault: str | None, kind: str, exception: str
):
    """XksProxyErrors tells retryable errors, others, and successes apart."""
    key = inner_lab.create_key()
    if fault:
        inner_lab.proxy.fault(fault)
    try:
        inner_lab.kms.encrypt(KeyId=key, Plaintext=b"x")
    except inner_lab.kms.exceptions.KMSInvalidStateException:
        assert fault
    assert [1] == points(
        inner_lab,
        "XksProxyErrors",
        CustomKeyStoreId=store_of(inner_lab, key),
        KmsOperation="Encrypt",
        XksOperation="Encrypt",
        KeySpec="SYMMETRIC_DEFAULT",
        ErrorType=kind,
        ExceptionName=exception,
    )


def test_latencies(inner_lab: Lab, assert_kms_error: AssertKmsError):
    """A delay shows, and a time-out is retried once: about 500 ms."""
    key = inner_lab.create_key()
    with inner_lab.proxy.fault("delay", milliseconds=120):
        inner_lab.kms.encrypt(KeyId=key, Plaintext=b"x")
    with inner_lab.proxy.fault("delay", milliseconds=300):
        assert_kms_error(
            lambda: inner_lab.kms.encrypt(KeyId=key, Plaintext=b"x"),
            "KMSInvalidStateException",
        )
    delayed, timed_out = points(inner_lab, "XksProxyLatency", KmsOperation="Encrypt")
    assert 120 <= delayed < 250
    assert 500 <= timed_out < 1000


def test_states_of_key_managers(inner_lab: Lab):
    """Every health check tells them, also one that KMS makes on its own."""
    store_id = inner_lab.connected_store()
    inner_lab.proxy.fleet.managers[0].status = ExternalKeyManagerStatus.DEGRADED
    health = inner_lab.fake.check_health(store_id)
    assert "pytest-xks" == health.xks_proxy_vendor
    assert (
        "KmsHealthCheck"
        == (inner_lab.proxy.requests[-1].request_metadata["kmsOperation"])
    )
    name = "XksExternalKeyManagerStates"
    newest = {
        state: points(inner_lab, name, XksExternalKeyManagerState=state)[-1]
        for state in ("Active", "Degraded", "Unavailable")
    }
    assert {"Active": 1, "Degraded": 1, "Unavailable": 0} == newest


def test_a_health_check_that_fails(inner_lab: Lab):
    """It is an error of the proxy, and of nobody's call."""
    store_id = inner_lab.connected_store()
    inner_lab.proxy.fault("InternalException")
    with pytest.raises(ProxyFailure):
        inner_lab.fake.check_health(store_id)
    assert [1] == points(
        inner_lab,
        "XksProxyErrors",
        KmsOperation="KmsHealthCheck",
        ExceptionName="InternalException",
    )


def test_the_age_of_a_credential(inner_lab: Lab):
    """Days since it was set; while the store is connected."""
    store_id = inner_lab.create_store()
    assert [] == points(inner_lab, "XksProxyCredentialAge")
    inner_lab.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    days = timedelta(days=30) / timedelta(milliseconds=1)
    inner_lab.proxy.clock.advance(milliseconds=days)
    (age,) = points(inner_lab, "XksProxyCredentialAge", CustomKeyStoreId=store_id)
    assert 30 == int(age)


def test_the_days_to_expire_of_a_certificate(lab: Lab):
    """Over TLS they pass, by the name in the certificate; in-process there is none."""
    store_id = lab.create_store()
    assert [] == points(lab, "XksProxyCertificateDaysToExpire")
    lab.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
    dimensions = {"CustomKeyStoreId": store_id, "CertificateName": "localhost"}
    before = points(lab, "XksProxyCertificateDaysToExpire", **dimensions)
    lab.proxy.clock.advance(milliseconds=timedelta(days=3) / timedelta(milliseconds=1))
    after = points(lab, "XksProxyCertificateDaysToExpire", **dimensions)

    passed = [round(more - less) for more, less in zip(before, after, strict=True)]
    assert ([3] if lab.https else []) == passed


def moto_has_cloudwatch(lab: Lab) -> bool:
    """Whether moto's CloudWatch understands this botocore at all."""
    client = lab.fake.client(service="cloudwatch")
    client.put_metric_data(
        Namespace="Test", MetricData=[{"MetricName": "one", "Value": 1}]
    )
    return bool(client.list_metrics(Namespace="Test").get("Metrics"))


def test_moto_s_cloudwatch_has_the_metrics(inner_lab: Lab):
    """GetMetricData finds them, in their Region."""
    if not moto_has_cloudwatch(inner_lab):
        pytest.skip("this moto's CloudWatch does not speak this botocore's protocol")
    key = inner_lab.create_key()
    inner_lab.kms.encrypt(KeyId=key, Plaintext=b"x")
    now = datetime.now(UTC)
    query = {
        "Id": "latency",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/KMS",
                "MetricName": "XksProxyLatency",
                "Dimensions": [
                    {"Name": "CustomKeyStoreId", "Value": store_of(inner_lab, key)},
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
        client = inner_lab.fake.client(region, service="cloudwatch")
        (result,) = client.get_metric_data(
            MetricDataQueries=[query],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=5),
        )["MetricDataResults"]
        counts.append(sum(result["Values"]))
    # moto 5.0 does not say which Region it asks for.
    hook = signature(CloudWatchMetricProvider.get_cloudwatch_metrics)
    assert counts == ([1, 0] if "region" in hook.parameters else [1, 1])


def put_alarm(lab: Lab, key: str, **changes: Any) -> None:
    """An alarm on errors of Encrypt that can be retried."""
    dimensions = {
        "CustomKeyStoreId": store_of(lab, key),
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
    lab.fake.client(service="cloudwatch").put_metric_alarm(**parameters)


def fail_to_encrypt(lab: Lab, key: str) -> None:
    """One error that can be retried."""
    with (
        lab.proxy.fault("InternalException"),
        pytest.raises(lab.kms.exceptions.KMSInvalidStateException),
    ):
        lab.kms.encrypt(KeyId=key, Plaintext=b"x")


def test_alarms_go_off(inner_lab: Lab):
    """When the threshold is reached, and back when it is over; moto sees it too."""
    if not moto_has_cloudwatch(inner_lab):
        pytest.skip("this moto's CloudWatch does not speak this botocore's protocol")
    key = inner_lab.create_key()
    put_alarm(inner_lab, key)
    states = [inner_lab.fake.evaluate_alarms()["xks"]]
    for _ in range(2):
        fail_to_encrypt(inner_lab, key)
        states.append(inner_lab.fake.evaluate_alarms()["xks"])
    assert ["INSUFFICIENT_DATA", "OK", "ALARM"] == states
    client = inner_lab.fake.client(service="cloudwatch")
    (alarm,) = client.describe_alarms()["MetricAlarms"]
    assert "ALARM" == alarm["StateValue"]
    inner_lab.proxy.clock.advance(milliseconds=61_000)
    put_alarm(inner_lab, key, TreatMissingData="notBreaching")
    assert {"xks": "OK"} == inner_lab.fake.evaluate_alarms()


def test_alarms_on_other_things(inner_lab: Lab):
    """Are CloudWatch's business."""
    if not moto_has_cloudwatch(inner_lab):
        pytest.skip("this moto's CloudWatch does not speak this botocore's protocol")
    key = inner_lab.create_key()
    put_alarm(inner_lab, key, AlarmName="other", Namespace="AWS/EC2")
    assert {} == inner_lab.fake.evaluate_alarms()


# -- CloudWatch Logs --------------------------------------------------------------


def test_the_proxy_s_words_are_in_the_logs_only(
    inner_lab: Lab, assert_kms_error: AssertKmsError
):
    """The exception never has them; CloudWatch Logs has."""
    words = "HSM 42 is on fire"
    key = inner_lab.create_key()
    inner_lab.proxy.fault("InternalException", message=words)
    error = assert_kms_error(
        lambda: inner_lab.kms.encrypt(KeyId=key, Plaintext=b"x"),
        "KMSInvalidStateException",
    )
    assert words not in str(error.response)
    (entry,) = inner_lab.fake.logs
    assert words == entry.error_message
    logs = inner_lab.fake.client(service="logs")
    (event,) = logs.get_log_events(
        logGroupName="/aws/kms/external-key-store",
        logStreamName=store_of(inner_lab, key),
    )["events"]
    document = json.loads(event["message"])
    assert (words, "InternalException") == (
        document["error_message"],
        document["error_name"],
    )
    request_id = error.response["ResponseMetadata"]["RequestId"]
    assert request_id == document["kms_request_id"]


# -- the request quota ------------------------------------------------------------


def test_the_quota_of_a_store(inner_lab: Lab, assert_kms_error: AssertKmsError):
    """Over it, KMS refuses before the proxy hears, and counts."""
    key = inner_lab.create_key()
    store_id = store_of(inner_lab, key)
    assert 1800 == inner_lab.fake.behaviour.requests_per_second
    inner_lab.fake.set_request_quota(store_id, 0)
    before = inner_lab.proxy.requests
    error = assert_kms_error(
        lambda: inner_lab.kms.encrypt(KeyId=key, Plaintext=b"x"),
        "ThrottlingException",
        "You have exceeded the rate at which you may call KMS. Reduce the frequency of "
        "your calls.",
    )
    assert 400 == error.response["ResponseMetadata"]["HTTPStatusCode"]
    assert before == inner_lab.proxy.requests
    throttled = points(
        inner_lab,
        "ExternalKeyStoreThrottle",
        CustomKeyStoreId=store_id,
        KmsOperation="Encrypt",
        KeySpec="SYMMETRIC_DEFAULT",
    )
    assert [1] == throttled
    inner_lab.fake.set_request_quota(store_id, 10)
    assert inner_lab.kms.encrypt(KeyId=key, Plaintext=b"x")


def test_the_quota_of_all_stores(inner_lab: Lab, assert_kms_error: AssertKmsError):
    """A switch of the behaviour; standard keys have nothing to do with it."""
    inner_lab.fake.behaviour.requests_per_second = 0
    key, plain = inner_lab.create_key(), inner_lab.plain_key()
    assert_kms_error(
        lambda: inner_lab.kms.generate_data_key(KeyId=key, KeySpec="AES_256"),
        "ThrottlingException",
    )
    assert inner_lab.kms.encrypt(KeyId=plain, Plaintext=b"x")


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
