"""Small suites and a target without a proxy, to test the machine that certifies."""

from __future__ import annotations

import base64
import itertools
import json
import os
import textwrap
from typing import TYPE_CHECKING

import pytest

from pytest_xks.certify.probe_proxy.probe_proxy import ProbeProxy
from pytest_xks.certify.report.build import build_document
from pytest_xks.certify.requirements.suite import load_catalogue
from pytest_xks.certify.run.runner import run_suite
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.targets.credential import Credential
from pytest_xks.certify.targets.kms_target import KmsTarget, ProbeProxySettings
from pytest_xks.certify.targets.proxy_target import Endpoint, ProxyTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from pytest_xks.certify.report.document import Document

CANARY = "Canary0Secret/That+NobodyMayEverSee0123456789="


def _spelled(template: str) -> str:
    """The secret, each character written after a template."""
    return "".join(template.format(ord(character)) for character in CANARY)


_BYTES = CANARY.encode()
_AFTER = [
    base64.b64encode(b"user:"[:n] + _BYTES + b" in it").decode() for n in range(3)
]
_WRAPPED = base64.encodebytes(b"user:" + _BYTES + b" is in").decode()

SPELLINGS: Mapping[str, str] = {
    "plain": CANARY,
    "lower-case": CANARY.lower(),
    "json-solidus": CANARY.replace("/", "\\/"),
    "json-of-dotnet": CANARY.replace("+", "\\u002B").replace("=", "\\u003D"),
    "json-lower": CANARY.replace("+", "\\u002b"),
    "json-all": _spelled("\\u{:04x}"),
    "json-in-json": json.dumps(json.dumps(CANARY.replace("+", "\\u002B"))),
    "javascript": CANARY.replace("/", "\\x2F").replace("+", "\\u{2b}"),
    "python": _spelled("\\U{:08X}"),
    "c": _spelled("\\{:03o}"),
    "c-bytes": _spelled("0x{:02x}, "),
    "url": CANARY.replace("/", "%2F").replace("+", "%2b"),
    "url-all": _spelled("%{:02X}"),
    "url-twice": CANARY.replace("/", "%252F").replace("+", "%2525252B"),
    "url-of-browsers": _spelled("%u{:04X}"),
    "html": CANARY.replace("+", "&#x2B;").replace("/", "&#047;").replace("=", "&#61;"),
    "html-names": CANARY.replace("+", "&plus;").replace("/", "&sol;"),
    "html-all": _spelled("&#{};"),
    "html-of-json": CANARY.replace("+", "&#x5C;u002B"),
    "json-of-html": CANARY.replace("+", "\\u0026#43;"),
    "hex": _BYTES.hex(),
    "hex-upper": _BYTES.hex().upper(),
    "hex-colons": _BYTES.hex(":").upper(),
    "hex-dump": _BYTES.hex(" ", 2),
    "hex-after-a-digit": "5" + _BYTES.hex(),
    "decimal": ", ".join(map(str, _BYTES)),
    "base64": base64.b64encode(_BYTES).decode(),
    "base64-without-padding": base64.b64encode(_BYTES).decode().rstrip("="),
    "base64-of-urls": base64.urlsafe_b64encode(_BYTES).decode(),
    "base64-wrapped": _WRAPPED,
    "base64-wrapped-in-json": json.dumps(_WRAPPED),
    "base64-twice": base64.b64encode(base64.b64encode(_BYTES)).decode(),
    "base64-of-json": base64.b64encode(
        json.dumps({"echo": CANARY.replace("+", "\\u002B")}).encode()
    ).decode(),
    "base64-escaped": base64.b64encode(_BYTES).decode().replace("=", "\\u003D"),
    **{f"base64-after-{n}": text for n, text in enumerate(_AFTER)},
    "base64-glued": f"x{base64.b64encode(_BYTES).decode()}",
    "shell": CANARY.replace("/", "\\/").replace("+", "\\+"),
    "shell-quotes": f"'{CANARY[:9]}'\"{CANARY[9:20]}\"{CANARY[20:]}",
    "shell-dollar": "$'" + CANARY.replace("+", "\\053").replace("/", "\\x2f") + "'",
    "wrapped": "\n  ".join((CANARY[:20], CANARY[20:])),
    "utf-16": CANARY.encode("utf-16-le").decode(),
}
"""Ways in which a program may write the secret."""

_NUMBERS = itertools.count()

_PROLOGUE = """\
import pytest
from pytest_xks.certify.run.outcome import NotApplicable, NotTestable, Violation
from pytest_xks.certify.run.session import (
    PROBE_PROXY, KMS_TARGET, LOAD, TARGET, recorder_of, require
)
from pytest_xks.certify.evidence.exchange import Exchange, Received, Signing

requirement = pytest.mark.requirement
"""


@pytest.fixture
def target() -> ProxyTarget:
    """A proxy that no test of this kind asks anything."""
    return ProxyTarget(
        endpoint=Endpoint(scheme="https", host="proxy.example", port=443),
        uri_path="/kms/xks/v1",
        region="us-east-1",
        credential=Credential("AKIATESTTESTTESTTEST", CANARY),
        keys={"usable": "foo"},
        source="target.toml",
    )


