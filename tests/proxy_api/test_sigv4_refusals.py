"""SigV4: whatever is altered or malformed is refused, with a reason fit to go out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_xks.proxy_api.sigv4 import SignatureError, sign, verify

from .signing import (
    BODY,
    CREDENTIAL,
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


class TestAlterations:
    """Each part of a request is covered: altered after signing, it is refused."""

    SIGNED = sign(
        make_request(("X-Signed", "yes"), ("X-Free", "yes")),
        CREDENTIAL,
        region=REGION,
        now=NOW,
        signed_headers=("host", "x-amz-date", "x-signed"),
    )

    def test_unaltered(self):
        """The control: as it was signed, the request is authentic."""
        assert verify(self.SIGNED, SECRETS, now=NOW)

    @pytest.mark.parametrize(
        "part",
        [
            pytest.param({"method": "PUT"}, id="method"),
            pytest.param({"target": TARGET.replace("foo", "bar")}, id="key"),
            pytest.param({"target": TARGET.replace("en", "de")}, id="operation"),
            pytest.param({"target": f"{TARGET}/"}, id="slash"),
            pytest.param({"target": f"{TARGET}?a=b"}, id="query"),
            pytest.param({"target": f"{TARGET}?%FE"}, id="query not UTF-8"),
            pytest.param({"target": TARGET.replace("foo", "f%6fo")}, id="escape"),
            pytest.param({"body": BODY + b" "}, id="body longer"),
            pytest.param({"body": b""}, id="body gone"),
            pytest.param({"body": BODY.replace(b"q", b"Q")}, id="body changed"),
        ],
    )
    def test_part(self, part):
        """Method, path, query and body are covered."""
        assert_refused(replaced(self.SIGNED, **part), "does not match")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("host", "evil.example.com"),
            ("x-amz-date", "20240515T120001Z"),
            ("x-signed", "no"),
            ("x-signed", ""),
        ],
    )
    def test_signed_header(self, name, value):
        """Every signed header is covered."""
        assert_refused(with_header(self.SIGNED, name, value), "does not match")

    def test_free_header(self):
        """A header that is not signed may change on the way."""
        assert verify(with_header(self.SIGNED, "x-free", "no"), SECRETS, now=NOW)

    def test_signed_header_gone(self):
        """A signed header that got lost is missed."""
        left = tuple(pair for pair in self.SIGNED.headers if pair[0] != "X-Signed")

        assert_refused(replaced(self.SIGNED, headers=left), "not in the request")

    def test_second_value_of_a_signed_header(self):
        """A second line of a signed header is noticed."""
        more = (*self.SIGNED.headers, ("Host", "evil.example.com"))

        assert_refused(replaced(self.SIGNED, headers=more), "does not match")

    @pytest.mark.parametrize(
        ("old", "new", "reason"),
        [
            pytest.param("/20240515/", "/20240514/", "another date", id="date"),
            pytest.param("us-east-1", "us-east-2", "does not match", id="Region"),
            pytest.param("kms-xks-proxy", "kms", "service", id="service"),
            pytest.param("aws4_request", "aws5", "must end", id="terminator"),
            pytest.param("host;", "", "must be signed", id="host not signed"),
            pytest.param("x-amz-date;", "", "must be signed", id="date not signed"),
            pytest.param(";x-signed", "", "does not match", id="header not signed"),
            pytest.param("x-signed", "x-free", "does not match", id="other header"),
            pytest.param("AKIAI2", "AKIAI3", "unknown", id="access key id"),
        ],
    )
    def test_authorization(self, old, new, reason):
        """Every part of the Authorization header counts."""
        assert_refused(with_authorization(self.SIGNED, old, new), reason)

    @pytest.mark.parametrize("digit", [0, 31, 63])
    def test_signature(self, digit):
        """One wrong digit anywhere is a wrong signature."""
        head, _, signature = self.SIGNED.header("authorization").rpartition("=")
        wrong = "0" if signature[digit] != "0" else "1"
        forged = f"{head}={signature[:digit]}{wrong}{signature[digit + 1 :]}"

        assert_refused(with_header(self.SIGNED, "authorization", forged), "not match")


class TestMalformed:
    """An Authorization or X-Amz-Date header that is not what it should be."""

    SCOPE = "AKIAI2SFODNN7EXAMPLE/20240515/us-east-1/kms-xks-proxy/aws4_request"
    SIGNATURE = "Signature=" + "0" * 64

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            pytest.param("", "algorithm", id="empty"),
            pytest.param("Basic YTpi", "algorithm", id="Basic"),
            pytest.param("AWS4-ECDSA-P256-SHA256 a=b", "algorithm", id="SigV4A"),
            pytest.param("AWS4-HMAC-SHA256", "must have", id="algorithm alone"),
            pytest.param("AWS4-HMAC-SHA256 x", "must have", id="no components"),
            pytest.param(
                f"AWS4-HMAC-SHA256 Credential={SCOPE}, {SIGNATURE}",
                "must have",
                id="no signed headers",
            ),
            pytest.param(
                f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host;x-amz-date, "
                f"{SIGNATURE}, {SIGNATURE}",
                "repeats",
                id="component repeated",
            ),
            pytest.param(
                f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host;x-amz-date, "
                f"{SIGNATURE}, Extra=1",
                "must have",
                id="component too many",
            ),
            pytest.param(
                "AWS4-HMAC-SHA256 Credential=a/b/c/d, SignedHeaders=host;x-amz-date, "
                f"{SIGNATURE}",
                "five parts",
                id="credential of four parts",
            ),
            pytest.param(
                f"AWS4-HMAC-SHA256 Credential={SCOPE}/x, SignedHeaders=host;x-amz-date,"
                f" {SIGNATURE}",
                "five parts",
                id="credential of six parts",
            ),
            pytest.param(
                f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host;x-amz-date, "
                "Signature=0",
                "64",
                id="signature too short",
            ),
            pytest.param(
                f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host;x-amz-date, "
                f"Signature={'A' * 64}",
                "64",
                id="signature in upper case",
            ),
            pytest.param(
                f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host;x-amz-date, "
                f"Signature={'é' * 64}",
                "64",
                id="signature outside ASCII",
            ),
            pytest.param(
                f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=, {SIGNATURE}",
                "must be signed",
                id="nothing signed",
            ),
            pytest.param(
                f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host;x-amz-date;, "
                f"{SIGNATURE}",
                "not in the request",
                id="header without a name",
            ),
        ],
    )
    def test_authorization(self, value, reason):
        """A malformed Authorization header is refused with its reason."""
        assert_refused(with_header(signed(), "authorization", value), reason)

    @pytest.mark.parametrize("name", ["authorization", "x-amz-date"])
    def test_header_missing(self, name):
        """Both headers have to be there."""
        request = signed()
        left = tuple(pair for pair in request.headers if pair[0].lower() != name)

        assert_refused(replaced(request, headers=left), "must have one")

    @pytest.mark.parametrize("name", ["authorization", "x-amz-date"])
    def test_header_twice(self, name):
        """Neither header may be there twice, not even with the same value."""
        request = signed()
        more = (*request.headers, (name, request.header(name)))

        assert_refused(replaced(request, headers=more), "must have one")

    @pytest.mark.parametrize(
        "value",
        [
            pytest.param("", id="empty"),
            pytest.param("2024-05-15T12:00:00Z", id="with punctuation"),
            pytest.param("20240515T120000", id="without Z"),
            pytest.param("20240515T120000+0000", id="with an offset"),
            pytest.param("20240515t120000z", id="lower case"),
            pytest.param("Wed, 15 May 2024 12:00:00 GMT", id="an HTTP date"),
            pytest.param("20241315T120000Z", id="month 13"),
            pytest.param("20240230T120000Z", id="30 February"),
            pytest.param("20240515T250000Z", id="hour 25"),
            pytest.param("00000515T120000Z", id="year 0"),
            pytest.param("\u06620240515T120000Z", id="digits outside ASCII"),
            pytest.param("20240515T120000Z\n", id="newline at the end"),
        ],
    )
    def test_date(self, value):
        """A malformed X-Amz-Date is refused before anything is computed."""
        assert_refused(with_header(signed(), "x-amz-date", value), "X-Amz-Date")

    @given(st.text(max_size=80))
    def test_any_text(self, value):
        """No Authorization header makes the verifier fail otherwise."""
        request = with_header(signed(), "authorization", f"AWS4-HMAC-SHA256 {value}")

        with pytest.raises(SignatureError):
            verify(request, SECRETS, now=NOW)

    def test_headers_beyond_ascii(self):
        """Bytes that HTTP allows in a header value do not make the verifier fail."""
        request = with_header(signed(), "host", "xks\x80\xff.example.com")

        assert_refused(request, "does not match")
