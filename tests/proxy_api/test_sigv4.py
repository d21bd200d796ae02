"""SigV4, with botocore as the independent oracle in both directions.

botocore stamps a request with the wall clock; the verifier's clock is then set to that
stamp, so that no test depends on the time of day.
"""

from __future__ import annotations

import contextlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from pytest_xks.proxy_api import sigv4
from pytest_xks.proxy_api.http import Request
from pytest_xks.proxy_api.sigv4 import Credential, SignatureError, sign, verify

from .signing import (
    BODY,
    CREDENTIAL,
    HOST,
    NOW,
    REGION,
    SECRETS,
    TARGET,
    assert_refused,
    make_request,
    replaced,
    signed,
    with_authorization,
    with_header,
)

# A second credential of the same key store.
ROTATED = Credential("BKIAI2SFODNN7EXAMPLE", "another+secret/of=the+same+key/store")


def signed_by_botocore(
    request: Request, credential: Credential = CREDENTIAL, region: str = REGION
) -> Request:
    """The request with what botocore adds; botocore signs every header there is."""
    aws_request = AWSRequest(
        method=request.method,
        url=f"https://{request.header('host')}{request.target}",
        headers=dict(request.headers),
        data=request.body,
    )
    credentials = Credentials(credential.access_key_id, credential.secret_access_key)
    SigV4Auth(credentials, "kms-xks-proxy", region).add_auth(aws_request)
    return Request(
        method=request.method,
        target=request.target,
        headers=tuple(aws_request.headers.items()),
        body=request.body,
    )


def clock_of(request: Request) -> datetime:
    """The moment at which a request says that it was sent."""
    stamp = datetime.strptime(request.header("X-Amz-Date"), "%Y%m%dT%H%M%SZ")  # noqa: DTZ007 (set next)
    return stamp.replace(tzinfo=UTC)


REQUESTS = [
    pytest.param(make_request(), id="host and date"),
    pytest.param(make_request(("Content-Type", "application/json")), id="content type"),
    pytest.param(
        make_request(
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(BODY))),
            ("Accept", "*/*"),
            ("X-Amz-Meta", "  several   spaces "),
            ("x-lower", "a,b"),
        ),
        id="many headers",
    ),
    pytest.param(make_request(body=b""), id="empty body"),
    pytest.param(make_request(body=bytes(range(256)) * 64), id="binary body"),
    pytest.param(make_request(target="/kms/xks/v1/health"), id="health"),
    pytest.param(
        make_request(target="/a-b_C/9/kms/xks/v1/keys/Key.With_All-Chars.09/decrypt"),
        id="every legal character",
    ),
    pytest.param(make_request(target="/"), id="root"),
    pytest.param(make_request(target="/a%20b/c%2Fd"), id="escapes"),
    pytest.param(make_request(target="/a+b~c/d(e)"), id="punctuation"),
    pytest.param(make_request(target=f"{TARGET}?b=2&a=1"), id="query out of order"),
    pytest.param(make_request(target=f"{TARGET}?a=2&a=1&A=3"), id="query repeated"),
    pytest.param(make_request(target=f"{TARGET}?a&b="), id="query without values"),
    pytest.param(make_request(target=f"{TARGET}?a=%2F%20%C3%A9"), id="query escaped"),
    pytest.param(make_request(target=f"{TARGET}?a=%FF"), id="query not UTF-8"),
    pytest.param(make_request(method="GET"), id="GET"),
]


class TestOracle:
    """What botocore signs, we verify; what we sign, botocore computes."""

    @pytest.mark.parametrize("request_", REQUESTS)
    def test_we_verify_what_botocore_signs(self, request_):
        """A signature of botocore is authentic, whatever headers it covers."""
        request = signed_by_botocore(request_)

        assert CREDENTIAL.access_key_id == verify(
            request, SECRETS, now=clock_of(request)
        )

    @pytest.mark.parametrize("request_", REQUESTS)
    def test_we_sign_as_botocore(self, request_):
        """Over the same headers at the same time, both make the same signature."""
        theirs = signed_by_botocore(request_)
        names = sigv4.parse_authorization(theirs.header("authorization")).signed_headers

        ours = sign(
            request_,
            CREDENTIAL,
            region=REGION,
            now=clock_of(theirs),
            signed_headers=names,
        )

        assert theirs.header("x-amz-date") == ours.header("x-amz-date")
        assert theirs.header("authorization") == ours.header("authorization")

    @pytest.mark.parametrize("region", ["eu-central-1", "us-gov-west-1", "anywhere"])
    def test_any_region(self, region):
        """The Region is the signer's; it is bound by the signature."""
        request = signed_by_botocore(make_request(), region=region)

        assert verify(request, SECRETS, now=clock_of(request))

    @given(body=st.binary(max_size=200), secret=st.from_regex(r"[\w/+=]{43,64}"))
    def test_any_body_and_secret(self, body, secret):
        """Both agree on bodies and secrets that nobody chose."""
        credential = Credential(CREDENTIAL.access_key_id, secret)
        request = signed_by_botocore(make_request(body=body), credential)

        assert verify(
            request, {credential.access_key_id: secret}, now=clock_of(request)
        )

    def test_specification_form(self):
        """Our header has the general format that Appendix A shows."""
        request = signed()
        signature = request.header("authorization").rpartition("=")[2]

        assert request.header("x-amz-date") == "20240515T120000Z"
        assert request.header("authorization") == (
            "AWS4-HMAC-SHA256 Credential=AKIAI2SFODNN7EXAMPLE/20240515/us-east-1/"
            "kms-xks-proxy/aws4_request, SignedHeaders=host;x-amz-date, "
            f"Signature={signature}"
        )

    def test_known_signature(self):
        """A signature that botocore computed once, for ever."""
        request = signed()

        assert request.header("authorization").endswith(
            "=a9e4c1e01e7d33c09207e41179a08d45b80975e31a4d8bfda47080ad8417883f"
        )


