"""The proxy itself: a request in, a delivery out. No socket, no thread, no TLS.

The order of the checks is that of ``_RequestContext``. AMBIGUOUS: the specification
gives no order. Ours: path, method, signature, quota, JSON and requestMetadata, policy,
key, the key's state and usage, parameters.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_xks.clock import SystemClock
from pytest_xks.faults import FaultBoard, Occasion
from pytest_xks.http.defects import log_defect
from pytest_xks.http.delivery import Delivery
from pytest_xks.http.tricks import PREVENTS_CONNECTION
from pytest_xks.proxy.faults.catalogue import CATALOGUE
from pytest_xks.proxy.faulty import under_faults
from pytest_xks.proxy.health import ProxyFleet
from pytest_xks.proxy.journal import Journal, JournalEntry
from pytest_xks.proxy.rules import DeniedError, Rules
from pytest_xks.proxy_api import messages
from pytest_xks.proxy_api.errors import ErrorName, XksError
from pytest_xks.proxy_api.http import Response
from pytest_xks.proxy_api.messages import EncryptParameters
from pytest_xks.proxy_api.uri import parse_path

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_xks.clock import Clock
    from pytest_xks.proxy.stores import ProxyKeyStore
    from pytest_xks.proxy_api.errors import Operation
    from pytest_xks.proxy_api.http import Request
    from pytest_xks.proxy_api.messages import RequestMetadata
    from pytest_xks.proxy_api.uri import Route

__all__ = ["ProxyCore"]

Document = dict[str, object]


class ProxyCore:
    """Answers requests; safe to call from many threads at once.

    Args:
        clock: what time it is, for signatures, quotas and durations.
        load_balancer_path: "an XKS Proxy MUST also implement the necessary health
        checks
            for the load balancers it intends to support" ("Load balancer health
            checks"): GET and HEAD here answer 200 without a signature.
        fleet: what GetHealthStatus reports.
        rules: how to answer; the specification's way by default.
    """

    def __init__(
        self,
        *,
        clock: Clock | None = None,
        load_balancer_path: str = "/ping",
        fleet: ProxyFleet | None = None,
        rules: Rules | None = None,
    ) -> None:
        self.clock = clock or SystemClock()
        self.load_balancer_path = load_balancer_path
        self.fleet = fleet or ProxyFleet()
        self.rules = rules or Rules()
        self.faults = FaultBoard(CATALOGUE, counted=PREVENTS_CONNECTION)
        self.journal = Journal()
        self._stores: dict[str, ProxyKeyStore] = {}

    @property
    def stores(self) -> Mapping[str, ProxyKeyStore]:
        """Key stores by URI path."""
        return self._stores

    def add_store(self, store: ProxyKeyStore) -> None:
        """Serve one more path prefix.

        Raises:
            ValueError: the URI path is taken.
        """
        if store.uri_path in self._stores:
            raise ValueError(f"there is a key store at {store.uri_path!r} already")
        self._stores[store.uri_path] = store

    def handle(self, request: Request) -> Delivery:
        """Answer one request. Never raises: an unforeseen failure is a 500."""
        if request.path == self.load_balancer_path and request.method in {
            "GET",
            "HEAD",
        }:
            return Delivery(response=_ALIVE)
        started = self.clock.monotonic()
        chances = self.faults.at(_occasion(request)) if self.faults.armed else ()
        rules = under_faults(self.rules, chances) if chances else self.rules
        context = _RequestContext(self, request, rules)
        delivery = rules.deliver(context.answer(), request)
        duration = (self.clock.monotonic() - started) * 1000 + delivery.delay_ms
        entry = context.entry(delivery.response, duration)
        rules.log(entry)
        struck = ", ".join(each.armed.name for each in chances if each.struck)
        self.journal.add(replace(entry, fault=struck) if struck else entry)
        return delivery


_ALIVE = Response(status=200, headers=(("Content-Type", "text/plain"),), body=b"OK\n")


def _occasion(request: Request) -> Occasion:
    """What a request is about, going by its path, for faults that are choosy."""
    route = parse_path(request.path)
    if route is None:
        return Occasion()
    key = route.external_key_id
    return Occasion(
        operation=route.operation,
        key_stores=frozenset({route.uri_path}),
        external_key_ids=frozenset({key} if key else ()),
    )


class _RequestContext:
    """One request on its way through the rules, and what is known of it so far."""

    def __init__(self, core: ProxyCore, request: Request, rules: Rules) -> None:
        self._core = core
        self._request = request
        self._rules = rules
        self._route: Route | None = None
        self._access_key_id: str | None = None
        self._metadata: RequestMetadata | None = None
        self._error: XksError | None = None

    def answer(self) -> Response:
        """The response; every failure has become one."""
        try:
            store = self._find_store()
            if not self._rules.allows_method(self._request.method):
                return self._rules.refuse_method(self._request.method)
            return self._rules.respond(self._serve(store))
        except XksError as error:
            self._error = error
        except Exception as error:  # noqa: BLE001 - a client gets an answer, whatever happens
            log_defect(error)
            self._error = XksError(ErrorName.INTERNAL)
        return self._rules.respond_error(self._error)

    def _find_store(self) -> ProxyKeyStore:
        route = self._rules.parse_path(self._request.path)
        store = self._core.stores.get(route.uri_path) if route else None
        if route is None or store is None:
            raise XksError(ErrorName.INVALID_URI_PATH)
        self._route = route
        return store

    def _serve(self, store: ProxyKeyStore) -> Document:
        rules, route = self._rules, self._route
        assert route is not None  # noqa: S101 - _find_store set it
        self._access_key_id = rules.authenticate(
            self._request, store.secrets, self._core.clock.now()
        )
        rules.admit(store)
        document = rules.parse_document(self._request.body)
        self._metadata = rules.parse_metadata(document, route.operation)
        rules.check_store(store)
        rules.authorize(store, route, self._metadata)
        if route.external_key_id is None:
            return messages.render_health_status(rules.health(self._core.fleet))
        return self._use_key(store, route.external_key_id, route.operation, document)

    def _use_key(
        self,
        store: ProxyKeyStore,
        external_key_id: str,
        operation: Operation,
        document: Document,
    ) -> Document:
        rules = self._rules
        key = rules.find_key(store, external_key_id)
        rules.check_key_state(key, operation)
        rules.check_key_usage(key, operation)
        parameters = rules.parse_parameters(document, operation)
        self._core.fleet.require_available()
        if parameters is None:
            return messages.render_key_metadata(rules.get_key_metadata(key))
        rules.check_lengths(parameters)
        rules.check_sizes(parameters)
        if isinstance(parameters, EncryptParameters):
            return messages.render_encrypt(rules.encrypt(key, parameters, rules))
        return messages.render_decrypt(rules.open(key, parameters, rules))

    def entry(self, response: Response, duration_ms: float) -> JournalEntry:
        """What the journal keeps."""
        error, route, metadata = self._error, self._route, self._metadata
        return JournalEntry(
            time=self._core.clock.now(),
            method=self._request.method,
            path=self._request.path,
            uri_path=route.uri_path if route else None,
            operation=route.operation if route else None,
            external_key_id=route.external_key_id if route else None,
            access_key_id=self._access_key_id,
            request_metadata=metadata.as_document() if metadata else {},
            status=response.status,
            error_name=error.name.value if error else None,
            error_message=error.message if error else None,
            denied_by=error.statement if isinstance(error, DeniedError) else None,
            duration_ms=duration_ms,
        )
