"""The first line that a reader sees is the cause: twelve proxies, one defect each."""

from __future__ import annotations

import base64
import json
import socket
from dataclasses import replace

import pytest

from pytest_xks.certify.command import CertifyOptions, certify
from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.run.selection import Selection
from pytest_xks.certify.toml.writing import dump_toml
from pytest_xks.proxy.core import ProxyCore
from pytest_xks.proxy.reference import ReferenceProxy

SECRET = "ThisIsNotTheSecretOfAnyone0123456789/+abcdefg"


def edited(response, edit):
    """The response with another document."""
    document = json.loads(response.body)
    edit(document)
    return with_body(response, response.status, json.dumps(document))


def with_body(response, status, text, content_type="application/json"):
    """The response with another body."""
    kept = [h for h in response.headers if h[0].lower() != "content-type"]
    headers = (*kept, ("Content-Type", content_type))
    return replace(response, status=status, headers=headers, body=text.encode())


def key_manager_down(request, response):
    """Health is green, and nothing else works."""
    if not request.path.endswith(("/encrypt", "/decrypt")) or response.status != 200:
        return response
    return with_body(response, 500, '{"errorName": "InternalException"}')


def text_401(_, response):
    """The web framework answers for itself where a signature is wrong."""
    if response.status != 401:
        return response
    return with_body(response, 401, "Unauthorized", "text/plain")


def teapot(_, response):
    """An unknown key is a teapot."""
    unknown = b"KeyNotFoundException" in response.body
    return replace(response, status=418) if unknown else response


def rsa_0(request, response):
    """AWS's sample, built with optimisation, says so of every key."""
    if not request.path.endswith("/metadata") or response.status != 200:
        return response
    return edited(response, lambda document: document.update(keySpec="RSA_0"))


def health_403(request, response):
    """The policy asks for a principal, also where there is none."""
    if not request.path.endswith("/health") or response.status != 200:
        return response
    return with_body(response, 403, '{"errorName": "AccessDeniedException"}')


def bad_gateway(_, response):
    """The proxy behind a gateway is down."""
    return with_body(response, 502, "<h1>502 Bad Gateway</h1>", "text/html")


def line_breaks(request, response):
    """An encoder of Base64 that breaks lines."""
    if not request.path.endswith("/encrypt") or response.status != 200:
        return response

    def broken(document):
        for name in ("ciphertext", "authenticationTag", "initializationVector"):
            data = base64.b64decode(document[name])
            document[name] = base64.encodebytes(data).decode()

    return edited(response, broken)


DEFECTS = {
    "key manager down": (
        key_manager_down,
        "is answered 500 InternalException, while GetHealthStatus is answered 200; is",
    ),
    "text 401": (
        text_401,
        "XKS-HTTP-002 An error is JSON, and its Content-Type says so: ",
    ),
    "418": (teapot, "an unknown key: 418 KeyNotFoundException"),
    "RSA_0": (
        rsa_0,
        "The metadata of the usable key 'foo' says keySpec 'RSA_0', not AES_256",
    ),
    "403 health": (
        health_403,
        "GetHealthStatus is answered 403 AccessDeniedException: it is refused, though",
    ),
    "502": (bad_gateway, "the gateway there answers, the proxy behind it does not"),
    "one encoding defect": (
        line_breaks,
        "XKS-ENC-002 The response is in standard Base64: ",
    ),
}


@pytest.fixture
def first_line(tmp_path, monkeypatch, capsys):
    """Certify a proxy; the first line that a reader sees."""

    def certified(alter=None, change=None, before=None, **selection):
        handle = ProxyCore.handle

        def altered(core, request):
            delivery = handle(core, before(request) if before else request)
            if alter is None:
                return delivery
            return replace(delivery, response=alter(request, delivery.response))

        monkeypatch.setattr(ProxyCore, "handle", altered)
        with ReferenceProxy(directory=tmp_path) as proxy:
            document = proxy.target_document()
            if change:
                change(document["proxy"])
            file = tmp_path / "target.toml"
            file.write_text(dump_toml(document))
            options = CertifyOptions(target=file, selection=Selection(**selection))
            try:
                certify("proxy", options)
            except UsageProblem as problem:
                return str(problem).splitlines()[0]
        return capsys.readouterr().out.splitlines()[0]

    return certified


@pytest.mark.parametrize("name", DEFECTS)
def test_defect_of_the_proxy(first_line, name):
    """What a proxy does wrong is told, and not what follows from it."""
    alter, cause = DEFECTS[name]

    assert cause in first_line(alter)


def test_wrong_path(first_line):
    """A path at which no proxy is."""

    def change(proxy):
        proxy["uri_path"] = "/elsewhere/kms/xks/v1"

    assert "has no XKS proxy at '/elsewhere/kms/xks/v1'" in first_line(change=change)


def test_wrong_secret(first_line):
    """A secret that is another one."""

    def change(proxy):
        proxy["credential"]["secret_access_key"] = SECRET

    assert "refuses the credential: it answers 401" in first_line(change=change)


def test_dead_proxy(first_line):
    """Nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    def change(proxy):
        proxy["endpoint"] = f"https://localhost:{port}"

    line = first_line(change=change)
    assert f"https://localhost:{port} cannot be reached: no connection to" in line


def test_no_port_in_host(first_line):
    """A gateway that hands on a Host without its port."""

    def before(request):
        headers = [
            (name, value.partition(":")[0] if name.lower() == "host" else value)
            for name, value in request.headers
        ]
        return replace(request, headers=tuple(headers))

    assert "the proxy is given a Host without the port" in first_line(before=before)


def test_time_outs(first_line, monkeypatch):
    """Answers that KMS would not wait for."""
    monkeypatch.setattr(
        "pytest_xks.certify.preflight.proxy_preflight._DEADLINE_MS", 0.0001
    )

    line = first_line(only=("XKS-HEALTH",))
    assert line.startswith("Every answer takes longer than the")
