"""Values that nobody changes, made fast."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

Value = TypeVar("Value")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(value: type[Value]) -> type[Value]:
    """Make a class a dataclass with slots that is frozen to the type checker, and not at run time.

    A decision makes some fifty of them; to freeze each would take longer than to fill it.
    """
    return dataclass(slots=True)(value)
