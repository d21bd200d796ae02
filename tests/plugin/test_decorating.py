"""``@mock_xks`` on whatever may be a test, a fixture or a part of one."""

from __future__ import annotations

import asyncio
import functools
import unittest

import boto3
import pytest
from moto import mock_aws

from pytest_xks import mock_xks


def seen() -> int:
    """How many keys there are in the fake, after one more was made."""
    kms = boto3.client("kms", "us-east-1")
    kms.describe_custom_key_stores()
    kms.create_key(Description="plain")
    return len(kms.list_keys()["Keys"])


def is_mocked() -> bool:
    """Whether there is a fake KMS now; moto alone has no key stores."""
    with mock_aws():
        try:
            boto3.client("kms", "us-east-1").describe_custom_key_stores()
        except NotImplementedError:
            return False
    return True


@mock_xks
async def coroutine(add: int) -> int:
    """A coroutine function."""
    await asyncio.sleep(0)
    return seen() + add


@mock_xks
def generator():
    """A generator function."""
    got = yield seen()
    try:
        yield got, seen()
    except KeyError:
        yield seen()
    return "end"


@mock_xks()
async def async_generator():
    """An asynchronous generator function."""
    got = yield seen()
    try:
        yield got, seen()
    except KeyError:
        yield seen()


class Callable:
    """Objects that can be called."""

    def __call__(self, add: int) -> int:
        """As a function."""
        return seen() + add


class AsyncCallable:
    """Objects whose call is a coroutine."""

    async def __call__(self) -> int:
        """As a coroutine function."""
        return seen()


class Methods:
    """Methods of each kind, decorated one by one."""

    @mock_xks
    def method(self) -> int:
        """How many keys there are."""
        return seen()

    @mock_xks
    @classmethod
    def of_class(cls) -> tuple[str, int]:
        """How many keys there are."""
        return cls.__name__, seen()

    @classmethod
    @mock_xks
    def below(cls) -> int:
        """How many keys there are."""
        return seen()

    @mock_xks
    @staticmethod
    def static() -> int:
        """How many keys there are."""
        return seen()


def test_coroutines():
    """A coroutine function is one still, and mocked while it runs."""
    assert asyncio.iscoroutinefunction(coroutine)
    assert [asyncio.run(coroutine(add=1)) for _ in range(2)] == [2, 2]
    assert not is_mocked()


def test_generators():
    """It is mocked from the first value to the end; what is sent and thrown arrives."""
    values = generator()
    assert next(values) == 1
    assert values.send("sent") == ("sent", 2)
    assert values.throw(KeyError) == 3
    with pytest.raises(StopIteration, match="end"):
        next(values)
    assert not is_mocked()


def test_async_generators():
    """So is an asynchronous one, which may also be left early."""

    async def use():
        values = async_generator()
        assert await anext(values) == 1
        assert await values.asend("sent") == ("sent", 2)
        assert await values.athrow(KeyError) == 3
        assert [each async for each in values] == []
        left = async_generator()
        assert await anext(left) == 1
        await left.aclose()

    asyncio.run(use())
    assert not is_mocked()


def test_methods():
    """Methods, class methods and static methods, in either order."""
    assert Methods().method() == Methods.below() == Methods.static() == 1
    assert Methods.of_class() == ("Methods", 1)


def test_callables():
    """Objects, partial functions, coroutine objects."""
    assert mock_xks(Callable())(2) == 3
    assert mock_xks(functools.partial(Callable(), 1))() == 2
    assert asyncio.run(mock_xks(AsyncCallable())()) == 1


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (3, "functions and classes, not 3"),
        (property(seen), "functions and classes"),
        (pytest.fixture(seen), "below @pytest.fixture"),
    ],
)
def test_what_cannot_be_decorated(target, message):
    """It is refused at once: a test that vanishes is worse."""
    with pytest.raises(TypeError, match=message):
        mock_xks(target)


def test_classes_of_pytest(pytester):
    """Each test has its own fake, with what was set up for it; none vanishes."""
    pytester.makepyfile(
        """
        import boto3, pytest
        from pytest_xks import mock_xks

        def seen():
            kms = boto3.client("kms", "us-east-1")
            kms.describe_custom_key_stores()
            kms.create_key()
            return len(kms.list_keys()["Keys"])

        class Base:
            def test_inherited(self):
                assert seen() == 1

        @mock_xks
        class TestBare(Base):
            def helper(self):
                return seen()

            def test_one(self, tmp_path):
                assert seen() == 1

            @pytest.mark.parametrize("number", [1, 2])
            def test_two(self, number):
                assert seen() == 1

            class TestWithin:
                def test_it(self):
                    assert seen() == 1

        @mock_xks()
        class TestSetUp:
            def setup_method(self):
                assert seen() == 1

            def helper(self):
                return seen()

            def test_one(self):
                assert self.helper() == 2

            def test_two(self):
                assert seen() == 2

            def teardown_method(self, method):
                assert seen() == 3
                assert method.__name__.startswith("test_")
        """
    )

    pytester.runpytest().assert_outcomes(passed=7)


def test_set_up_that_fails(pytester):
    """The fake ends with it, and the next test has none."""
    pytester.makepyfile(
        """
        from botocore.endpoint import Endpoint
        from pytest_xks import mock_xks

        SEND = Endpoint._send

        @mock_xks
        class TestIt:
            def setup_method(self):
                raise KeyError

            def test_it(self):
                pass

        def test_after():
            assert Endpoint._send is SEND
        """
    )

    pytester.runpytest("-p", "no:randomly").assert_outcomes(errors=1, passed=1)


def test_classes_of_unittest():
    """One fake from setUp to the last clean-up of each test, run by unittest."""
    cleaned = []

    @mock_xks
    class Case(unittest.TestCase):
        def setUp(self):
            assert seen() == 1
            self.addCleanup(lambda: cleaned.append(seen()))

        def test_one(self):
            assert seen() == 2

        def test_two(self):
            assert seen() == 2

        def test_red(self):
            self.fail("it ran")

    @mock_xks
    class AsyncCase(unittest.IsolatedAsyncioTestCase):
        async def asyncSetUp(self):
            assert seen() == 1

        async def test_one(self):
            assert seen() == 2

    result = unittest.TestResult()
    for case in (Case, AsyncCase):
        unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)

    assert result.testsRun == 4
    assert [] == result.errors
    assert ["test_red"] == [test._testMethodName for test, _ in result.failures]
    assert [2, 3, 3] == sorted(cleaned)
    assert not is_mocked()


def test_classes_of_unittest_under_pytest(pytester):
    """pytest runs them the same way."""
    pytester.makepyfile(
        """
        import boto3, unittest
        from pytest_xks import mock_xks

        @mock_xks
        class TestIt(unittest.TestCase):
            def setUp(self):
                self.kms = boto3.client("kms", "us-east-1")
                self.kms.create_key()

            def test_one(self):
                self.kms.describe_custom_key_stores()
                assert len(self.kms.list_keys()["Keys"]) == 1

            def test_red(self):
                self.fail("it ran")
        """
    )

    pytester.runpytest().assert_outcomes(passed=1, failed=1)
