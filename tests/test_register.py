"""A register of named things."""

from __future__ import annotations

import pytest

from pytest_xks.register import Register


def test_finds_by_name():
    """What was added is found under its name, and among all."""
    register = Register("fruit", ())
    register.add("apple", 1)

    assert register.find("apple") == 1
    assert dict(register.all()) == {"apple": 1}


def test_shelves_are_imported_when_somebody_asks(tmp_path, monkeypatch):
    """A shelf registers what it defines, and not before it is needed."""
    (tmp_path / "fruit_shelf.py").write_text("import fruit_list; fruit_list.add()")
    (tmp_path / "fruit_list.py").write_text("added = []\ndef add(): added.append(1)")
    monkeypatch.syspath_prepend(str(tmp_path))
    register = Register("fruit", ["fruit_shelf"])

    import fruit_list  # noqa: PLC0415 - it exists only now

    assert fruit_list.added == []
    assert dict(register.all()) == {}
    assert fruit_list.added == [1]


def test_unknown_name():
    """A name that nobody has is refused, with the nearest one."""
    register = Register("fruit", ())
    register.add("apple", 1)

    with pytest.raises(LookupError, match=r"no fruit 'aple'; did you mean apple\?"):
        register.find("aple")


def test_name_twice():
    """A name is given once."""
    register = Register("fruit", ())
    register.add("apple", 1)

    with pytest.raises(ValueError, match="a fruit 'apple' already"):
        register.add("apple", 2)