class TestClients:
    """The shapes in which clients other than botocore sign."""

    def test_curl(self):
        """What curl sends under --aws-sigv4, as in Appendix D; recorded from 7.88.1."""
        authorization = (
            "AWS4-HMAC-SHA256 Credential=AKIAI2SFODNN7EXAMPLE/20261123/us-east-1/"
            "kms-xks-proxy/aws4_request, SignedHeaders=content-type;host;x-amz-date, "
            "Signature=1d49fd6db1fe3e643b617f1de2542dc"
            "bec3e79c330907474b4159e6d0dbe1782"
        )
        request = Request(
            method="POST",
            target="/path/kms/xks/v1/health",
            headers=(
                ("Host", "xks.acme.com"),
                ("Authorization", authorization),
                ("X-Amz-Date", "20261123T204939Z"),
                ("User-Agent", "curl/7.88.1"),
                ("Accept", "*/*"),
                ("Content-Type", "application/json"),
                ("Content-Length", "72"),
            ),
            body=b'{"requestMetadata":'
            b'{"kmsOperation":"KmsHealthCheck","kmsRequestId":"1"}}',
        )

        assert verify(request, SECRETS, now=clock_of(request))

    @pytest.mark.parametrize("separator", [",", ", ", ",  ", " , "])
    def test_spaces_between_components(self, separator):
        """Components may be separated with or without spaces."""
        request = with_authorization(signed(), ", ", separator)

        assert verify(request, SECRETS, now=NOW)

    def test_components_in_any_order(self):
        """The order of the components says nothing."""
        request = signed()
        credential, headers, signature = (
            request.header("authorization").removeprefix("AWS4-HMAC-SHA256 ").split(",")
        )
        shuffled = f"AWS4-HMAC-SHA256 {signature.strip()},{credential}, {headers}"

        assert verify(with_header(request, "authorization", shuffled), SECRETS, now=NOW)

    def test_header_names_in_any_case(self):
        """HTTP/2 sends header names in lower case, HTTP/1.1 as it likes."""
        request = signed()
        upper = tuple((name.upper(), value) for name, value in request.headers)

        assert verify(replaced(request, headers=upper), SECRETS, now=NOW)

    def test_http_2_authority_signed_as_host(self):
        """An HTTP/2 client signs host; the request has :authority in its place."""
        request = signed()
        headers = ((":authority", HOST), *request.headers[1:])

        assert verify(replaced(request, headers=headers), SECRETS, now=NOW)

    def test_http_2_authority_signed_by_its_name(self):
        """Task 1 names the Authority Header for HTTP/2.0; so may a client."""
        unsigned = Request(
            method="POST", target=TARGET, headers=((":authority", HOST),), body=BODY
        )
        request = sign(
            unsigned,
            CREDENTIAL,
            region=REGION,
            now=NOW,
            signed_headers=(":authority", "x-amz-date"),
        )

        assert verify(request, SECRETS, now=NOW)

    def test_host_with_a_port(self):
        """The Host header holds <server>:<port>, and the port is signed too."""
        request = signed_by_botocore(
            Request(method="POST", target=TARGET, headers=(("Host", "a:8443"),))
        )

        assert verify(request, SECRETS, now=clock_of(request))
        with pytest.raises(SignatureError):
            verify(
                with_header(request, "host", "a:443"), SECRETS, now=clock_of(request)
            )

    def test_header_sent_twice(self):
        """A signed header that is there twice counts as its values with a comma."""
        names = ("host", "x-amz-date", "x-twice")
        once = sign(
            make_request(("X-Twice", "a,b")),
            CREDENTIAL,
            region=REGION,
            now=NOW,
            signed_headers=names,
        )
        host, _, *rest = once.headers
        twice = replaced(
            once, headers=(host, ("X-Twice", "a"), ("x-twice", "b"), *rest)
        )

        assert verify(twice, SECRETS, now=NOW)