@pytest.fixture
def kms_target() -> KmsTarget:
    """A KMS endpoint that no test of this kind asks anything."""
    return KmsTarget(
        endpoint_url="http://kms.example:5599",
        access_key_id="AKIATESTTESTTESTTEST",
        secret_access_key=CANARY,
        source="target.toml",
    )


@pytest.fixture
def probe_proxy() -> Iterator[ProbeProxy]:
    """The suite's own proxy, on a free port."""
    with ProbeProxy(ProbeProxySettings()) as running:
        yield running


@pytest.fixture
def make_suite(tmp_path: Path) -> Callable[..., Path]:
    """Write a suite: levels by requirement id, and the body of its only test module."""

    def make(
        levels: dict[str, str], body: str, *, extra: str = "", part: str = "proxy"
    ) -> Path:
        suite = tmp_path / f"suite{next(_NUMBERS)}"
        (suite / "requirements").mkdir(parents=True)
        (suite / part).mkdir()
        (suite / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
        rows = "\n".join(_row(name, level) for name, level in levels.items())
        (suite / "requirements" / f"{part}.toml").write_text(
            'specification = "Spec"\nversion = "1.0"\ncatalogue_version = "7"\n'
            f'[chapters]\nHTTP = "Web"\n{rows}'
            f"{extra}"
        )
        # Modules are cached by name in this process, so every name is used once.
        module = f"test_mini_{os.getpid()}_{next(_NUMBERS)}.py"
        source = f"{_PROLOGUE}\n{textwrap.dedent(body)}"
        (suite / part / module).write_text(source)
        return suite

    return make


def _row(requirement_id: str, level: str) -> str:
    level, _, capability = level.partition(" ")
    needs = f'capability = "{capability}"\n' if capability else ""
    return (
        f'[[requirement]]\nid = "{requirement_id}"\nlevel = "{level}"\n'
        f'title = "Title of {requirement_id}"\nsource = "Section"\n'
        f'text = "Text of {requirement_id}."\nverification = "check"\n{needs}'
    )


@pytest.fixture
def certify(
    make_suite: Callable[..., Path], target: ProxyTarget, tmp_path: Path
) -> Callable[..., Document]:
    """Run a small suite and return the document of its result."""

    def run(
        levels: dict[str, str],
        body: str,
        *,
        strict: bool = False,
        proxy: ProxyTarget | None = None,
        kms: KmsTarget | None = None,
        probe_proxy: ProbeProxy | None = None,
        extra: str = "",
        **selection: object,
    ) -> Document:
        part = "kms" if kms else "proxy"
        suite = make_suite(levels, body, extra=extra, part=part)
        catalogue = load_catalogue(part, suite)
        subject = kms or proxy or target
        outcome = run_suite(
            suite=suite,
            catalogue=catalogue,
            target=subject,
            probe_proxy=probe_proxy,
            scratch=tmp_path,
            selection=Selection(**selection),
        )
        return build_document(
            outcome, catalogue=catalogue, target=subject, strict=strict
        )

    return run


@pytest.fixture
def failing(certify: Callable[..., Document]) -> Document:
    """A result with one of everything, and an answer that repeats the secret."""
    return certify(
        {
            "XKS-HTTP-001": "MUST",
            "XKS-HTTP-002": "SHOULD",
            "XKS-HTTP-003": "MAY",
            "XKS-HTTP-004": "MUST",
            "XKS-HTTP-005": "MUST mtls",
            "XKS-HTTP-006": "MUST",
        },
        f'''
        @requirement("XKS-HTTP-001")
        def test_must(request):
            """The proxy answers 200."""
            recorder = recorder_of(request.node)
            for value in range(1, 900):
                recorder.latency("Encrypt", value / 3)
            recorder.fact("tls_version", "1.3")
            recorder.add(Exchange(
                label="probe: <b>it's</b>",
                url="https://proxy.example/kms/xks/v1/health",
                headers=(
                    ("Host", "proxy.example"),
                    ("Content-Type", "application/json"),
                    ("Authorization", "AWS4-HMAC-SHA256 Signature=" + "a" * 64),
                ),
                body=b'{{"it\\'s": "\\x00"}}',
                signing=Signing(region="us-east-1"),
                received=Received(
                    status=418,
                    reason="<script>alert(1)</script>",
                    headers=(("X-Echo", {CANARY!r}),),
                    body=b"\\x1b[31m" + {CANARY!r}.encode() * 200,
                ),
                milliseconds=12.5,
            ))
            raise Violation(
                expected=["200", "201"],
                observed="418 \\x1b[31m<script>alert(1)</script> {CANARY}",
                note="`code` | and # more",
            )

        @requirement("XKS-HTTP-002")
        def test_should():
            raise Violation(expected="a", observed="b")

        @requirement("XKS-HTTP-003")
        def test_may():
            raise Violation(expected="c", observed="d")

        @requirement("XKS-HTTP-004")
        def test_passes():
            pass

        @requirement("XKS-HTTP-005")
        def test_mtls(request):
            require(request.config.stash[TARGET], "mtls")

        @requirement("XKS-HTTP-006")
        def test_broken():
            raise RuntimeError("{CANARY}")
        ''',
        extra='[[requirement]]\nid = "XKS-HTTP-099"\nlevel = "MUST"\ntitle = "Hidden"\n'
        'source = "Section"\ntext = "Text."\nverification = "not_observable"\n'
        'reason = "It is inside."\n',
    )
