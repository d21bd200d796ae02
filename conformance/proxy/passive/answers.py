"""Rules on the form of every answer: HTTP, JSON, the table of errors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NoReturn

from ..client.bodies import ALL_OPERATIONS, ProxyOperation, to_json
from ..client.expect import ANYTHING, ERRORS
from ..client.scenarios import SCENARIOS, UNKNOWN_KEY_ID
from .rule import Rule, each

if TYPE_CHECKING:
    from ..client.bodies import Body
    from ..client.probes import Probe
    from ..client.proxy_client import ProxyClient
    from .observation import Observation

__all__ = [
    "ERROR_IS_JSON",
    "ERROR_IS_OF_ITS_OPERATION",
    "ERROR_IS_OF_THE_TABLE",
    "HEADERS_ARE_CLEAN",
    "HOSTILE_IDS",
    "JSON_IS_JSON",
    "MARKER",
    "MEMBERS_ARE_UNIQUE",
    "MESSAGE_IS_SHORT",
    "NOTHING_IS_UNASKED",
    "REQUEST_IDS_ARE_ESCAPED",
    "SUCCESS_IS_JSON",
    "hostile_request_ids",
]


def _good(proxy: ProxyClient) -> list[Probe]:
    return [proxy.control(operation) for operation in ALL_OPERATIONS]


def _bad(proxy: ProxyClient) -> list[Probe]:
    return [build(proxy) for build in SCENARIOS.values()]


# -- Content-Type and the table of errors ----------------------------------------------


def _is_success(seen: Observation) -> bool:
    return seen.status == 200 and seen.could_be_of_kms


def _is_error(seen: Observation) -> bool:
    return (seen.status or 0) >= 300 and seen.could_be_of_kms


def _form_of_json(seen: Observation) -> str | None:
    if seen.answer.media_type != "application/json":
        return f"{seen.status} with Content-Type: {seen.answer.header('Content-Type')}"
    return None if seen.document is not None else seen.answer.describe()


def _other_than_in_the_table(seen: Observation) -> str | None:
    known = ERRORS.get(seen.answer.error_name or "") == seen.status
    return None if known else seen.answer.describe()


_OF_A_KEY = {
    ProxyOperation.GET_KEY_METADATA,
    ProxyOperation.ENCRYPT,
    ProxyOperation.DECRYPT,
}
# "Error codes", the last column; the others are for all. AMBIGUOUS: ValidationException
# is for "ALL except GetHealthStatus", whose request has REQUIRED members all the same.
# Ours: it may say so, as AWS's own client expects.
_OPERATIONS = {
    "InvalidCiphertextException": {ProxyOperation.DECRYPT},
    "InvalidKeyUsageException": {ProxyOperation.DECRYPT, ProxyOperation.ENCRYPT},
    "AccessDeniedException": _OF_A_KEY,
    "KeyNotFoundException": _OF_A_KEY,
}


def _of_another_operation(seen: Observation) -> str | None:
    allowed = _OPERATIONS.get(seen.answer.error_name or "")
    if allowed is None or seen.place is None or seen.place.operation in allowed:
        return None
    return f"{seen.answer.error_name} at {seen.place.operation.title}"


def _long_or_strange(seen: Observation) -> str | None:
    message = (seen.document or {}).get("errorMessage")
    if message is None:
        return None
    if not isinstance(message, str):
        return f"errorMessage is {type(message).__name__}"
    if len(message) >= 512:
        return f"errorMessage has {len(message)} characters"
    strange = sorted({c for c in message if not " " <= c <= "~"})
    return f"errorMessage has {', '.join(map(ascii, strange))}" if strange else None


SUCCESS_IS_JSON = Rule(
    expected="a JSON object with Content-Type: application/json",
    about=_is_success,
    complaints=each(_form_of_json),
    sample=_good,
)
ERROR_IS_JSON = Rule(
    expected="a JSON object with Content-Type: application/json",
    about=_is_error,
    complaints=each(_form_of_json),
    sample=_bad,
)
ERROR_IS_OF_THE_TABLE = Rule(
    expected="an errorName of the table under its status",
    about=_is_error,
    complaints=each(_other_than_in_the_table),
    note="KMS cannot tell its caller what went wrong.",
    sample=_bad,
)
ERROR_IS_OF_ITS_OPERATION = Rule(
    expected="an error that the table lists for the operation",
    about=_is_error,
    complaints=each(_of_another_operation),
    sample=_bad,
)
MESSAGE_IS_SHORT = Rule(
    expected="no errorMessage, or less than 512 printable ASCII characters",
    about=_is_error,
    complaints=each(_long_or_strange),
    sample=_bad,
)

# -- HTTP ------------------------------------------------------------------------------

NOTHING_IS_UNASKED = Rule(
    expected="one answer to a request, and nothing behind it",
    # What is no HTTP may be two requests to the proxy, or none.
    about=lambda seen: seen.exchange.raw is None,
    complaints=each(
        lambda seen: (
            f"{len(seen.exchange.unasked)} bytes that no request had asked for"
            if seen.exchange.unasked
            else None
        )
    ),
    note="The next request on the connection may get the answer to another.",
    sample=lambda proxy: _good(proxy) * 2,
)

MARKER = "xks-injected"
_IN_JSON = f'","{MARKER}":"1'
_IN_HEADER = f"\r\n{MARKER}: 1"
HOSTILE_IDS = (_IN_JSON, _IN_HEADER, f"\n{MARKER}: 1", f"\x00\x1b[31m{MARKER}")


def hostile_request_ids(proxy: ProxyClient) -> None:
    """Send requests with a kmsRequestId that would become more than a text."""
    encrypt, health = ProxyOperation.ENCRYPT, ProxyOperation.GET_HEALTH_STATUS
    probes = []
    for id_ in HOSTILE_IDS:
        for operation in (encrypt, ProxyOperation.GET_KEY_METADATA, health):
            good = proxy.good_body(operation, kmsRequestId=id_)
            text = f"{operation.title}, kmsRequestId {id_!r}"
            probes.append(
                proxy.probe(operation, good, altered=text, accept=(ANYTHING,))
            )
        bad = proxy.good_body(encrypt, kmsRequestId=id_) | {"plaintext": "@"}
        text = f"plaintext '@', kmsRequestId {id_!r}"
        probes.append(proxy.probe(encrypt, bad, altered=text, accept=(ANYTHING,)))
    escaped = f"{proxy.main.uri_path}/health%0d%0a{MARKER}:%201"
    probes.append(
        proxy.probe(health, altered="a path with a line end in it", path=escaped)
    )
    probes += _refused(proxy, HOSTILE_IDS[0]) + _refused(proxy, HOSTILE_IDS[1])
    proxy.side_by_side([probe.send for probe in probes])


def _refused(proxy: ProxyClient, id_: str) -> list[Probe]:
    """Requests that are refused, each for another reason, with that kmsRequestId."""
    metadata, encrypt = ProxyOperation.GET_KEY_METADATA, ProxyOperation.ENCRYPT
    good = proxy.good_body(metadata, kmsRequestId=id_)
    probes = [
        proxy.probe(metadata, good, altered="an unknown key", key=UNKNOWN_KEY_ID),
        proxy.probe(encrypt, to_json(good)[:-1], altered="a JSON text that breaks off"),
    ]
    if policy := proxy.target.authorization:
        denied = proxy.good_body(
            metadata, kmsRequestId=id_, awsPrincipalArn=policy.denied_principal_arn
        )
        store = proxy.store("authorization", policy.store)
        probes.append(proxy.probe(metadata, denied, altered="denied", store=store))
    return probes


def _strange_header(seen: Observation) -> str | None:
    received = seen.exchange.received
    for name, value in received.headers if received else ():
        if name.lower() == MARKER:
            return "a header that the request made up"
        if any((c < " " and c != "\t") or c == "\x7f" for c in name + value):
            return f"the header {name!a} holds a control byte"
    return None


HEADERS_ARE_CLEAN = Rule(
    expected="headers without control bytes, none of them from the request",
    about=lambda _: True,
    complaints=each(_strange_header),
    note="Whoever chooses a text of the request writes headers of the answer.",
    provoke=hostile_request_ids,
)

# -- JSON ------------------------------------------------------------------------------


def _is_json(seen: Observation) -> bool:
    is_json = seen.answer.media_type == "application/json"
    return is_json and bool(seen.answer.body) and seen.exchange.method != "HEAD"


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no JSON")


def _defect_of_json(seen: Observation) -> str | None:
    body = seen.answer.body
    if body.startswith(b"\xef\xbb\xbf"):
        return "a byte order mark"
    try:
        json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except UnicodeDecodeError:
        return "a body that is not UTF-8"
    except json.JSONDecodeError as error:
        return f"a body that is no JSON: {error.msg.lower()}"
    except ValueError as error:
        return str(error)
    except RecursionError:
        pass
    return None


def _twice(seen: Observation) -> str | None:
    doubled: list[str] = []

    def members(pairs: list[tuple[str, object]]) -> Body:
        names = [name for name, _ in pairs]
        doubled.extend(name for name in names if names.count(name) > 1)
        return dict(pairs)

    try:
        json.loads(seen.answer.body, object_pairs_hook=members)
    except (ValueError, RecursionError):
        return None
    return f"two members {doubled[0]!r}" if doubled else None


JSON_IS_JSON = Rule(
    expected="one JSON text in UTF-8 without a byte order mark (RFC 8259)",
    about=_is_json,
    complaints=each(_defect_of_json),
    provoke=hostile_request_ids,
)
MEMBERS_ARE_UNIQUE = Rule(
    expected="JSON objects without two members of one name",
    about=_is_json,
    complaints=each(_twice),
    sample=_good,
)


def _made_up_member(seen: Observation) -> str | None:
    made_up = MARKER in (seen.document or {})
    return "a member that kmsRequestId made up" if made_up else None


REQUEST_IDS_ARE_ESCAPED = Rule(
    expected="a kmsRequestId that stays a text, whatever it holds",
    about=_is_json,
    complaints=each(_made_up_member),
    provoke=hostile_request_ids,
)
