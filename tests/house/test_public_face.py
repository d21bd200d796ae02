"""``pytest_xks`` exports what users may import, and whatever that leads them to.

The tests walk from the public names and the fixtures along every annotation: of
parameters, results, attributes, properties and fields. What they come to is public
too, or somebody else's.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
import types
import typing
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import is_dataclass
from enum import Enum
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

import pytest_xks
from pytest_xks import (
    CertificateAuthority,
    Deny,
    RequestQuota,
    VpcProblem,
    XksServer,
    plugin,
)
from pytest_xks.proxy.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
FACE = ROOT / "pytest_xks" / "__init__.py"

# Whose types a user knows besides the standard library's and boto3-stubs'.
OTHERS = {
    "botocore",
    "cryptography",
    "faker",
    "pytest",
    "_pytest",
    "responses",
    *sys.stdlib_module_names,
}
STUBS = "mypy_boto3_"

# Public names of what has another name where it lives, because that one says too
# little in a user's test.
RENAMED = {"HttpRequest", "HttpResponse", "ProxyTransport"}

# What only the library makes: nobody else calls their initializers.
NOT_MADE_BY_USERS = {"ArmedFault", "KmsError"}

# Where `Any` is what is meant.
MAY_BE_ANY = {
    "FakeKms.client",  # boto3 makes the types of its clients when the program runs
    "XksServer.client",
    "KeyStoreHandle.create_key",  # any parameters of CreateKey, also wrong ones
    "MakeXksKey.__call__",
}


def public() -> dict[str, Any]:
    """Every public thing by its name."""
    return {name: getattr(pytest_xks, name) for name in pytest_xks.__all__}


def fixtures() -> dict[str, Any]:
    """The functions behind the plugin's fixtures by their names."""
    return {
        name: inspect.unwrap(getattr(plugin, name))
        for name in plugin.__all__
        if "xks_" in name
    }


def is_known(module: str) -> bool:
    """Whether the types of a module are somebody else's that users know."""
    return module.partition(".")[0] in OTHERS or module.startswith(STUBS)


def is_ours(thing: Any) -> bool:
    """Whether something is defined in this package."""
    return str(getattr(thing, "__module__", "")).partition(".")[0] == "pytest_xks"


@cache
def namespace_of(module: str) -> dict[str, Any]:
    """The names of a module, those that only type checkers import included."""
    names = dict(vars(importlib.import_module(module)))
    source = ast.parse(inspect.getsource(importlib.import_module(module)))
    for block in source.body:
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING":
            for statement in block.body:
                run(statement, names)
    return names


def run(statement: ast.stmt, names: dict[str, Any]) -> None:
    """Run a statement for type checkers; type stubs need not be installed."""
    try:
        exec(ast.unparse(statement), names)  # noqa: S102 - our own source
    except ModuleNotFoundError as error:
        if not is_known(str(error.name)):
            raise
        assert isinstance(statement, ast.ImportFrom)
        names |= {alias.asname or alias.name: object for alias in statement.names}


def classes_in(hint: Any, module: str) -> Iterator[Any]:
    """Every class that a hint names, and Any."""
    if isinstance(hint, typing.ForwardRef):
        hint = hint.__forward_arg__
    if isinstance(hint, str):
        hint = eval(hint, namespace_of(module))  # noqa: S307 - our own source
        yield from classes_in(hint, module)
    elif isinstance(hint, list | tuple):
        for each in hint:
            yield from classes_in(each, module)
    elif isinstance(hint, typing.TypeVar):
        yield from classes_in([*hint.__constraints__, hint.__bound__], module)
    elif typing.get_origin(hint) is typing.Literal:
        return
    elif typing.get_origin(hint) is not None:
        yield from classes_in(typing.get_origin(hint), module)
        yield from classes_in(typing.get_args(hint), module)
    elif hint is Any or isinstance(hint, type):
        yield hint


def hints_of_function(function: Any) -> Iterator[tuple[Any, str]]:
    """The hints of a function's parameters and result, each with its module."""
    for each in [*typing.get_overloads(function), inspect.unwrap(function)]:
        for hint in each.__annotations__.values():
            yield hint, each.__module__


def functions_of(member: Any) -> list[Any]:
    """The functions that a member of a class consists of."""
    match member:
        case property():
            return [part for part in (member.fget, member.fset) if part]
        case cached_property():
            return [member.func]
        case staticmethod() | classmethod():
            return [member.__func__]
        case types.FunctionType():
            return [member]
    return []


def is_for_users(name: str) -> bool:
    """Whether a member of a class is not private."""
    return not name.startswith("_") or name in {"__init__", "__call__", "__enter__"}


def is_initialized_by_users(cls: type) -> bool:
    """Whether an initializer is one to look at; a dataclass has the same fields."""
    return cls.__name__ not in NOT_MADE_BY_USERS and not is_dataclass(cls)


def hints_of_class(cls: type) -> Iterator[tuple[str, Any, str]]:
    """The hints of a class: where each is, itself, and its module."""
    for base in filter(is_ours, cls.__mro__):
        where, module = base.__name__, base.__module__
        yield where, list(base.__bases__), module
        for name, hint in vars(base).get("__annotations__", {}).items():
            if is_for_users(name):
                yield f"{where}.{name}", hint, module
        if issubclass(base, Enum):
            continue
        for name, member in vars(base).items():
            if not is_for_users(name) or (
                name == "__init__" and not is_initialized_by_users(base)
            ):
                continue
            for function in filter(is_ours, functions_of(member)):
                for hint, of in hints_of_function(function):
                    yield f"{where}.{name}", hint, of


