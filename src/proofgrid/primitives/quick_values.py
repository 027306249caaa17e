"""Makes many values of one dataclass, quickly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, make_dataclass
from typing import Any, TypeVar, cast

Value = TypeVar("Value")


def maker_of(kind: type[Value]) -> Callable[..., Value]:
    """Return what makes a value of a dataclass from its fields' values, in their order, without `__post_init__`.

    For values that are known to be right: read from a column with the type, or copied from one that was checked. The
    constructor of a frozen dataclass sets each field through `object.__setattr__`, which costs more than all else that
    is done with it. A twin with the same slots that may be changed is filled ten times as fast, and becomes a value of
    the class afterwards. Where a class is no plain one with slots, its constructor is returned.
    """
    names = [field.name for field in fields(cast("Any", kind))]
    if kind.__bases__ != (object,) or getattr(kind, "__slots__", ()) != tuple(names):
        return lambda *values: kind(**dict(zip(names, values, strict=True)))
    twin = make_dataclass(kind.__name__, names, slots=True)

    def make(*values: object) -> Value:
        made = twin(*values)
        made.__class__ = kind
        return cast("Value", made)

    return make
