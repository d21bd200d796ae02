"""Chapters "Authentication" and Appendix A: which requests are authentic.

Each probe differs in one point from a request that is served before and after it. Any
refusal will do; that it is a 401 AuthenticationFailedException is for XKS-ERR-009.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.targets.credential import Credential

from ..client.bodies import ALL_OPERATIONS, ProxyOperation
from ..client.expect import SERVED, error
from ..client.signing import WRONG_SECRET, Signer, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_xks.certify.evidence.exchange import Headers

    from ..client.http1 import HttpRequest
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient

_HEALTH = ProxyOperation.GET_HEALTH_STATUS
_UNKNOWN_ACCESS_KEY_ID = "UNKNOWNACCESSKEYID2345"


def _signed_by(proxy: ProxyClient, signer: Signer, altered: str) -> Probe:
    """A GetHealthStatus that is signed in another way than KMS would."""
    return proxy.probe(_HEALTH, altered=altered, signer=signer)


def _with_header(proxy: ProxyClient, edit: Callable[[str], str], altered: str) -> Probe:
    """A GetHealthStatus whose Authorization header is edited after signing."""

    def edited(request: HttpRequest) -> HttpRequest:
        header = request.header("Authorization")
        headers = request.with_header("Authorization", edit(header))
        assert headers != request.headers, "the edit must change something"
        return replace(request, headers=headers)

    return proxy.probe(_HEALTH, altered=altered, edit=edited)


def _replaced(proxy: ProxyClient, old: str, new: str, altered: str) -> Probe:
    return _with_header(proxy, lambda header: header.replace(old, new), altered)


def _signature_edited(
    proxy: ProxyClient, edit: Callable[[str], str], altered: str
) -> Probe:
    def edited(header: str) -> str:
        head, _, signature = header.rpartition("=")
        return f"{head}={edit(signature)}"

    return _with_header(proxy, edited, altered)


@pytest.mark.requirement("XKS-AUTH-001")
def test_signed_request(proxy: ProxyClient) -> None:
    """A request signed over host and x-amz-date is served."""
    proxy.judge(
        [
            proxy.probe(operation, altered=operation.title, accept=(SERVED,))
            for operation in ALL_OPERATIONS
        ],
        controls=[],
    )


@pytest.mark.requirement("XKS-AUTH-001")
def test_header_names_in_lower_case(proxy: ProxyClient) -> None:
    """The names of headers may be written in lower case, as gateways do."""

    def lower(request: HttpRequest) -> HttpRequest:
        headers = tuple((name.lower(), value) for name, value in request.headers)
        return replace(request, headers=headers)

    probe = proxy.probe(_HEALTH, altered="lower case", accept=(SERVED,), edit=lower)
    proxy.judge([probe], controls=[])


_MORE_SIGNED: dict[tuple[str, ...], Headers] = {
    ("content-type", "host", "x-amz-date"): (),
    ("host", "x-amz-date", "x-amz-trace"): (("X-Amz-Trace", "one"),),
}


@pytest.mark.requirement("XKS-AUTH-002")
def test_more_signed_headers(proxy: ProxyClient) -> None:
    """A request that signs a header more is served."""
    probes = [
        proxy.probe(
            _HEALTH,
            altered=f"signed: {';'.join(signed)}",
            accept=(SERVED,),
            headers=headers,
            signer=replace(proxy.signer(), signed_headers=signed),
        )
        for signed, headers in _MORE_SIGNED.items()
    ]
    proxy.judge(probes)


def _other_digit(signature: str, position: int) -> str:
    wrong = "0" if signature[position] != "0" else "1"
    return f"{signature[:position]}{wrong}{signature[position + 1 :]}"


@pytest.mark.requirement("XKS-AUTH-003")
def test_one_digit_of_the_signature(proxy: ProxyClient) -> None:
    """A signature with one wrong digit is refused."""
    probes = [
        _signature_edited(
            proxy,
            lambda signature, at=position: _other_digit(signature, at),  # type: ignore[misc] # a default binds it
            f"digit {position} of the signature",
        )
        for position in (0, 1, 31, 32, 47, 62, 63)
    ]
    proxy.judge(probes)


@pytest.mark.requirement("XKS-AUTH-004")
def test_length_of_the_signature(proxy: ProxyClient) -> None:
    """A signature that is cut short or lengthened is refused."""
    probes = [
        _signature_edited(
            proxy,
            lambda signature, length=length: f"{signature}0"[:length],  # type: ignore[misc] # likewise
            f"a signature of {length} digits",
        )
        for length in (0, 1, 32, 63, 65)
    ]
    proxy.judge(probes)


@pytest.mark.requirement("XKS-AUTH-005")
def test_body_changed_after_signing(proxy: ProxyClient) -> None:
    """A body that was changed after signing is refused.

    The new body is as long as the old one, and just as good. The signature is first a
    new one, then one that has just been served with its own body.
    """

    def another(request: HttpRequest) -> HttpRequest:
        body = request.body.replace(b"that-was-signed", b"another-request")
        return replace(request, body=body)

    bodies = {
        operation: proxy.good_body(operation, kmsRequestId="request-that-was-signed")
        for operation in ALL_OPERATIONS
    }
    proxy.judge(
        [
            proxy.probe(o, body, altered=f"another body of {o.title}", edit=another)
            for o, body in bodies.items()
        ]
    )
    signed = {o: proxy.request(o, body) for o, body in bodies.items()}

    def as_signed(request: HttpRequest) -> Callable[[HttpRequest], HttpRequest]:
        return lambda _: request

    proxy.require_served(
        [
            proxy.probe(
                o,
                altered="the body that was signed",
                accept=(SERVED,),
                edit=as_signed(r),
            )
            for o, r in signed.items()
        ]
    )
    proxy.judge(
        [
            proxy.probe(
                o,
                altered=f"another body of {o.title}, under a signature just served",
                edit=as_signed(replace(another(r), signing=None)),
            )
            for o, r in signed.items()
        ]
    )


@pytest.mark.requirement("XKS-AUTH-006")
def test_path_changed_after_signing(proxy: ProxyClient) -> None:
    """A signature made for GetHealthStatus is refused by GetKeyMetadata."""
    operation = ProxyOperation.GET_KEY_METADATA
    probe = proxy.probe(
        operation,
        altered="signed for another path",
        path=proxy.main.path(_HEALTH),
        edit=lambda request: replace(request, path=proxy.main.path(operation)),
    )
    proxy.judge([probe])


@pytest.mark.requirement("XKS-AUTH-007")
def test_signed_for_another_host(proxy: ProxyClient) -> None:
    """A signature made for another host is refused.

    The Host header itself is right, so that a virtual host is still found.
    """
    signer = replace(proxy.signer(), host="other.example.com")
    proxy.judge([_signed_by(proxy, signer, "signed for other.example.com")])


@pytest.mark.requirement("XKS-AUTH-008")
def test_timestamp_changed_after_signing(proxy: ProxyClient) -> None:
    """A timestamp that was moved by one second after signing is refused."""

    def moved(request: HttpRequest) -> HttpRequest:
        signed = datetime.strptime(request.header("X-Amz-Date"), "%Y%m%dT%H%M%SZ")  # noqa: DTZ007 - its zone is UTC, and set below
        other = timestamp(signed.replace(tzinfo=UTC) + _one_second(signed))
        return replace(request, headers=request.with_header("X-Amz-Date", other))

    proxy.judge([proxy.probe(_HEALTH, altered="another timestamp", edit=moved)])


def _one_second(moment: datetime) -> timedelta:
    """A second to add without leaving the day, which the scope names as well."""
    last = (moment.hour, moment.minute, moment.second) == (23, 59, 59)
    return timedelta(seconds=-1 if last else 1)


@pytest.mark.requirement("XKS-AUTH-009")
def test_unknown_access_key_id(proxy: ProxyClient) -> None:
    """A good signature under an id that the proxy does not know is refused.

    The access key id in lower case is another one.
    """
    known = proxy.main.credential
    unknown = replace(
        proxy.signer(),
        credential=Credential(_UNKNOWN_ACCESS_KEY_ID, known.secret_access_key),
    )
    id_ = known.access_key_id
    proxy.judge(
        [
            _signed_by(proxy, unknown, "an unknown access key id"),
            _replaced(proxy, id_, id_.lower(), "the access key id in lower case"),
        ]
    )


@pytest.mark.requirement("XKS-AUTH-010")
def test_another_service(proxy: ProxyClient) -> None:
    """A scope with the service kms is refused, signed so or changed afterwards."""
    signer = replace(proxy.signer(), service="kms")
    proxy.judge(
        [
            _signed_by(proxy, signer, "signed for the service kms"),
            _replaced(
                proxy, "/kms-xks-proxy/", "/kms/", "the service changed after signing"
            ),
        ]
    )


@pytest.mark.requirement("XKS-AUTH-011")
def test_another_termination_string(proxy: ProxyClient) -> None:
    """A scope with another termination string is refused, signed so or changed."""
    signer = replace(proxy.signer(), terminator="aws5_request")
    proxy.judge(
        [
            _signed_by(proxy, signer, "signed for aws5_request"),
            _replaced(
                proxy,
                "/aws4_request",
                "/aws5_request",
                "the termination string changed after signing",
            ),
        ]
    )


@pytest.mark.requirement("XKS-AUTH-012")
def test_region_changed_after_signing(proxy: ProxyClient) -> None:
    """A scope whose Region was changed after signing is refused.

    Whether a proxy serves requests that were signed for other Regions is left to it.
    """
    region = proxy.target.region
    other = "eu-west-1" if region != "eu-west-1" else "us-east-1"
    proxy.judge([_replaced(proxy, f"/{region}/", f"/{other}/", "another Region")])


@pytest.mark.requirement("XKS-AUTH-013")
def test_scope_date_changed_after_signing(proxy: ProxyClient) -> None:
    """A scope whose date was changed after signing is refused."""

    def dated(header: str) -> str:
        key_id, _, rest = header.partition("/")
        return f"{key_id}/20240229/{rest.partition('/')[2]}"

    proxy.judge([_with_header(proxy, dated, "another date in the scope")])


@pytest.mark.requirement("XKS-AUTH-014")
def test_scope_of_another_day(proxy: ProxyClient) -> None:
    """A scope of another day than the request's is refused, though signed so."""
    yesterday = datetime.now(UTC) - timedelta(days=1)
    signer = replace(proxy.signer(), scope_date=timestamp(yesterday)[:8])
    proxy.judge([_signed_by(proxy, signer, "a scope of yesterday")])


