"""Faults of secondary authorization and of quotas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_xks.faults import Replace
from pytest_xks.proxy.faults.catalogue import fault, row
from pytest_xks.proxy.faults.patterns import anything_goes, instead
from pytest_xks.proxy.rules import DeniedError
from pytest_xks.proxy_api.errors import ErrorName, Operation, XksError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from pytest_xks.faults import Effect
    from pytest_xks.proxy.stores import ProxyKeyStore
    from pytest_xks.proxy_api.http import Request
    from pytest_xks.proxy_api.messages import RequestMetadata
    from pytest_xks.proxy_api.uri import Route


row(
    "denies-nobody",
    "Has a policy and does not apply it.",
    instead("authorize", anything_goes),
    violates=("XKS-AUTHZ-002", "XKS-ERR-010"),
)


@fault(violates=("XKS-AUTHZ-003",))
def authorizes_health() -> Effect:
    """Denies GetHealthStatus in a key store that has a policy."""

    def authorize(
        proceed: Callable[..., None],
        store: ProxyKeyStore,
        route: Route,
        metadata: RequestMetadata,
    ) -> None:
        if store.deny and route.operation is Operation.GET_HEALTH_STATUS:
            raise DeniedError(store.deny[0].name)
        proceed(store, route, metadata)

    return Replace("authorize", authorize)


row(
    "quota-not-enforced",
    "Has a request quota and does not apply it.",
    instead("admit", anything_goes),
    violates=("XKS-QUOTA-001",),
)


@fault(violates=("XKS-QUOTA-002",))
def quota_shared_by_all_stores() -> Effect:
    """Throttles the next key store, too, once one has exceeded its quota."""
    exceeded: set[str] = set()

    def admit(proceed: Callable[..., None], store: ProxyKeyStore) -> None:
        if exceeded - {store.uri_path}:
            exceeded.clear()
            raise XksError(ErrorName.THROTTLING)
        try:
            proceed(store)
        except XksError:
            exceeded.add(store.uri_path)
            raise

    return Replace("admit", admit)


# -- what the operator changes --------------------------------------------------------


row(
    "serves-disabled-store",
    "Serves a key store that the operator has disabled.",
    instead("check_store", anything_goes),
    violates=("XKS-ERR-030",),
)


@fault(violates=("XKS-AUTH-026",))
def remembers_credentials() -> Effect:
    """Knows the credentials of its start only, until it is started anew."""
    known: dict[frozenset[str], Mapping[str, str]] = {}

    def authenticate(
        proceed: Callable[..., str],
        request: Request,
        secrets: Mapping[str, str],
        now: datetime,
    ) -> str:
        # The key stores are told apart by their own credentials, which stay.
        first = next((s for ids, s in known.items() if ids <= secrets.keys()), None)
        if first is None:
            first = known[frozenset(secrets)] = dict(secrets)
        return proceed(request, first, now)

    return Replace("authenticate", authenticate)
