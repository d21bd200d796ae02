"""The target file of a KMS emulator: TOML in, ``KmsTarget`` out.

The keys are public; README has an example. The file comes from outside, so every
mistake in it ends as one ``UsageProblem``.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pytest_xks.certify.targets.common_keys import (
    REGION,
    check_contradictions,
    is_region,
    take_not_supported,
)
from pytest_xks.certify.targets.kms_target import (
    KMS_CAPABILITIES,
    KmsTarget,
    ProbeProxySettings,
    VpcEndpointServiceTarget,
)
from pytest_xks.certify.toml.reading import Table, parse_toml, read_text

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["kms_target_from_document", "load_kms_target"]

_INIT = "`pytest-xks init kms` writes a complete example."
_ACCESS_KEY_ID = "1 to 128 letters, digits and _"
_OF_SECRET = "1 to 256 printable characters"  # noqa: S105 - what it is, not a secret
_SERVICE_NAME = "like com.amazonaws.vpce.us-east-1.vpce-svc-0e1f2a3b4c5d6e7f8"
_DNS_NAME = "a host name, such as vpc.xks.test"
_TEMPLATE = 'It looks like "https://{label}.xks.test".'


def load_kms_target(path: Path) -> KmsTarget:
    """Read a target file.

    Raises:
        UsageProblem: the file cannot be read or has a mistake.
    """
    return kms_target_from_document(
        parse_toml(read_text(path, "target file"), path), path
    )


def kms_target_from_document(document: dict[str, object], path: Path) -> KmsTarget:
    """The target that a parsed target file describes.

    Args:
        document: the content of the file.
        path: its file; relative paths in it begin at the folder of that.

    Raises:
        UsageProblem: the document has a mistake.
    """
    top = Table(document, "", path)
    kms = top.required_table("kms", hint=_INIT)
    top.finish()
    target = KmsTarget(
        endpoint_url=_endpoint_url(kms),
        region=kms.optional_text("region", valid=is_region, must=REGION) or "us-east-1",
        access_key_id=kms.text(
            "access_key_id", valid=_is_access_key_id, must=_ACCESS_KEY_ID
        ),
        secret_access_key=_secret(kms),
        ca_bundle=kms.optional_path("ca_bundle"),
        proxy=_probe_proxy(kms.required_table("proxy", hint=_INIT)),
        vpc_endpoint_service=_vpc_endpoint_service(kms),
        settling_seconds=kms.optional_number("settling_seconds", default=30.0),
        not_supported=take_not_supported(kms, KMS_CAPABILITIES),
        source=str(path),
    )
    kms.finish()
    check_contradictions(target, kms)
    return target


def _is_access_key_id(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9_]{1,128}", text) is not None


def _is_secret(text: str) -> bool:
    return re.fullmatch(r"[!-~]{1,256}", text) is not None


def _is_service_name(text: str) -> bool:
    return re.fullmatch(r"[a-z0-9.-]+\.vpce-svc-[0-9a-z]+", text) is not None


def _is_dns_name(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+", text) is not None


def _endpoint_url(kms: Table) -> str:
    url = kms.text("endpoint_url")
    if wrong := _wrong_url(url):
        raise kms.problem(
            "endpoint_url", wrong, 'It looks like "http://127.0.0.1:5599".'
        )
    return url


def _wrong_url(url: str) -> str:
    """What is wrong with the URL of an endpoint; empty if it is a good one."""
    if not re.fullmatch(r"[!-~]+", url):
        return "has characters that a URL cannot have."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "is no URL."
    if parts.scheme not in {"https", "http"}:
        return "must begin with https:// or http://."
    if not parts.hostname or port == 0:
        return "must have a host, and a port above 0 if any."
    if "@" in parts.netloc or parts.query or parts.fragment:
        return "must be scheme, host, port and path only."
    return ""


def _secret(kms: Table) -> str:
    secret = kms.optional_text("secret_access_key", valid=_is_secret, must=_OF_SECRET)
    variable = kms.optional_text("secret_access_key_env")
    if secret and variable:
        raise kms.problem("secret_access_key_env", "and secret_access_key: one only.")
    if variable:
        secret = os.environ.get(variable, "")
        if not _is_secret(secret):
            raise kms.problem(
                "secret_access_key_env",
                f"names a variable that is not set, or not legal: {variable!r}.",
                f"It must be {_OF_SECRET}.",
            )
    if not secret:
        raise kms.problem(
            "secret_access_key", "is missing.", "Add it, or secret_access_key_env."
        )
    return secret


def _probe_proxy(proxy: Table) -> ProbeProxySettings:
    host, port = _listen(proxy)
    settings = ProbeProxySettings(
        host=host,
        port=port,
        endpoint_template=_endpoint_template(proxy),
        ca_certificate=proxy.optional_path("ca_certificate"),
        ca_private_key=proxy.optional_path("ca_private_key"),
    )
    proxy.finish()
    if (settings.ca_certificate is None) != (settings.ca_private_key is None):
        missing = "ca_private_key" if settings.ca_certificate else "ca_certificate"
        raise proxy.problem(missing, "is missing.", "Give both, or neither.")
    return settings


def _listen(proxy: Table) -> tuple[str, int]:
    """Address and port; an IPv6 address is written in brackets."""
    text = proxy.text("listen")
    host, _, port = text.rpartition(":")
    host = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    is_port = re.fullmatch(r"[0-9]{1,5}", port) and int(port) < 65536
    if not is_port or not re.fullmatch(r"[A-Za-z0-9.:-]+", host):
        raise proxy.problem(
            "listen", "is no address and port.", 'It looks like "127.0.0.1:9443".'
        )
    return host, int(port)


def _endpoint_template(proxy: Table) -> str:
    template = proxy.text("endpoint_template")
    named = set(re.findall(r"\{[^{}]*\}|[{}]", template)) - {"{label}", "{port}"}
    if named or "{label}" not in template:
        raise proxy.problem(
            "endpoint_template",
            "must contain {label}, may contain {port}, and no other braces.",
            _TEMPLATE,
        )
    url = template.format(label="label", port=443)
    if not url.startswith("https://") or _wrong_url(url) or urlsplit(url).path:
        raise proxy.problem(
            "endpoint_template", "must be https:// and a host name.", _TEMPLATE
        )
    return template


def _vpc_endpoint_service(kms: Table) -> VpcEndpointServiceTarget | None:
    table = kms.table("vpc_endpoint_service")
    if table is None:
        return None
    service = VpcEndpointServiceTarget(
        name=table.text("name", valid=_is_service_name, must=_SERVICE_NAME),
        private_dns_name=table.text(
            "private_dns_name", valid=_is_dns_name, must=_DNS_NAME
        ),
    )
    table.finish()
    return service
