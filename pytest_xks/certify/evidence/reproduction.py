"""The shell line that repeats an exchange: curl where it can, openssl where it cannot.

A request that is signed as KMS signs is signed anew by curl, with the credential taken
from shell variables. A request whose signature is the point goes out with its headers
as they stood, which works for as long as its X-Amz-Date is recent. Bytes that no HTTP
client would send go through ``openssl s_client``.

Rule of this file: what it returns is one line, safe to paste, and holds no secret.
"""

from __future__ import annotations

import base64
import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_xks.certify.evidence.exchange import ConnectionSettings, Exchange

__all__ = ["credential_variables", "reproduction"]

_DEADLINE_SECONDS = 5
# What another request must not hold up.
_DEADLINE_SECONDS_AFTER = 1

# curl makes these by itself, from the URL, the body and the signature.
_MADE_BY_CURL = frozenset({"host", "content-length"})
_MADE_BY_SIGNING = frozenset({"authorization", "x-amz-date", "x-amz-content-sha256"})
# Of no consequence to a target; without them the line is easier to read.
_NOISE = frozenset(
    {
        "accept",
        "accept-encoding",
        "amz-sdk-invocation-id",
        "amz-sdk-request",
        "user-agent",
    }
)
# curl adds these unless told otherwise.
_ADDED_BY_CURL = ("Content-Type", "Expect")
# curl 7.88 counts a header that it is told to leave out among the signed ones. Expect
# is harmless; a request without Content-Type goes out with its own signature.
_NEEDED_FOR_SIGNING = "content-type"

# A long run of one character is written as its length, so that a line about a body of a
# megabyte can be read.
_LONG_RUN = re.compile(rb"(.)\1{1023,}", re.DOTALL)
# Neither what a terminal obeys, nor what a CI does ("##[command]").
_PLAIN = re.compile(rb"(?:(?!##\w*\[)[\x20-\x7e])*")


# The variables that every AWS client reads.
_OF_AWS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


def credential_variables(
    credential: str = "", *, service: str = "kms-xks-proxy"
) -> tuple[str, str]:
    """The shell variables of a credential: access key id, secret access key.

    Args:
        credential: its name in the target, "" for the main one.
        service: what it is for; anything but a proxy takes the credential of AWS.
    """
    if service != "kms-xks-proxy":
        return _OF_AWS
    prefix = f"XKS_{credential.upper()}_" if credential else "XKS_"
    return f"{prefix}ACCESS_KEY_ID", f"{prefix}SECRET_ACCESS_KEY"


def reproduction(exchange: Exchange, earlier: Sequence[Exchange] = ()) -> str:
    """The shell line that sends ``exchange`` once more and prints the answer.

    Args:
        exchange: what to repeat.
        earlier: what the check had exchanged before; of these, the ones on the same
            connection are repeated, too.
    """
    if exchange.command:
        return exchange.command
    line = _line(exchange, earlier)
    if exchange.repeat > 1:
        line = f"for i in $(seq {exchange.repeat}); do {line} & done; wait"
    if exchange.after is not None:
        line = f"{_line(exchange.after)} >/dev/null; {line}"
    if exchange.background is not None:
        slow = _raw_line(exchange.background, hold_seconds=2 * _DEADLINE_SECONDS)
        line = f"{{ {slow}; }} >/dev/null 2>&1 & sleep 1; {line}; kill $!"
    return line


def _line(exchange: Exchange, earlier: Sequence[Exchange] = ()) -> str:
    if exchange.raw is not None and not _is_chunked(exchange, exchange.raw):
        return _raw_line(exchange)
    before = [
        " ".join((*_options(e), *_body(e)[1], shlex.quote(e.url), "--next"))
        for e in earlier
        if exchange.connection_number
        and e.connection_number == exchange.connection_number
        and not _is_piped(e)
    ]
    source, body = _body(exchange)
    # curl connects anew if it has to; only the count shows that it did.
    count = [r"-w '\n(new connections: %{num_connects})\n'"] if before else []
    arguments = ["curl", *before, *_options(exchange), *count, *body]
    arguments.append(shlex.quote(exchange.url))
    return f"{source}{' '.join(arguments)}"


def _is_piped(exchange: Exchange) -> bool:
    """Whether curl alone cannot send it."""
    return exchange.raw is not None or bool(exchange.command or _body(exchange)[0])


def _is_chunked(exchange: Exchange, raw: bytes) -> bool:
    """Whether the raw bytes are a chunked request that curl can sign and send.

    It sends none that states a length, too.
    """
    head = raw.partition(b"\r\n\r\n")[0].lower()
    chunked = b"\r\ntransfer-encoding: chunked" in head
    return (
        exchange.signing is not None and chunked and b"\r\ncontent-length:" not in head
    )


def _options(exchange: Exchange) -> Iterator[str]:
    """Everything but body and URL."""
    yield from _basics(exchange)
    yield from _tls(exchange.connection)
    yield from _signing(exchange)
    yield from _headers(exchange)


def _basics(exchange: Exchange) -> Iterator[str]:
    # HTTP/1.1 on purpose: it is what the suite speaks.
    follows = exchange.background is not None or exchange.after is not None
    deadline = _DEADLINE_SECONDS_AFTER if follows else _DEADLINE_SECONDS
    yield from ("-sS", "-i", "--http1.1", f"--max-time {deadline}")
    yield from ("--path-as-is", "--globoff")
    if exchange.method == "HEAD":
        yield "--head"
    elif exchange.method != "POST" or not _has_body(exchange):
        yield f"-X {shlex.quote(exchange.method)}"


def _has_body(exchange: Exchange) -> bool:
    names = {name.lower() for name, _ in exchange.headers}
    return bool(exchange.body) or bool(names & {"content-length", "transfer-encoding"})


