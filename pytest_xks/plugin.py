"""The pytest plugin: options, marker, fixtures.

Rule of this file: it imports pytest and nothing heavy. Whoever has the package
installed pays for this module in every run; whoever uses a fixture pays for the rest,
then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from pytest_xks.clock import SimulatedClock
    from pytest_xks.kms.fake import FakeKms
    from pytest_xks.kms.handles import KeyHandle, KeyStoreHandle
    from pytest_xks.proxy.health import ProxyFleet
    from pytest_xks.proxy.mock import MockXksProxy
    from pytest_xks.proxy_api.sigv4 import Credential
    from pytest_xks.serve.xks_server import XksServer

__all__ = [
    "MakeXksKey",
    "MakeXksKeyStore",
    "MakeXksProxy",
    "make_xks_key",
    "make_xks_key_store",
    "make_xks_proxy",
    "xks_fake_kms",
    "xks_key",
    "xks_key_store",
    "xks_kms",
    "xks_proxy",
    "xks_server",
]

Transport = Literal["in-process", "https"]

_TRANSPORTS = ("in-process", "https")
_TRANSPORT_HELP = (
    "how tests reach the mock XKS proxy: 'in-process' (no sockets, no waiting; the "
    "default) or 'https' (real HTTPS on a loopback port)"
)
_MARKER = (
    "xks(*, transport: 'in-process' | 'https' = ..., "
    "allow_unused_faults: bool = False): "
    "how this test uses the xks_ fixtures; outer markers count where inner ones do not"
)
_PROXIES = pytest.StashKey[list["MockXksProxy"]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--xks-transport`` and the ini key of the same name."""
    group = parser.getgroup("xks", "AWS KMS external key stores")
    group.addoption("--xks-transport", choices=_TRANSPORTS, help=_TRANSPORT_HELP)
    parser.addini("xks_transport", _TRANSPORT_HELP, default=_TRANSPORTS[0])


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, and refuse an ini value that means nothing."""
    config.addinivalue_line("markers", _MARKER)
    _check_transport(config.getini("xks_transport"), "the ini key xks_transport")


def _check_transport(value: object, where: str) -> Transport:
    if value not in _TRANSPORTS:
        allowed = " or ".join(repr(each) for each in _TRANSPORTS)
        raise pytest.UsageError(f"{where} must be {allowed}, not {value!r}")
    return cast("Transport", value)


class MakeXksProxy(Protocol):
    """The type of the fixture ``make_xks_proxy``."""

    def __call__(  # noqa: PLR0913 - keyword-only, each with its default
        self,
        *,
        uri_path: str = ...,
        credential: Credential | None = None,
        region: str = ...,
        clock: SimulatedClock | None = None,
        fleet: ProxyFleet | None = None,
        load_balancer_path: str = ...,
    ) -> MockXksProxy:
        """A new mock XKS proxy; see ``pytest_xks.proxy.mock.MockXksProxy``."""
        ...


class MakeXksKeyStore(Protocol):
    """The type of the fixture ``make_xks_key_store``."""

    def __call__(
        self,
        proxy: MockXksProxy | None = None,
        *,
        name: str | None = None,
        connect: bool = True,
        region: str | None = None,
    ) -> KeyStoreHandle:
        """A new external key store; see ``pytest_xks.kms.handles.create_key_store``."""
        ...


class MakeXksKey(Protocol):
    """The type of the fixture ``make_xks_key``."""

    def __call__(
        self,
        external_key_id: str | None = None,
        **parameters: Any,  # noqa: ANN401 - CreateKey's own
    ) -> KeyHandle:
        """A new KMS key in ``xks_key_store``."""
        ...


class _Options:
    """What ``@pytest.mark.xks`` says for one test; a typo in it is an error."""

    def __init__(
        self, *, transport: str | None = None, allow_unused_faults: bool = False
    ) -> None:
        self.transport = transport
        self.allow_unused_faults = allow_unused_faults

    @classmethod
    def of(cls, request: pytest.FixtureRequest) -> _Options:
        """Merge the markers of module, class and function, the inner ones last."""
        merged: dict[str, object] = {}
        for marker in reversed(list(request.node.iter_markers("xks"))):
            if marker.args:
                raise pytest.UsageError("@pytest.mark.xks takes keywords only")
            merged.update(marker.kwargs)
        try:
            return cls(**merged)  # type: ignore[arg-type] # checked by the call
        except TypeError as error:
            raise pytest.UsageError(f"@pytest.mark.xks: {error}; {_MARKER}") from None

    def transport_for(self, config: pytest.Config) -> Transport:
        """The marker's transport, else the option's, else the ini key's."""
        if self.transport is not None:
            return _check_transport(self.transport, "@pytest.mark.xks(transport=...)")
        chosen = config.getoption("xks_transport") or config.getini("xks_transport")
        return cast("Transport", chosen)


@pytest.fixture
def _xks_clock() -> SimulatedClock:
    """The clock of a test: a delay at a proxy is a delay for the fake KMS too."""
    from pytest_xks.clock import SimulatedClock  # noqa: PLC0415 - only when asked for

    return SimulatedClock()


