"""A target from the variables of AWS's curl test client, for ``--from-env``.

The names and defaults are those of aws-samples/aws-kms-xksproxy-test-client,
``utils/test_config.sh``: a default replaces a variable that is not set, and not an
empty one.
"""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.targets.credential import Credential
from pytest_xks.certify.targets.proxy_file import parse_endpoint
from pytest_xks.certify.targets.proxy_target import MtlsTarget, ProxyTarget
from pytest_xks.proxy_api.limits import (
    URI_PATH_SUFFIX,
    is_access_key_id,
    is_external_key_id,
    is_secret_access_key,
    is_uri_path,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from pytest_xks.certify.targets.proxy_target import Endpoint

__all__ = ["VARIABLES", "proxy_target_from_environment"]

VARIABLES: Mapping[str, str] = {
    "SCHEME": "https://",
    "XKS_PROXY_HOST": "localhost",
    "URI_PREFIX": "example/uri/path/prefix",
    "SIGV4_ACCESS_KEY_ID": "BETWEEN2TENAND3TENCHARACTERS",
    "SIGV4_SECRET_ACCESS_KEY": "PleaseReplaceThisWithSomeSecretOfLength43To64",
    "REGION": "us-east-1",
    "KEY_ID": "foo",
    "ENCRYPT_ONLY_KEY_ID": "encrypt_only_key",
    "DECRYPT_ONLY_KEY_ID": "decrypt_only_key",
    "IMPOTENT_KEY_ID": "impotent_key",
    "SECURE": "",
    "MTLS": "",
}
"""The variables that are understood, with the defaults of AWS's client."""

_ROLES: Mapping[str, str] = {
    "KEY_ID": "usable",
    "ENCRYPT_ONLY_KEY_ID": "encrypt_only",
    "DECRYPT_ONLY_KEY_ID": "decrypt_only",
    "IMPOTENT_KEY_ID": "no_usage",
}


def proxy_target_from_environment(
    environ: Mapping[str, str], *, not_supported: Collection[str] = ()
) -> ProxyTarget:
    """The target that the variables of AWS's client describe.

    Args:
        environ: the environment.
        not_supported: capabilities that it lacks; a default does not provide one.

    Raises:
        UsageProblem: a variable has a value that cannot be used.
    """
    values = {name: environ.get(name, default) for name, default in VARIABLES.items()}
    ca_bundle, verify = _secure(values["SECURE"], environ)
    absent = {name.removesuffix("_key") for name in not_supported}
    keys = {
        role: _legal(variable, values[variable], is_external_key_id)
        for variable, role in _ROLES.items()
        if role == "usable"
        or (values[variable] and (variable in environ or role not in absent))
    }
    return ProxyTarget(
        endpoint=_endpoint(values),
        uri_path=_uri_path(values["URI_PREFIX"]),
        region=values["REGION"] or VARIABLES["REGION"],
        credential=Credential(
            _legal(
                "SIGV4_ACCESS_KEY_ID", values["SIGV4_ACCESS_KEY_ID"], is_access_key_id
            ),
            _legal(
                "SIGV4_SECRET_ACCESS_KEY",
                values["SIGV4_SECRET_ACCESS_KEY"],
                is_secret_access_key,
            ),
        ),
        keys=keys,
        assumed_roles=frozenset(
            role
            for variable, role in _ROLES.items()
            if variable not in environ and role != "usable" and role in keys
        ),
        ca_bundle=ca_bundle,
        verify=verify,
        mtls=_mtls(values["MTLS"]),
        source="environment",
    )


def _problem(variable: str, wrong: str, hint: str = "") -> UsageProblem:
    return UsageProblem(f"Environment variable {variable} {wrong}", hint)


def _legal(variable: str, value: str, valid: Callable[[str], bool]) -> str:
    if not valid(value):
        raise _problem(variable, "has a value that the XKS proxy API does not allow.")
    return value


def _endpoint(values: Mapping[str, str]) -> Endpoint:
    # AWS's client: "Can be set to blank to use http instead".
    scheme = values["SCHEME"] or "http://"
    try:
        return parse_endpoint(f"{scheme}{values['XKS_PROXY_HOST']}")
    except ValueError as error:
        raise UsageProblem(
            f"Environment variables SCHEME and XKS_PROXY_HOST: the URL {error}.",
            'They look like "https://" and "localhost:8443".',
        ) from None


def _uri_path(prefix: str) -> str:
    path = f"/{prefix}{URI_PATH_SUFFIX}" if prefix else URI_PATH_SUFFIX
    return _legal("URI_PREFIX", path, is_uri_path)


def _options(variable: str, text: str, flags: Mapping[str, int]) -> dict[str, str]:
    """Curl's options in ``text``: name to value; ``flags`` says who takes a value."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise _problem(variable, f"cannot be read: {error}.") from None
    found: dict[str, str] = {}
    while words:
        word = words.pop(0)
        if word not in flags or len(words) < flags[word]:
            hint = f"Understood: {', '.join(flags)}."
            raise _problem(variable, f"has {word!r}, which is not understood.", hint)
        found[word] = words.pop(0) if flags[word] else ""
    return found


def _file(variable: str, text: str) -> Path:
    path = Path.cwd() / text
    if not path.is_file():
        raise _problem(variable, f"names no file: {text!r}.")
    return path


def _secure(text: str, environ: Mapping[str, str]) -> tuple[Path | None, bool]:
    options = _options("SECURE", text, {"--insecure": 0, "-k": 0, "--cacert": 1})
    verify = not options.keys() & {"--insecure", "-k"}
    if "--cacert" in options:
        return _file("SECURE", options["--cacert"]), verify
    # curl reads this one by itself, and AWS's client is run with it in its own CI.
    bundle = environ.get("CURL_CA_BUNDLE", "")
    return (_file("CURL_CA_BUNDLE", bundle) if bundle else None), verify


def _mtls(text: str) -> MtlsTarget | None:
    options = _options("MTLS", text, {"--key": 1, "--cert": 1})
    if not options:
        return None
    if len(options) != 2:
        raise _problem("MTLS", "needs both --key FILE and --cert FILE.")
    return MtlsTarget(
        endpoint=None,
        certificate=_file("MTLS", options["--cert"]),
        private_key=_file("MTLS", options["--key"]),
    )