@pytest.mark.requirement("XKS-AUTH-015")
def test_another_algorithm(proxy: ProxyClient) -> None:
    """Another algorithm is refused, in the header and in the string to sign."""
    signer = replace(proxy.signer(), algorithm="AWS4-HMAC-SHA1")
    proxy.judge(
        [
            *(
                _replaced(proxy, "AWS4-HMAC-SHA256", algorithm, f"{algorithm} named")
                for algorithm in ("AWS4-HMAC-SHA1", "AWS4-HMAC-SHA512", "HMAC")
            ),
            _signed_by(proxy, signer, "AWS4-HMAC-SHA1 in the string to sign"),
        ]
    )


def _without(name: str) -> Callable[[HttpRequest], HttpRequest]:
    return lambda request: replace(request, headers=request.with_header(name, None))


@pytest.mark.requirement("XKS-AUTH-016")
def test_unsigned_request(proxy: ProxyClient) -> None:
    """A request without an Authorization header is refused."""
    proxy.judge(
        [
            proxy.probe(
                operation,
                altered=f"unsigned {operation.title}",
                edit=_without("Authorization"),
            )
            for operation in ALL_OPERATIONS
        ]
    )


@pytest.mark.requirement("XKS-AUTH-017")
def test_host_not_signed(proxy: ProxyClient) -> None:
    """A signature over x-amz-date alone is refused."""
    signer = replace(proxy.signer(), signed_headers=("x-amz-date",))
    proxy.judge([_signed_by(proxy, signer, "host is not signed")])