def hints() -> Iterator[tuple[str, Any, str]]:
    """Every hint that a user of the package meets."""
    for name, thing in public().items():
        if isinstance(thing, type):
            yield from hints_of_class(thing)
        else:
            for hint, module in hints_of_function(thing):
                yield name, hint, module
    for name, function in fixtures().items():
        for hint, module in hints_of_function(function):
            yield name, hint, module


@pytest.mark.parametrize(
    "hint",
    [
        "Rules",
        "Rules | None",
        "type[Rules]",
        "Mapping[str, tuple[int, list[Rules]]]",
        "Callable[[int, Rules], None]",
        "Callable[..., Rules]",
        "'list[Rules]'",
        typing.TypeVar("Bound", bound="Rules"),
        typing.Literal["x"] | typing.ForwardRef("Rules"),
    ],
    ids=str,
)
def test_no_type_hides_in_another(hint):
    """However deep a hint has a type, the walk comes to it."""
    assert Rules in classes_in(hint, "pytest_xks.proxy.rules")


def test_annotations_name_public_types():
    """No public signature, attribute or field names a type that is not public."""
    found = {
        f"{where}: {cls.__module__}.{cls.__qualname__}"
        for where, hint, module in hints()
        for cls in classes_in(hint, module)
        if cls is not Any
        if cls not in public().values()
        if not is_known(cls.__module__)
    }

    assert sorted(found) == []


def test_annotations_are_no_guess():
    """No public signature, attribute or field is Any, but where nobody can know."""
    found = {
        where
        for where, hint, module in hints()
        if any(cls is Any for cls in classes_in(hint, module))
    }

    assert sorted(found - MAY_BE_ANY) == []


def parts_of(thing: Any) -> Iterator[tuple[str, Any]]:
    """What users see of an object of ours, or of a container: where, and the thing."""
    if isinstance(thing, Mapping):
        yield from (("[]", each) for pair in thing.items() for each in pair)
    elif isinstance(thing, list | tuple | set | frozenset):
        yield from (("[]", each) for each in thing)
    elif type(thing) in public().values() and not isinstance(thing, Enum):
        for name in filter(is_for_users, dir(thing)):
            with suppress(RuntimeError, AttributeError):
                yield f"{type(thing).__name__}.{name}", getattr(thing, name)


def things_in_use() -> Iterator[tuple[str, Any]]:
    """Objects that users get hold of, and all that these lead to: where, and each."""
    with pytest_xks.mock_xks() as xks:
        xks.add_vpc_endpoint_service("xks.test", problems=[VpcProblem.PORT_BLOCKED])
        armed = [
            xks.fault("key-store-names-not-unique"),
            xks.proxy.fault("ThrottlingException", operation="Encrypt"),
        ]
        xks.proxy.store.quota = RequestQuota(
            burst=5, requests_per_second=5, clock=xks.clock
        )
        xks.proxy.store.deny = [Deny(name="nobody", kms_operation="Nothing")]
        with suppress(ClientError):
            xks.client().encrypt(KeyId=xks.key.arn, Plaintext=b"x")
        waiting = [
            ("FakeKmsWithProxy", xks),
            ("armed", armed),
            ("FakeKms.check_health", xks.check_health(xks.key_store.id)),
            ("MockXksProxy.call", xks.proxy.call("GetHealthStatus")),
            ("CertificateAuthority", CertificateAuthority.create()),
            ("XksServer", XksServer()),
        ]
        seen: set[int] = set()
        while waiting:
            where, thing = waiting.pop()
            if id(thing) in seen:
                continue
            seen.add(id(thing))
            yield where, thing
            waiting += parts_of(thing)


def test_objects_are_of_public_types():
    """No attribute that is not annotated holds an object of a private type."""
    annotated = {where for where, _, _ in hints()}
    found = {
        f"{where}: {type(thing).__qualname__}"
        for where, thing in things_in_use()
        if is_ours(type(thing)) and where not in annotated
        if not any(cls in public().values() for cls in type(thing).__mro__)
    }

    assert sorted(found) == []


def test_what_type_checkers_see_is_what_there_is():
    """The names that are imported lazily are those that type checkers are told of."""
    for name in pytest_xks.__all__:
        assert namespace_of("pytest_xks")[name] is getattr(pytest_xks, name), name
    told = ast.parse(FACE.read_text("utf-8"))
    names = {
        alias.asname or alias.name
        for node in ast.walk(told)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pytest")
        for alias in node.names
    }
    assert {name.removeprefix("_") for name in names} == set(pytest_xks.__all__)


def test_names_are_those_in_messages():
    """A public thing has one name, in an import and in a message alike."""
    other = {name for name, thing in public().items() if thing.__name__ != name}

    assert other == RENAMED


def test_completion_shows_public_names_alone():
    """``dir`` gives what may be imported."""
    assert dir(pytest_xks) == sorted(["__version__", *pytest_xks.__all__])


def test_a_name_that_there_is_not():
    """What is not public cannot be imported from the package."""
    with pytest.raises(AttributeError, match="no attribute 'Rules'"):
        _ = pytest_xks.Rules
