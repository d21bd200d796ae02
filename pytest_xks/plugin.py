"""The pytest plugin: options, marker, fixtures.

Rule of this file: it imports pytest and nothing heavy. Whoever has the package
installed pays for this module in every run; whoever uses a fixture pays for the rest,
then.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, Protocol, Unpack, cast

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from mypy_boto3_kms import KMSClient

    from pytest_xks.clock import SimulatedClock
    from pytest_xks.handles import KeyHandle, KeyStoreHandle
    from pytest_xks.kms.fake import FakeKms
    from pytest_xks.proxy.mock import MockXksProxy, MockXksProxyOptions
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

_Transport = Literal["in-process", "https"]

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
_SCOPE_MISMATCH = re.compile(r"ScopeMismatch: .* fixture ((?:make_)?xks_\w+) with")
_WIDER_SCOPE = """\
The fixture {name} is fresh for each test. For a class, a module or the whole session,
make one of your own:

    @pytest.fixture(scope="module")
    def xks():
        with pytest_xks.mock_xks() as xks:
            yield xks

It is the fake KMS, and has `proxy`, `key_store` and `key`."""
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


def _check_transport(value: object, where: str) -> _Transport:
    if value not in _TRANSPORTS:
        allowed = " or ".join(repr(each) for each in _TRANSPORTS)
        raise pytest.UsageError(f"{where} must be {allowed}, not {value!r}")
    return cast("_Transport", value)


class MakeXksProxy(Protocol):
    """The type of the fixture ``make_xks_proxy``."""

    def __call__(self, **options: Unpack[MockXksProxyOptions]) -> MockXksProxy:
        """A new mock XKS proxy; the options are those of ``MockXksProxy``."""
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
        """A new external key store.

        Args:
            proxy: its proxy; one of its own by default.
            name: the friendly name; made up by default.
            connect: whether to connect it too.
            region: the Region; that of the fake KMS by default.
        """
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

    def transport_for(self, config: pytest.Config) -> _Transport:
        """The marker's transport, else the option's, else the ini key's."""
        if self.transport is not None:
            return _check_transport(self.transport, "@pytest.mark.xks(transport=...)")
        chosen = config.getoption("xks_transport") or config.getini("xks_transport")
        return cast("_Transport", chosen)


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

    The keywords are those of ``pytest_xks.MockXksProxy``. A proxy has an external key
    for each role, with the role as its id: ``usable``, ``second``, ``encrypt_only``,
    ``decrypt_only``, ``no_usage``, ``disabled``, ``not_aes_256``.
    """
    from pytest_xks.proxy.mock import proxy_with_keys  # noqa: PLC0415 - heavy

    options = _Options.of(request)
    https = options.transport_for(request.config) == "https"
    proxies: list[MockXksProxy] = []
    request.node.stash[_PROXIES] = proxies

    def make(**options_of_proxy: Unpack[MockXksProxyOptions]) -> MockXksProxy:
        proxy = proxy_with_keys(_xks_clock, **options_of_proxy)
        proxies.append(proxy)
        return proxy.start_https() if https else proxy

    yield make
    for proxy in proxies:
        proxy.stop()
    if not options.allow_unused_faults:
        unused = [each for proxy in proxies for each in proxy.unused_faults]
        _fail_on_unused_faults("the mock XKS proxy", unused)


@pytest.fixture
def xks_proxy(make_xks_proxy: MakeXksProxy) -> MockXksProxy:
    """A mock XKS proxy of the test's own; see ``make_xks_proxy``."""
    return make_xks_proxy()


@pytest.fixture
def xks_fake_kms(
    request: pytest.FixtureRequest, _xks_clock: SimulatedClock
) -> Iterator[FakeKms]:
    """AWS KMS with external key stores, fresh for each test; all of AWS is moto's.

    See ``pytest_xks.FakeKms``: ``client(region)``, ``cloudtrail``, ``metrics``,
    ``logs``, ``connect_to``, ``trust_ca``, ``behaviour``, ``fault``, ``clock``.
    """
    from pytest_xks.kms.fake import FakeKms  # noqa: PLC0415 - heavy: moto and boto3

    options = _Options.of(request)
    with FakeKms(clock=_xks_clock) as fake:
        yield fake
    if not options.allow_unused_faults:
        _fail_on_unused_faults("the fake KMS", fake.unused_faults)


@pytest.fixture
def xks_kms(xks_fake_kms: FakeKms) -> KMSClient:
    """A boto3 KMS client on the fake KMS.

    Type checkers need ``boto3-stubs[kms]`` to see more than that it is one.
    """
    kms: KMSClient = xks_fake_kms.client()
    return kms


@pytest.fixture
def make_xks_key_store(
    xks_fake_kms: FakeKms, make_xks_proxy: MakeXksProxy
) -> MakeXksKeyStore:
    """A factory of connected external key stores, each on a proxy of its own.

    Keywords: ``proxy`` (a mock proxy to use), ``name``, ``connect=False``, ``region``.
    """
    from pytest_xks.handles import create_key_store  # noqa: PLC0415 - as above

    def make(
        proxy: MockXksProxy | None = None,
        *,
        name: str | None = None,
        connect: bool = True,
        region: str | None = None,
    ) -> KeyStoreHandle:
        return create_key_store(
            xks_fake_kms,
            proxy or make_xks_proxy(),
            name=name,
            connect=connect,
            region=region,
        )

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
    stay. ``environment`` is for the process of a client; see ``pytest_xks.XksServer``.
    """
    from pytest_xks.serve.xks_server import XksServer  # noqa: PLC0415 - only when asked for

    with XksServer() as server:
        yield server


def _fail_on_unused_faults(owner: str, unused: Sequence[object]) -> None:
    if not unused:
        return
    listed = "\n".join(f"  {armed!r}" for armed in unused)
    pytest.fail(
        f"These faults of {owner} were armed and never hit:\n{listed}\n"
        "So the test did not rehearse what it meant to. If this is on purpose, mark "
        "it with @pytest.mark.xks(allow_unused_faults=True).",
        pytrace=False,
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what helps with a failure: the requests to the proxies, or the scopes."""
    report = yield
    if report.failed and call.when == "call":
        report.sections += _requests_of(item.stash.get(_PROXIES, []))
    if report.failed and call.excinfo:
        report.sections += _remedy_for(str(call.excinfo.value))
    return report


def _requests_of(proxies: list[MockXksProxy]) -> Iterator[tuple[str, str]]:
    for proxy in proxies:
        lines = "\n".join(str(entry) for entry in proxy.requests) or "nothing"
        yield f"{proxy!r} was asked", lines


def _remedy_for(message: str) -> Iterator[tuple[str, str]]:
    if found := _SCOPE_MISMATCH.search(message):
        yield "pytest-xks", _WIDER_SCOPE.format(name=found[1])