def _tls(connection: ConnectionSettings) -> Iterator[str]:
    if not connection.verify:
        yield "--insecure"
    elif connection.ca_bundle:
        yield f"--cacert {shlex.quote(str(connection.ca_bundle))}"
    if connection.certificate:
        yield f"--cert {shlex.quote(str(connection.certificate))}"
    if connection.private_key:
        yield f"--key {shlex.quote(str(connection.private_key))}"
    if connection.tls_minimum:
        yield f"--tlsv{connection.tls_minimum}"
    if connection.tls_maximum:
        yield f"--tls-max {connection.tls_maximum}"
    if not connection.alpn:
        yield "--no-alpn"
    if connection.ciphers:
        yield f"--ciphers {shlex.quote(connection.ciphers)}"


def _signing(exchange: Exchange) -> Iterator[str]:
    if exchange.signing is None or not _is_signed_anew(exchange):
        return
    signing = exchange.signing
    key_id, secret = credential_variables(signing.credential, service=signing.service)
    provider = f"aws:amz:{signing.region}:{signing.service}"
    yield f"--aws-sigv4 {shlex.quote(provider)}"
    yield f'--user "${key_id}:${secret}"'


def _is_signed_anew(exchange: Exchange) -> bool:
    names = {name.lower() for name, _ in exchange.headers}
    has_type = _NEEDED_FOR_SIGNING in names or not _has_body(exchange)
    return exchange.signing is not None and has_type


def _headers(exchange: Exchange) -> Iterator[str]:
    signed_anew = _is_signed_anew(exchange)
    made = _MADE_BY_CURL | (_MADE_BY_SIGNING | _NOISE if signed_anew else frozenset())
    sent = {name.lower() for name, _ in exchange.headers}
    host = urlsplit(exchange.url).netloc
    for name, value in exchange.headers:
        if name.lower() not in made or (name.lower() == "host" and value != host):
            yield f"-H {shlex.quote(_header(name, value))}"
    if exchange.raw is not None and "transfer-encoding" not in sent:
        yield "-H 'Transfer-Encoding: chunked'"
    for name in _ADDED_BY_CURL:
        if name.lower() not in sent and _has_body(exchange) and not signed_anew:
            yield f"-H {shlex.quote(f'{name}:')}"


def _header(name: str, value: str) -> str:
    # curl: a header without a value ends in a semicolon; with a colon it is removed.
    return f"{name}: {value}" if value else f"{name};"


def _body(exchange: Exchange) -> tuple[str, list[str]]:
    """What to pipe into curl, if anything, and curl's arguments for the body."""
    if not _has_body(exchange) or exchange.method == "HEAD":
        return "", []
    body = exchange.body
    if _is_inline(body):
        return "", [f"--data-binary {shlex.quote(body.decode('ascii'))}"]
    return f"{_producer(body)} | ", ["--data-binary @-"]


def _is_inline(body: bytes) -> bool:
    # A leading @ would name a file; the shell's limit for one word is 128 KiB.
    plain = _PLAIN.fullmatch(body) and not body.startswith(b"@")
    return bool(plain) and len(body) < 100_000 and not _LONG_RUN.search(body)


def _producer(body: bytes) -> str:
    """A shell command that writes ``body`` to its standard output."""
    parts: list[str] = []
    position = 0
    for run in _LONG_RUN.finditer(body):
        parts.extend(_literal(body[position : run.start()]))
        length = run.end() - run.start()
        code = f"\\{run[1][0]:03o}"
        parts.append(f"head -c {length} /dev/zero | tr '\\0' '{code}'")
        position = run.end()
    parts.extend(_literal(body[position:]))
    return parts[0] if len(parts) == 1 else f"{{ {'; '.join(parts)}; }}"


def _literal(piece: bytes) -> Iterator[str]:
    if not piece:
        return
    if _PLAIN.fullmatch(piece):
        yield f"printf '%s' {shlex.quote(piece.decode('ascii'))}"
    else:
        # printf is a builtin of every shell, so its arguments may be of any length.
        yield f"printf '%s' {base64.b64encode(piece).decode()} | base64 -d"


def _raw_line(exchange: Exchange, *, hold_seconds: int = 2) -> str:
    raw = exchange.raw or b""
    parts = urlsplit(exchange.url)
    host = parts.hostname or ""
    producer = _producer(raw) if raw else "true"
    # The pipe stays open for a while, so that the answer can arrive before the end.
    pipe = f"{{ {producer}; sleep {hold_seconds}; }}"
    if parts.scheme == "http":
        # curl's telnet sends what it is given, unchanged.
        arguments = ["curl -sS", f"--max-time {_DEADLINE_SECONDS}"]
        return f"{pipe} | {' '.join(arguments)} telnet://{parts.netloc}"
    address = f"[{host}]" if ":" in host else host
    arguments = [
        # It must end with its input, even if the proxy keeps the connection.
        "openssl s_client -quiet -no_ign_eof",
        f"-connect {shlex.quote(f'{address}:{parts.port or 443}')}",
        f"-servername {shlex.quote(host)}",
        *_openssl_tls(exchange.connection),
        "2>/dev/null",
    ]
    return f"{pipe} | {' '.join(arguments)}"


def _openssl_tls(connection: ConnectionSettings) -> Iterator[str]:
    if connection.ca_bundle:
        yield f"-CAfile {shlex.quote(str(connection.ca_bundle))}"
    if connection.certificate:
        yield f"-cert {shlex.quote(str(connection.certificate))}"
    if connection.private_key:
        yield f"-key {shlex.quote(str(connection.private_key))}"
