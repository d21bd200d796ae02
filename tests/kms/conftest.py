"""What the tests of the fake KMS share: a fake KMS with a proxy.

A test that asks for ``system`` runs twice, in-process and over real HTTPS, and the
results must be the same. ``local_system`` is for what no transport can change.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from botocore.exceptions import ClientError

from pytest_xks.kms.fake import FakeKms
from pytest_xks.proxy.mock import MockXksProxy, add_keys_by_role

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONTEXT = {"project": "nile", "department": "marketing"}


class System:
    """A mock proxy, a fake KMS that is led to it, and what tests do with them."""

    def __init__(self, *, https: bool) -> None:
        self.https = https
        self.proxy = MockXksProxy()
        add_keys_by_role(self.proxy.store)
        self.fake = FakeKms(clock=self.proxy.clock)
        if https:
            self.proxy.start_https()
            self.endpoint = "https://localhost"
            port = int(self.proxy.endpoint.rpartition(":")[2])
            self.fake.connect_to("localhost", ("127.0.0.1", port))
            self.fake.trust_ca(self.proxy.ca_certificate)
        else:
            self.endpoint = self.proxy.endpoint
            self.fake.connect_to(self.endpoint, self.proxy.transport)
        self.fake.start()
        self.kms = self.fake.client()

    def close(self) -> None:
        """Leave nothing behind."""
        self.fake.stop()
        self.proxy.stop()

    def store_parameters(self, **changes: Any) -> dict[str, Any]:
        """The parameters of CreateCustomKeyStore, with changes; None leaves one out."""
        credential = self.proxy.credential
        parameters = {
            "CustomKeyStoreName": "example-store",
            "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
            "XksProxyConnectivity": "PUBLIC_ENDPOINT",
            "XksProxyUriEndpoint": self.endpoint,
            "XksProxyUriPath": self.proxy.uri_path,
            "XksProxyAuthenticationCredential": {
                "AccessKeyId": credential.access_key_id,
                "RawSecretAccessKey": credential.secret_access_key,
            },
            **changes,
        }
        return {name: value for name, value in parameters.items() if value is not None}

    def create_store(self, **changes: Any) -> str:
        """Create a store and return its id."""
        response = self.kms.create_custom_key_store(**self.store_parameters(**changes))
        return response["CustomKeyStoreId"]

    def connected_store(self) -> str:
        """Create a store, connect it, and return its id."""
        store_id = self.create_store()
        self.kms.connect_custom_key_store(CustomKeyStoreId=store_id)
        return store_id

    def create_key(self, store_id: str | None = None, **changes: Any) -> str:
        """Create a KMS key on the usable external key and return its ARN."""
        parameters = {
            "Origin": "EXTERNAL_KEY_STORE",
            "CustomKeyStoreId": store_id or self.connected_store(),
            "XksKeyId": "usable",
            **changes,
        }
        return self.kms.create_key(**parameters)["KeyMetadata"]["Arn"]

    def plain_key(self) -> str:
        """Create a standard KMS key and return its ARN."""
        return self.kms.create_key()["KeyMetadata"]["Arn"]

    def describe_store(self, store_id: str) -> dict[str, Any]:
        """The store's entry in DescribeCustomKeyStores."""
        found = self.kms.describe_custom_key_stores(CustomKeyStoreId=store_id)
        return found["CustomKeyStores"][0]

    def key_state(self, key_id: str) -> str:
        """The KeyState in DescribeKey."""
        return self.kms.describe_key(KeyId=key_id)["KeyMetadata"]["KeyState"]

    def tamper(self, edit: Callable[[dict[str, Any]], object]) -> None:
        """Edit the document of every success of the proxy from now on."""
        rules = self.proxy._core.rules

        def respond(document: Any) -> Any:
            copy = dict(document)
            edit(copy)
            return rules.respond(copy)

        self.proxy._core.rules = replace(rules, respond=respond)


class AssertKmsError(Protocol):
    """Asserts that a call fails with a code and, if one is given, with a message."""

    def __call__(
        self, call: Callable[[], object], code: str, message: str | None = None
    ) -> ClientError:
        """Call, and return the error."""
        ...


@pytest.fixture(params=["in-process", "https"])
def system(request: pytest.FixtureRequest) -> Iterator[System]:
    """A proxy and a fake KMS, in-process or over real HTTPS."""
    made = System(https=request.param == "https")
    yield made
    made.close()


@pytest.fixture
def local_system() -> Iterator[System]:
    """A proxy and a fake KMS without sockets, for what no transport can change."""
    made = System(https=False)
    yield made
    made.close()


@pytest.fixture
def assert_kms_error() -> AssertKmsError:
    """The shape of every error of the KMS API."""

    def check(
        call: Callable[[], object], code: str, message: str | None = None
    ) -> ClientError:
        with pytest.raises(ClientError) as caught:
            call()
        error = caught.value.response["Error"]
        assert code == error["Code"]
        if message is not None:
            assert message == error["Message"]
        return caught.value

    return check