@pytest.fixture
def make_xks_proxy(
    request: pytest.FixtureRequest,
    _xks_clock: SimulatedClock,
) -> Iterator[MakeXksProxy]:
    """A factory of mock XKS proxies; each goes with the test.

    The keywords are those of ``pytest_xks.proxy.mock.MockXksProxy``. A proxy has an
    external key for each role, with the role as its id: ``usable``, ``second``,
    ``encrypt_only``, ``decrypt_only``, ``no_usage``, ``disabled``, ``not_aes_256``.
    """
    from pytest_xks.proxy.mock import (  # noqa: PLC0415 - heavy, so only when asked for
        MockXksProxy,
        add_keys_by_role,
    )

    options = _Options.of(request)
    https = options.transport_for(request.config) == "https"
    proxies: list[MockXksProxy] = []
    request.node.stash[_PROXIES] = proxies

    def make(**keywords: Any) -> MockXksProxy:  # noqa: ANN401 - MakeXksProxy says more
        proxy = MockXksProxy(**{"clock": _xks_clock, **keywords})
        add_keys_by_role(proxy.store)
        proxies.append(proxy)
        return proxy.start_https() if https else proxy

    yield make
    for proxy in proxies:
        proxy.stop()
    if not options.allow_unused_faults:
        _fail_on_unused_faults(proxies)


@pytest.fixture
def xks_proxy(make_xks_proxy: MakeXksProxy) -> MockXksProxy:
    """A mock XKS proxy of the test's own; see ``make_xks_proxy``."""
    return make_xks_proxy()


@pytest.fixture
def xks_fake_kms(_xks_clock: SimulatedClock) -> Iterator[FakeKms]:
    """AWS KMS with external key stores, fresh for each test; all of AWS is moto's.

    See ``pytest_xks.kms.fake.FakeKms``: ``client(region)``, ``cloudtrail``,
    ``metrics``, ``logs``, ``connect_to``, ``trust_ca``, ``behaviour``, ``clock``.
    """
    from pytest_xks.kms.fake import FakeKms  # noqa: PLC0415 - heavy: moto and boto3

    with FakeKms(clock=_xks_clock) as fake:
        yield fake


@pytest.fixture
def xks_kms(xks_fake_kms: FakeKms) -> Any:  # noqa: ANN401 - boto3 makes the type at run time
    """A boto3 KMS client on the fake KMS."""
    return xks_fake_kms.client()


@pytest.fixture
def make_xks_key_store(
    xks_fake_kms: FakeKms, make_xks_proxy: MakeXksProxy
) -> MakeXksKeyStore:
    """A factory of connected external key stores, each on a proxy of its own.

    Keywords: ``proxy`` (a mock proxy to use), ``name``, ``connect=False``, ``region``.
    """
    from pytest_xks.kms.handles import create_key_store  # noqa: PLC0415 - as above

    def make(
        proxy: MockXksProxy | None = None,
        **keywords: Any,  # noqa: ANN401 - MakeXksKeyStore says more
    ) -> KeyStoreHandle:
        return create_key_store(xks_fake_kms, proxy or make_xks_proxy(), **keywords)

    return make


@pytest.fixture
def xks_key_store(
    make_xks_key_store: MakeXksKeyStore, xks_proxy: MockXksProxy
) -> KeyStoreHandle:
    """A connected external key store on ``xks_proxy``."""
    return make_xks_key_store(xks_proxy)


@pytest.fixture
def make_xks_key(xks_key_store: KeyStoreHandle, xks_proxy: MockXksProxy) -> MakeXksKey:
    """A factory of KMS keys in ``xks_key_store``, each on a new external key.

    The first argument is an external key id to use instead; the keywords are those of
    CreateKey.
    """

    def make(
        external_key_id: str | None = None,
        **parameters: Any,  # noqa: ANN401 - CreateKey's own
    ) -> KeyHandle:
        return xks_key_store.create_key(
            external_key_id or xks_proxy.add_key().id, **parameters
        )

    return make


@pytest.fixture
def xks_key(xks_key_store: KeyStoreHandle) -> KeyHandle:
    """A KMS key in ``xks_key_store``, on the external key ``usable``."""
    return xks_key_store.create_key("usable")


@pytest.fixture(scope="session")
def xks_server() -> Iterator[XksServer]:
    """A fake KMS and a mock proxy over real sockets, for clients in other processes.

    ``pytest-xks serve`` in a subprocess, one for the whole session: key stores and keys
    stay. ``environment`` is for the process of a client; see
    ``pytest_xks.serve.xks_server.XksServer``.
    """
    from pytest_xks.serve.xks_server import XksServer  # noqa: PLC0415 - only when asked for

    with XksServer() as server:
        yield server


def _fail_on_unused_faults(proxies: list[MockXksProxy]) -> None:
    unused = [f"  {armed!r}" for proxy in proxies for armed in proxy.unused_faults]
    if unused:
        pytest.fail(
            "These faults of the mock XKS proxy were armed and never hit:\n"
            + "\n".join(unused)
            + "\nSo the test did not rehearse what it meant to. If this is on purpose, "
            "mark it with @pytest.mark.xks(allow_unused_faults=True).",
            pytrace=False,
        )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the proxies of a failed test were asked."""
    report = yield
    proxies = item.stash.get(_PROXIES, [])
    if proxies and call.when == "call" and report.failed:
        for proxy in proxies:
            lines = "\n".join(str(entry) for entry in proxy.requests) or "nothing"
            report.sections.append((f"{proxy!r} was asked", lines))
    return report
