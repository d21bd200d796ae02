"""CreateKey as checks call it: good parameters, and one thing changed. And ListKeys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..client.expect import control, expect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..client.expect import Outcome
    from ..client.key_stores import KeyStore
    from ..client.kms_client import KmsClient
    from ..client.provisioning import Provisioner
    from ..client.reply import KmsReply

__all__ = ["Creator", "key_ids"]

_PAGES = 1000


class Creator:
    """Creates KMS keys in a store, each on an external key of its own.

    Args:
        kms: the endpoint.
        provisioner: is told of every key, so that it is removed.
        store: the store, connected.
    """

    def __init__(
        self, kms: KmsClient, provisioner: Provisioner, store: KeyStore
    ) -> None:
        self._kms = kms
        self._provisioner = provisioner
        self.store = store

    def call(self, label: str = "probe: CreateKey", /, **changes: object) -> KmsReply:
        """Create a key, on a new external key unless XksKeyId is given.

        Args:
            label: what the call is for.
            changes: parameters to replace; None leaves one out.
        """
        parameters: dict[str, object] = {
            "Origin": "EXTERNAL_KEY_STORE",
            "CustomKeyStoreId": self.store.id,
            **changes,
        }
        if "XksKeyId" not in parameters:
            parameters["XksKeyId"] = self.store.proxy.add_key().id
        given: dict[str, Any] = {
            name: value for name, value in parameters.items() if value is not None
        }
        reply = self._kms.call("CreateKey", label=label, **given)
        self._provisioner.adopt_key(reply)
        return reply

    def control(self, **changes: object) -> None:
        """A good key can be created.

        Without changes, it is the key that all checks of the run share.

        Raises:
            NotTestable: it cannot.
        """
        if changes:
            control(self.call("control: a good key", **changes))
        else:
            self._provisioner.shared_key(self._kms)

    def refuses(self, *accepted: Outcome, **defect: object) -> None:
        """A key is created without the defect, and not with it.

        The one without is the key that all checks of the run share.

        Args:
            accepted: the refusals that are.
            defect: parameters to replace; None leaves one out.

        Raises:
            NotTestable: not without it either.
            Violation: the answer is another one.
        """
        self.control()
        expect(self.call(**defect), *accepted)


def key_ids(kms: KmsClient) -> Iterator[str]:
    """The ids of all keys that ListKeys lists, page by page.

    Raises:
        NotTestable: it fails.
    """
    page: dict[str, Any] = {}
    for _ in range(_PAGES):
        document = control(kms.call("ListKeys", label="control: all keys", **page))
        for entry in document.get("Keys") or []:
            yield str(entry.get("KeyId"))
        if not document.get("Truncated"):
            return
        page = {"Marker": document.get("NextMarker")}