class TestCredentials:
    """Several credentials at a time ("SigV4 credentials rotation")."""

    BOTH = SECRETS | {ROTATED.access_key_id: ROTATED.secret_access_key}

    @pytest.mark.parametrize("credential", [CREDENTIAL, ROTATED])
    def test_either(self, credential):
        """Both sets are accepted, and the verifier says which one signed."""
        request = sign(make_request(), credential, region=REGION, now=NOW)

        assert credential.access_key_id == verify(request, self.BOTH, now=NOW)

    def test_secret_of_the_other(self):
        """The access key id decides which secret counts."""
        mixed = Credential(CREDENTIAL.access_key_id, ROTATED.secret_access_key)
        request = sign(make_request(), mixed, region=REGION, now=NOW)

        assert_refused(request, "does not match")

    def test_unknown(self):
        """An access key id that is not configured is refused."""
        request = sign(make_request(), ROTATED, region=REGION, now=NOW)

        assert_refused(request, "unknown")

    def test_none_configured(self):
        """Without a credential nobody is authentic."""
        with pytest.raises(SignatureError):
            verify(signed(), {}, now=NOW)

    def test_secret_is_not_shown(self):
        """No representation of a credential shows its secret."""
        assert CREDENTIAL.secret_access_key not in repr(CREDENTIAL)


class TestTime:
    """A request has to be recent (Appendix A, task 4)."""

    @pytest.mark.parametrize("seconds", [-300, -299, 0, 299, 300])
    def test_recent(self, seconds):
        """Five minutes either way are accepted."""
        assert verify(signed(), SECRETS, now=NOW + timedelta(seconds=seconds))

    @pytest.mark.parametrize("seconds", [-86400, -301, -300.5, 300.5, 301, 86400])
    def test_not_recent(self, seconds):
        """More than five minutes in the past or the future are refused."""
        assert_refused(signed(), "not recent", now=NOW + timedelta(seconds=seconds))

    @pytest.mark.parametrize(("seconds", "recent"), [(60, True), (61, False)])
    def test_tighter_limit(self, seconds, recent):
        """A proxy may ask for less."""
        now = NOW + timedelta(seconds=seconds)

        if recent:
            assert verify(signed(), SECRETS, now=now, skew_seconds=60)
        else:
            assert_refused(signed(), "not recent", now=now, skew_seconds=60)

    def test_across_midnight(self):
        """The scope has the date of the request, not that of its verification."""
        evening = datetime(2024, 5, 15, 23, 59, 59, tzinfo=UTC)
        request = sign(make_request(), CREDENTIAL, region=REGION, now=evening)

        assert verify(request, SECRETS, now=evening + timedelta(seconds=2))

    def test_signer_in_another_time_zone(self):
        """The stamp is in UTC, whatever clock the signer reads."""
        zone = datetime.fromisoformat("2024-05-15T21:00:00+09:00")
        request = sign(make_request(), CREDENTIAL, region=REGION, now=zone)

        assert request.header("x-amz-date") == "20240515T120000Z"


@pytest.mark.parametrize(
    "target",
    [
        pytest.param("/a//b/kms/xks/v1/health", id="doubled slash in the prefix"),
        pytest.param("/kms/xks/v1/keys/../encrypt", id="external key id of two dots"),
        pytest.param("/kms/xks/v1/keys/./encrypt", id="external key id of one dot"),
    ],
)
def test_path_that_some_signers_simplify(target):
    """A path is authentic as sent, and as SigV4 simplifies it before signing."""
    request = make_request(target=target)
    as_sent = sign(request, CREDENTIAL, region=REGION, now=NOW)
    simplified = signed_by_botocore(request)

    assert verify(as_sent, SECRETS, now=NOW) == CREDENTIAL.access_key_id
    assert CREDENTIAL.access_key_id == verify(
        simplified, SECRETS, now=clock_of(simplified)
    )
    elsewhere = replaced(as_sent, target="/kms/xks/v1/keys/foo/encrypt")
    assert_refused(elsewhere, "does not match")


@pytest.mark.parametrize("host", [HOST, "evil.example.com"])
def test_comparison_takes_constant_time(monkeypatch, host):
    """Signatures are compared by hmac.compare_digest, whatever the outcome."""
    compare_digest = hmac.compare_digest
    compared = []

    def observed(expected: str, signature: str) -> bool:
        compared.append(signature)
        return compare_digest(expected, signature)

    monkeypatch.setattr("hmac.compare_digest", observed)
    request = with_header(signed(), "host", host)

    with contextlib.suppress(SignatureError):
        verify(request, SECRETS, now=NOW)

    assert [request.header("authorization")[-64:]] == compared


def test_signing_what_is_not_there():
    """A header that the request lacks cannot be signed."""
    with pytest.raises(SignatureError, match="not in the request"):
        sign(Request(method="POST", target=TARGET), CREDENTIAL, region=REGION, now=NOW)