@pytest.mark.requirement("XKS-AUTH-018")
def test_timestamp_not_signed(proxy: ProxyClient) -> None:
    """A signature over host alone is refused."""
    signer = replace(proxy.signer(), signed_headers=("host",))
    proxy.judge([_signed_by(proxy, signer, "x-amz-date is not signed")])


@pytest.mark.requirement("XKS-AUTH-019")
def test_missing_timestamp(proxy: ProxyClient) -> None:
    """A request without X-Amz-Date is refused, whether it was signed or not."""
    signed = {
        "no X-Amz-Date, though signed": ("host", "x-amz-date"),
        "no X-Amz-Date, and not signed": ("host",),
    }
    proxy.judge(
        [
            proxy.probe(
                _HEALTH,
                altered=altered,
                signer=replace(proxy.signer(), signed_headers=names),
                edit=_without("X-Amz-Date"),
            )
            for altered, names in signed.items()
        ]
    )


_MALFORMED = {
    "empty": "",
    "the algorithm only": "AWS4-HMAC-SHA256",
    "another scheme": "Basic Zm9vOmJhcg==",
    "no credential": "AWS4-HMAC-SHA256 SignedHeaders={headers}, Signature={signature}",
    "no signed headers": "AWS4-HMAC-SHA256 Credential={credential}, "
    "Signature={signature}",
    "no signature": "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={headers}",
    "an empty credential": "AWS4-HMAC-SHA256 Credential=, SignedHeaders={headers}, "
    "Signature={signature}",
    "a credential without scope": "AWS4-HMAC-SHA256 Credential={id}, "
    "SignedHeaders={headers}, Signature={signature}",
    "no header signed": "AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=, "
    "Signature={signature}",
}


