"""The proxy's own error messages, in CloudWatch Logs (KMS-RESP-005).

"KMS logs it to the caller account's CloudWatch Logs", and shows it nowhere else. The
name of the log group is not documented; ours is ``LOG_GROUP``, with the key store's id
as the stream.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from pytest_xks.kms.proxy_calls.client import ProxyCall

__all__ = ["LOG_GROUP", "ProxyLogEntry", "entry_of"]

LOG_GROUP = "/aws/kms/external-key-store"
_NO_STORE_YET = "new"
_MESSAGE_MAX_LENGTH = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyLogEntry:
    """What a proxy said about a request that it refused."""

    time: datetime
    account_id: str
    region: str
    custom_key_store_id: str | None
    external_key_id: str | None
    kms_operation: str
    xks_operation: str
    kms_request_id: str
    error_name: str
    error_message: str

    @property
    def stream(self) -> str:
        """The log stream."""
        return self.custom_key_store_id or _NO_STORE_YET

    @property
    def message(self) -> str:
        """The log event: JSON, without the time, the account and the Region."""
        hidden = {"time", "account_id", "region"}
        document = {
            name: value for name, value in asdict(self).items() if name not in hidden
        }
        return json.dumps(document)


def entry_of(call: ProxyCall) -> ProxyLogEntry | None:
    """The log entry of a call; None if the proxy gave no errorMessage."""
    if call.scenario is None or call.error_message is None:
        return None
    return ProxyLogEntry(
        time=call.time,
        account_id=call.proxy.account_id,
        region=call.proxy.region,
        custom_key_store_id=call.proxy.custom_key_store_id,
        external_key_id=call.external_key_id,
        kms_operation=call.kms_operation,
        xks_operation=str(call.xks_operation),
        kms_request_id=call.request_id,
        error_name=str(call.scenario),
        error_message=call.error_message[:_MESSAGE_MAX_LENGTH],
    )
