"""What ``serve`` says: to programs in the ready file, to people on standard output."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_xks.proxy_api.limits import URI_PATH_SUFFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pytest_xks.certify.targets.proxy_target import ProxyTarget
    from pytest_xks.kms.stores.vpc import VpcEndpointService

__all__ = ["Serving", "instructions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """What is being served."""

    target: ProxyTarget
    """The mock proxy."""
    spare_keys: Sequence[str]
    """External keys besides those of the target, all alike."""
    kms_endpoint_url: str
    custom_key_store_id: str
    """A connected external key store on the mock proxy."""
    vpc_endpoint_service: VpcEndpointService
    another_uri_endpoint: str | None
    """An XksProxyUriEndpoint of the mock proxy that is not in use; None if the user
    routes such names elsewhere."""
    target_file: Path | None
    """Where the target file was written, if anywhere."""

    def ready(self) -> dict[str, object]:
        """The document of the ready file, which programs read: its names are public."""
        target, service = self.target, self.vpc_endpoint_service
        return {
            "kms_endpoint_url": self.kms_endpoint_url,
            "region": target.region,
            "custom_key_store_id": self.custom_key_store_id,
            "vpc_endpoint_service": {
                "name": service.name,
                "private_dns_name": service.private_dns_name,
            },
            "proxy": {
                "endpoint": target.endpoint.url,
                "uri_path": target.uri_path,
                "ca_bundle": str(target.ca_bundle),
                "access_key_id": target.credential.access_key_id,
                "secret_access_key": target.credential.secret_access_key,
                "keys": dict(target.keys),
                "spare_keys": list(self.spare_keys),
            },
        }


def instructions(serving: Serving) -> Iterator[str]:
    """The lines to print."""
    target = serving.target
    yield f"Fake KMS: {serving.kms_endpoint_url} (Region {target.region})"
    yield f"Mock XKS proxy: {target.endpoint.url}{target.uri_path}"
    yield f"External key store: {serving.custom_key_store_id} (connected)"
    yield f"External keys: {_external_keys(serving)}"
    yield ""
    yield "To use it with the AWS CLI (SDKs take the same endpoint and variables):"
    yield from (f"  {line}" for line in _aws_cli(serving))
    yield ""
    if serving.another_uri_endpoint:
        yield "To create another key store (https://<label>.xks.test is this proxy):"
        yield f"  {_create_key_store(serving, serving.another_uri_endpoint)}"
        yield ""
    yield "To run AWS's curl test client (./test-xks-proxy -a), in its folder:"
    for name, value in _variables(target).items():
        yield f"  export {name}={shlex.quote(value)}"
    yield ""
    yield "To certify the proxy:"
    if serving.target_file:
        file = shlex.quote(str(serving.target_file))
        yield f"  pytest-xks certify proxy --target {file}"
    else:
        yield "  pytest-xks certify proxy --from-env    (with the variables above)"
    yield ""
    yield "Press Ctrl-C, or send SIGTERM, to stop."


def _external_keys(serving: Serving) -> str:
    first, last = serving.spare_keys[0], serving.spare_keys[-1]
    return f"{serving.target.keys['usable']}, {first} to {last}"


def _aws_cli(serving: Serving) -> Iterator[str]:
    # Through files and pipes: the releases 1 and 2 read binary arguments differently.
    kms = _kms_command(serving)
    yield "export AWS_ACCESS_KEY_ID=testing AWS_SECRET_ACCESS_KEY=testing"
    yield f"export AWS_DEFAULT_REGION={serving.target.region}"
    yield f"{kms} describe-custom-key-stores"
    yield (
        f"key=$({kms} create-key --origin EXTERNAL_KEY_STORE"
        f" --custom-key-store-id {serving.custom_key_store_id}"
        f" --xks-key-id {serving.target.keys['second']}"
        " --query KeyMetadata.KeyId --output text)"
    )
    yield (
        f'printf hello | {kms} encrypt --key-id "$key" --plaintext fileb:///dev/stdin'
        " --query CiphertextBlob --output text | base64 --decode > hello.encrypted"
    )
    yield (
        f"{kms} decrypt --ciphertext-blob fileb://hello.encrypted"
        " --query Plaintext --output text | base64 --decode"
    )


def _create_key_store(serving: Serving, uri_endpoint: str) -> str:
    credential = serving.target.credential
    parameters = {
        "CustomKeyStoreName": "another",
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyConnectivity": "PUBLIC_ENDPOINT",
        "XksProxyUriEndpoint": uri_endpoint,
        "XksProxyUriPath": serving.target.uri_path,
        "XksProxyAuthenticationCredential": {
            "AccessKeyId": credential.access_key_id,
            "RawSecretAccessKey": credential.secret_access_key,
        },
    }
    # As JSON: release 1 of the AWS CLI fetches an argument that is a URL.
    document = shlex.quote(json.dumps(parameters))
    return (
        f"{_kms_command(serving)} create-custom-key-store --cli-input-json {document}"
    )


def _kms_command(serving: Serving) -> str:
    return f"aws --endpoint-url {shlex.quote(serving.kms_endpoint_url)} kms"


def _variables(target: ProxyTarget) -> dict[str, str]:
    return {
        "XKS_PROXY_HOST": target.endpoint.authority,
        "URI_PREFIX": target.uri_path.removesuffix(URI_PATH_SUFFIX).removeprefix("/"),
        "SIGV4_ACCESS_KEY_ID": target.credential.access_key_id,
        "SIGV4_SECRET_ACCESS_KEY": target.credential.secret_access_key,
        "REGION": target.region,
        "KEY_ID": target.keys["usable"],
        "ENCRYPT_ONLY_KEY_ID": target.keys["encrypt_only"],
        "DECRYPT_ONLY_KEY_ID": target.keys["decrypt_only"],
        "IMPOTENT_KEY_ID": target.keys["no_usage"],
        "SECURE": f"--cacert {target.ca_bundle}",
    }
