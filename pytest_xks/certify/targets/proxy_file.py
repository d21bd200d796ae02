"""The target file of a proxy: TOML in, ``ProxyTarget`` out.

The keys are public; README has an example. The file comes from outside, so every
mistake in it ends as one ``UsageProblem``.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_xks.certify.errors import UsageProblem
from pytest_xks.certify.targets.common_keys import (
    REGION,
    check_contradictions,
    is_region,
    take_not_supported,
)
from pytest_xks.certify.targets.credential import Credential
from pytest_xks.certify.targets.operator_commands import UNDONE_BY
from pytest_xks.certify.targets.proxy_target import (
    CAPABILITIES,
    COMMANDS,
    FLUSH_SECONDS,
    KEY_ROLES,
    AuthorizationTarget,
    Endpoint,
    LogTarget,
    MtlsTarget,
    OperatorTarget,
    ProxyTarget,
    RefusedCertificate,
    StoreTarget,
    ThrottledStoreTarget,
)
from pytest_xks.certify.toml.reading import Table, parse_toml, read_text
from pytest_xks.proxy_api.limits import (
    is_access_key_id,
    is_external_key_id,
    is_secret_access_key,
    is_uri_path,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["load_proxy_target", "parse_endpoint", "proxy_target_from_document"]

_URI_PATH = "at most 128 of A-Z a-z 0-9 / _ - and end in /kms/xks/v1"
_ACCESS_KEY_ID = "20 to 30 of A-Z and 2-7"
_OF_SECRET = "43 to 64 of A-Z a-z 0-9 / + ="  # noqa: S105 - its alphabet, not a secret
_KEY_ID = "1 to 128 of A-Z a-z 0-9 . _ -"
# A result that a minute's check brought is no older than that.
_HEALTH_CACHED_SECONDS = 60.0
_PRINCIPAL = "an ARN of at most 2048 characters, or a service principal"

_GATEWAYS = ("load-balancer",)
_OF_STORES = ("uri_path", "credential", "keys")

# Roles whose keys must be different keys; an id with special characters or of full
# length may double as another.
_DISTINCT_ROLES = frozenset(KEY_ROLES) - {"special_characters", "longest"}


def load_proxy_target(path: Path) -> ProxyTarget:
    """Read a target file.

    Raises:
        UsageProblem: the file cannot be read or has a mistake.
    """
    document = parse_toml(read_text(path, "target file"), path)
    return proxy_target_from_document(document, path)


def proxy_target_from_document(document: dict[str, object], path: Path) -> ProxyTarget:
    """The target that a parsed target file describes.

    Args:
        document: the content of the file.
        path: its file; relative paths in it begin at the folder of that.

    Raises:
        UsageProblem: the document has a mistake.
    """
    top = Table(document, "", path)
    proxy = top.required_table("proxy")
    top.finish()
    console = _console_file(proxy)
    endpoint = _endpoint(proxy, "endpoint")
    if endpoint is None:
        raise proxy.problem("endpoint", "is missing.", "Add the URL of the proxy.")
    main = StoreTarget(
        uri_path=_uri_path(proxy, console),
        credential=_main_credential(proxy, console),
        keys=_keys(proxy),
    )
    second_store, isolated = _second_store(proxy)
    target = ProxyTarget(
        endpoint=endpoint,
        uri_path=main.uri_path,
        region=proxy.optional_text("region", valid=is_region, must=REGION)
        or "us-east-1",
        credential=main.credential,
        keys=main.keys,
        ca_bundle=proxy.optional_path("ca_bundle"),
        rotated_credential=_optional_credential(proxy, "rotated_credential"),
        second_store=second_store,
        isolated=isolated,
        mtls=_mtls(proxy),
        authorization=_authorization(proxy),
        throttled_store=_throttled_store(proxy, main),
        log=_log(proxy),
        operator=_operator(proxy),
        behind=proxy.optional_text(
            "behind", valid=_GATEWAYS.__contains__, must=" or ".join(_GATEWAYS)
        )
        or "",
        not_supported=take_not_supported(proxy, CAPABILITIES),
        source=str(path),
    )
    proxy.finish()
    check_contradictions(target, proxy)
    _check_stores(target, proxy)
    return target


def parse_endpoint(text: str) -> Endpoint:
    """Scheme, host and optional port of a URL.

    Raises:
        ValueError: it is anything else; the message says what, without the text.
    """
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("has characters that a URL cannot have")
    parts = urlsplit(text)
    if parts.scheme not in {"https", "http"}:
        raise ValueError("must begin with https:// or http://")
    if "@" in parts.netloc or parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("must be scheme, host and port only")
    if not parts.hostname:
        raise ValueError("has no host")
    port = (
        {"https": 443, "http": 80}[parts.scheme] if parts.port is None else parts.port
    )
    if not 0 < port < 65536:
        raise ValueError("has no legal port")
    return Endpoint(scheme=parts.scheme, host=parts.hostname, port=port)


def _endpoint(table: Table, key: str) -> Endpoint | None:
    text = table.optional_text(key)
    if text is None:
        return None
    try:
        return parse_endpoint(text)
    except ValueError as error:
        # The reasons of urlsplit's own ValueErrors (ports, brackets) read well, too.
        raise table.problem(
            key, f"{error}.", 'It looks like "https://localhost:8443".'
        ) from None


def _is_principal(text: str) -> bool:
    """What KMS says in awsPrincipalArn; services call it, too ("Encrypt")."""
    arn, service = r"arn:[!-~]{1,2044}", r"[a-z0-9.-]{1,2000}\.amazonaws\.com(\.cn)?"
    return re.fullmatch(f"{arn}|{service}|AWS Internal", text) is not None


def _console_file(proxy: Table) -> Table | None:
    """The JSON that the KMS console takes ("XKS proxy configuration in …")."""
    path = proxy.optional_path("config_file")
    if path is None:
        return None
    try:
        document = json.loads(read_text(path, "config_file"))
    except (ValueError, RecursionError):
        raise UsageProblem(f"{path}: not valid JSON.") from None
    if not isinstance(document, dict):
        raise UsageProblem(f"{path}: must be a JSON object.")
    return Table(document, "", path)


def _uri_path(proxy: Table, console: Table | None) -> str:
    own = proxy.optional_text("uri_path", valid=is_uri_path, must=_URI_PATH)
    if own:
        return own
    if console:
        return console.text("XksProxyUriPath", valid=is_uri_path, must=_URI_PATH)
    raise proxy.problem(
        "uri_path", "is missing.", "Add uri_path, or config_file, to [proxy]."
    )


def _main_credential(proxy: Table, console: Table | None) -> Credential:
    own = _optional_credential(proxy, "credential")
    if own:
        return own
    if not console:
        raise UsageProblem(
            f"{proxy.file}: [proxy.credential] is missing.",
            "Add it with access_key_id and secret_access_key, or add config_file.",
        )
    table = console.required_table("XksProxyAuthenticationCredential")
    return Credential(
        table.text("AccessKeyId", valid=is_access_key_id, must=_ACCESS_KEY_ID),
        table.text("RawSecretAccessKey", valid=is_secret_access_key, must=_OF_SECRET),
    )


def _optional_credential(parent: Table, key: str) -> Credential | None:
    table = parent.table(key)
    return _credential(table) if table else None


def _credential(table: Table) -> Credential:
    access_key_id = table.text(
        "access_key_id", valid=is_access_key_id, must=_ACCESS_KEY_ID
    )
    secret = table.optional_text(
        "secret_access_key", valid=is_secret_access_key, must=_OF_SECRET
    )
    variable = table.optional_text("secret_access_key_env")
    table.finish()
    if secret and variable:
        raise table.problem("secret_access_key_env", "and secret_access_key: one only.")
    if variable:
        return Credential(access_key_id, _secret_from(variable, table))
    if not secret:
        raise table.problem(
            "secret_access_key", "is missing.", "Add it, or secret_access_key_env."
        )
    return Credential(access_key_id, secret)


def _secret_from(variable: str, table: Table) -> str:
    secret = os.environ.get(variable, "")
    if not secret:
        raise table.problem(
            "secret_access_key_env",
            f"names a variable that is not set: {variable!r}.",
            "Set it, for example with export.",
        )
    if not is_secret_access_key(secret):
        raise table.problem(
            "secret_access_key_env",
            f"names a variable whose value is not legal: {variable!r}.",
            f"It must be {_OF_SECRET}.",
        )
    return secret


def _keys(parent: Table) -> Mapping[str, str]:
    table = parent.required_table("keys")
    keys = {
        role: key_id
        for role in KEY_ROLES
        if (key_id := table.optional_text(role, valid=is_external_key_id, must=_KEY_ID))
    }
    table.finish()
    if "usable" not in keys:
        raise table.problem("usable", "is missing.", f"Add {KEY_ROLES['usable']}.")
    _check_keys(keys, table)
    return keys


def _check_keys(keys: Mapping[str, str], table: Table) -> None:
    role_of: dict[str, str] = {}
    for role in sorted(_DISTINCT_ROLES & keys.keys(), key=list(KEY_ROLES).index):
        other = role_of.setdefault(keys[role], role)
        if other != role:
            raise table.problem(
                role, f"is the same key as {other}.", f"It must be {KEY_ROLES[role]}."
            )
    if len(keys.get("longest", "x" * 128)) != 128:
        raise table.problem("longest", "must have 128 characters.")
    if not set("-_.") <= set(keys.get("special_characters", "-_.")):
        raise table.problem("special_characters", "must contain each of - _ and .")


def _second_store(proxy: Table) -> tuple[StoreTarget | None, bool]:
    """The store, and whether it is claimed to be isolated from the main one."""
    table = proxy.table("second_store")
    if table is None:
        return None, False
    store, isolated = _store(table), table.flag("isolated")
    table.finish()
    return store, isolated


def _store(table: Table) -> StoreTarget:
    return StoreTarget(
        uri_path=table.text("uri_path", valid=is_uri_path, must=_URI_PATH),
        credential=_credential(table.required_table("credential")),
        keys=_keys(table),
    )


def _mtls(proxy: Table) -> MtlsTarget | None:
    table = proxy.table("mtls")
    if table is None:
        return None
    mtls = MtlsTarget(
        endpoint=_endpoint(table, "endpoint"),
        certificate=table.path("certificate"),
        private_key=table.path("private_key"),
        refused=tuple(_refused(row) for row in table.tables("refused")),
    )
    table.finish()
    return mtls


def _refused(row: Table) -> RefusedCertificate:
    refused = RefusedCertificate(
        reason=row.text("reason"),
        certificate=row.path("certificate"),
        private_key=row.path("private_key"),
    )
    row.finish()
    return refused


def _authorization(proxy: Table) -> AuthorizationTarget | None:
    table = proxy.table("authorization")
    if table is None:
        return None
    own_store = any(key in table for key in _OF_STORES)
    authorization = AuthorizationTarget(
        denied_principal_arn=table.text(
            "denied_principal_arn", valid=_is_principal, must=_PRINCIPAL
        ),
        allowed_principal_arn=table.text(
            "allowed_principal_arn", valid=_is_principal, must=_PRINCIPAL
        ),
        store=_store(table) if own_store else None,
    )
    table.finish()
    if authorization.denied_principal_arn == authorization.allowed_principal_arn:
        raise table.problem("denied_principal_arn", "is also the allowed one.")
    return authorization


def _throttled_store(proxy: Table, main: StoreTarget) -> ThrottledStoreTarget | None:
    """The store with a quota; without a path of its own it is the only one."""
    table = proxy.table("throttled_store")
    if table is None:
        return None
    own_store = any(key in table for key in _OF_STORES)
    store = _store(table) if own_store else main
    if own_store and store.uri_path == main.uri_path:
        raise table.problem(
            "uri_path",
            "is that of the proxy itself.",
            "If that is what has the quota, leave uri_path, credential and keys out.",
        )
    throttled = ThrottledStoreTarget(
        uri_path=store.uri_path,
        credential=store.credential,
        keys=store.keys,
        burst=int(table.number("burst", whole=True)),
        requests_per_second=table.number("requests_per_second"),
    )
    table.finish()
    return throttled


def _log(proxy: Table) -> LogTarget | None:
    table = proxy.table("log")
    if table is None:
        return None
    # The proxy may open its log with the first request, so it need not be there yet.
    log = LogTarget(
        file=table.path("file", must_exist=False),
        flush_seconds=table.number("flush_seconds", default=FLUSH_SECONDS),
    )
    table.finish()
    return log


def _operator(proxy: Table) -> OperatorTarget | None:
    table = proxy.table("commands")
    if table is None:
        return None
    given = {name: tuple(table.texts(name)) for name in sorted(COMMANDS)}
    commands = {name: command for name, command in given.items() if command}
    operator = OperatorTarget(
        commands=commands,
        folder=proxy.file.absolute().parent,
        new_credential=_random_credential(),
        health_cached_seconds=table.optional_number(
            "health_cached_seconds", default=_HEALTH_CACHED_SECONDS
        ),
    )
    table.finish()
    for name, undone_by in UNDONE_BY.items():
        if name in commands and undone_by not in commands:
            raise table.problem(
                undone_by, "is missing.", f"Add the command that undoes {name}."
            )
    return operator


def _random_credential() -> Credential:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    access_key_id = "".join(secrets.choice(letters) for _ in range(24))
    return Credential(access_key_id, secrets.token_hex(24))


def _check_stores(target: ProxyTarget, proxy: Table) -> None:
    rotated = target.rotated_credential
    if rotated and rotated.access_key_id == target.credential.access_key_id:
        raise proxy.problem(
            "rotated_credential.access_key_id", "is that of proxy.credential."
        )
    second = target.second_store
    if second and second.uri_path == target.uri_path:
        raise proxy.problem("second_store.uri_path", "is that of the proxy itself.")
