"""``mock_xks``: the fake KMS and a mock proxy without the fixtures.

For tests that want them for longer than one test, and for those who use moto's
``mock_aws`` by hand.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, Unpack, overload

from pytest_xks.clock import SimulatedClock
from pytest_xks.decorating import decorate
from pytest_xks.handles import create_key_store
from pytest_xks.kms.fake import FakeKms
from pytest_xks.proxy.mock import proxy_with_keys

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_xks.faults import ArmedFault
    from pytest_xks.handles import KeyHandle, KeyStoreHandle
    from pytest_xks.proxy.mock import MockXksProxy, MockXksProxyOptions

__all__ = ["FakeKmsWithProxy", "XksMock", "mock_xks"]

Decorated = TypeVar(
    "Decorated",
    bound="Callable[..., Any] | classmethod[Any, ..., Any] | staticmethod[..., Any]",
)

_MADE_ON_FIRST_USE = ("proxy", "key_store", "key")


class FakeKmsWithProxy(FakeKms):
    """A fake KMS with a mock XKS proxy, a key store and a key, made when asked for.

    They share one clock, so that a delay at the proxy is a delay for KMS too, and they
    end with the fake.
    """

    clock: SimulatedClock

    def __init__(self) -> None:
        super().__init__(clock=SimulatedClock())
        self._proxies: list[MockXksProxy] = []

    @cached_property
    def proxy(self) -> MockXksProxy:
        """A mock XKS proxy with an external key for each role, as ``xks_proxy`` is."""
        return self.create_proxy()

    @cached_property
    def key_store(self) -> KeyStoreHandle:
        """A connected external key store on ``proxy``."""
        return self.create_key_store(self.proxy)

    @cached_property
    def key(self) -> KeyHandle:
        """A KMS key in ``key_store``, on the external key ``usable``."""
        return self.key_store.create_key("usable")

    def create_proxy(self, **options: Unpack[MockXksProxyOptions]) -> MockXksProxy:
        """Make another mock XKS proxy with an external key for each role.

        Args:
            options: those of ``MockXksProxy``.

        Raises:
            ValueError: an argument that KMS would not accept.
        """
        proxy = proxy_with_keys(self.clock, **options)
        self._proxies.append(proxy)
        return proxy

    def create_key_store(
        self,
        proxy: MockXksProxy | None = None,
        *,
        name: str | None = None,
        connect: bool = True,
        region: str | None = None,
    ) -> KeyStoreHandle:
        """Create another external key store.

        Args:
            proxy: its proxy; one of its own by default.
            name: the friendly name; made up by default.
            connect: whether to connect it too.
            region: the Region; the fake's own by default.

        Raises:
            ClientError: CreateCustomKeyStore's.
        """
        return create_key_store(
            self,
            proxy or self.create_proxy(),
            name=name,
            connect=connect,
            region=region,
        )

    @property
    def unused_faults(self) -> tuple[ArmedFault, ...]:
        """The faults, also of its proxies, that have been armed and never hit."""
        of_proxies = [each for proxy in self._proxies for each in proxy.unused_faults]
        return (*super().unused_faults, *of_proxies)

    def stop(self) -> None:
        """End, with every proxy and key store; no-op if it has ended."""
        super().stop()
        for proxy in self._proxies:
            proxy.stop()
        for name in _MADE_ON_FIRST_USE:
            vars(self).pop(name, None)


class XksMock:
    """What ``mock_xks()`` gives: a context manager, and a decorator."""

    def __init__(
        self, configure: Callable[[FakeKmsWithProxy], object] | None = None
    ) -> None:
        self._configure = configure
        self._started: list[FakeKmsWithProxy] = []

    def __call__(self, target: Decorated) -> Decorated:
        """Decorate something; each of its calls, each test, has a fake of its own.

        Raises:
            TypeError: it cannot be decorated.
        """
        decorated: Decorated = decorate(
            target, lambda: type(self)(self._configure), "@mock_xks"
        )
        return decorated

    def __enter__(self) -> FakeKmsWithProxy:
        """Start."""
        fake = FakeKmsWithProxy()
        fake.start()
        self._started.append(fake)
        try:
            if self._configure:
                self._configure(fake)
        except BaseException:
            self.__exit__()
            raise
        return fake

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._started.pop().stop()


@overload
def mock_xks(target: Decorated, /) -> Decorated: ...
@overload
def mock_xks(
    *, configure: Callable[[FakeKmsWithProxy], object] | None = None
) -> XksMock: ...
def mock_xks(
    target: Decorated | None = None,
    /,
    *,
    configure: Callable[[FakeKmsWithProxy], object] | None = None,
) -> Decorated | XksMock:
    """moto's ``mock_aws`` with external key stores.

    A context manager, and a decorator with or without parentheses: of functions,
    coroutines, generators (a fixture that yields), methods, classes of pytest and of
    unittest, and other callables. It may stand inside or outside of ``mock_aws``, or
    alone: it mocks AWS itself. It does not fail on faults that nothing hit;
    ``unused_faults`` of the fake has them.

    Of a class, each test has a fake of its own, from before ``setUp`` and
    ``setup_method`` until after ``tearDown`` and ``teardown_method``.

    Args:
        target: what it decorates, without parentheses.
        configure: called with the fake once it works; for the decorator, which has no
            other way to hand it over.

    Raises:
        TypeError: it cannot be decorated.
    """
    mock = XksMock(configure)
    return mock if target is None else mock(target)
