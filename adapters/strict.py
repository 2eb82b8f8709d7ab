"""The base of everything that people and programs hand to us as a file."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class StrictModel(BaseModel):
    """Nothing is converted silently, no key is unknown, every number is finite. Docstrings describe the fields."""

    model_config = ConfigDict(
        strict=True, extra="forbid", allow_inf_nan=False, frozen=True, use_attribute_docstrings=True
    )