def _made_like(template: str) -> Callable[[str], str]:
    """Makes another Authorization header of the parts of a good one."""

    def edit(header: str) -> str:
        given = header.partition(" ")[2].split(",")
        parts = dict(part.strip().split("=", 1) for part in given)
        return template.format(
            id=parts["Credential"].partition("/")[0],
            credential=parts["Credential"],
            headers=parts["SignedHeaders"],
            signature=parts["Signature"],
        )

    return edit


@pytest.mark.requirement("XKS-AUTH-020")
def test_malformed_authorization(proxy: ProxyClient) -> None:
    """A malformed Authorization header is refused like any invalid signature."""
    proxy.judge(
        [
            _with_header(
                proxy, _made_like(template), f"a malformed Authorization header: {name}"
            )
            for name, template in _MALFORMED.items()
        ]
    )


def _at(proxy: ProxyClient, moments: Iterable[timedelta]) -> list[Signer]:
    """Sign for moments away from now, by the proxy's clock."""
    now = datetime.now(UTC) + proxy.clock_offset()
    return [replace(proxy.signer(), at=now + away) for away in moments]


@pytest.mark.requirement("XKS-AUTH-021")
def test_request_of_another_day(proxy: ProxyClient) -> None:
    """A request signed for a moment a day away is refused."""
    past, future = _at(proxy, (timedelta(days=-1), timedelta(days=1)))
    proxy.judge(
        [
            _signed_by(proxy, past, "signed a day ago"),
            _signed_by(proxy, future, "signed for tomorrow"),
        ]
    )


@pytest.mark.requirement("XKS-AUTH-022")
def test_six_minutes_in_the_past(proxy: ProxyClient) -> None:
    """A request signed six minutes ago is refused; five are the limit."""
    (signer,) = _at(proxy, [timedelta(minutes=-6)])
    proxy.judge([_signed_by(proxy, signer, "six minutes old")])


@pytest.mark.requirement("XKS-AUTH-023")
def test_six_minutes_in_the_future(proxy: ProxyClient) -> None:
    """A request signed for six minutes from now is refused; five are the limit."""
    (signer,) = _at(proxy, [timedelta(minutes=6)])
    proxy.judge([_signed_by(proxy, signer, "six minutes early")])


@pytest.mark.requirement("XKS-AUTH-024")
def test_half_a_minute_of_drift(proxy: ProxyClient) -> None:
    """A request signed half a minute away from now is served.

    Every limit of a minute or more is accepted.
    """
    seconds = (-30, 30)
    signers = _at(proxy, [timedelta(seconds=away) for away in seconds])
    proxy.judge(
        [
            proxy.probe(
                _HEALTH,
                altered=f"signed for {away:+d} seconds",
                accept=(SERVED,),
                signer=signer,
            )
            for away, signer in zip(seconds, signers, strict=True)
        ]
    )


@pytest.mark.requirement("XKS-ERR-009")
def test_wrong_secret(proxy: ProxyClient) -> None:
    """A signature made with another secret is a 401 AuthenticationFailedException."""
    known = proxy.main.credential
    signer = replace(
        proxy.signer(), credential=Credential(known.access_key_id, WRONG_SECRET)
    )
    proxy.judge(
        [
            proxy.probe(
                operation,
                altered=f"another secret for {operation.title}",
                accept=(error("AuthenticationFailedException"),),
                signer=signer,
            )
            for operation in ALL_OPERATIONS
        ]
    )
