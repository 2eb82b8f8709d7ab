"""What can be generated of the documentation: JSON Schemas, and references of files that people write.

``simulations.reference`` writes them into ``docs``, with those of the simulator.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from adapters.billing_documents import billing_schemas
from adapters.configuration.meter_tables import LATER_METERS
from adapters.configuration.tables import LATER_TABLES, SiteFile
from adapters.document_models import PlanDocument, SnapshotDocument
from adapters.metering.registers import models
from adapters.prices.curves import CurveDocument
from adapters.rating_documents.cdr_model import Cdr221Model, Cdr230Model
from adapters.rating_documents.result import PricedSessionDocument
from adapters.rating_documents.session_model import SessionModel
from adapters.rating_documents.tariff_model import Tariff221Model, Tariff230Model
from adapters.recording.lines import RecordingLine
from adapters.strict import StrictModel

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_INTRODUCTION: Final = """\
# The site file

One [TOML](https://toml.io) file describes a site: `loadstar run --config site.toml` runs it, and
`loadstar check --config site.toml` lists everything that is wrong with it, each problem with its line.
[An example](../../examples/office.toml) shows it at work; [its JSON Schema](../schemas/site.schema.json) serves editors
and programs.

- An unknown key is an error, as is a value of the wrong type: `"16"` is not a number.
- Units stand in the names: `_a` ampere, `_w` watt, `_v` volt, `_s` second. Phases are always L1, L2, L3 of the grid.
- Relative paths begin at the folder of the site file.
- Secrets can stand in environment variables: `password_env` and `token_env` hold the name of one. A variable that is
  named and not set is an error.
- An `id` becomes a part of MQTT topics and web addresses: letters, digits, `_`, `-`, `.`, 64 characters at most.

This page is generated from the code by `python -m simulations.reference docs`.
"""

_RULES: Final = f"""
## What must fit together

- Exactly one circuit has no parent, and every other one leads up to it.
- A circuit's `meter`, a point's `circuit` and a circuit's `parent` exist; a station in `[[stations]]` has a point.
- No id, token or user is there twice; two points do not share a connector.
- `min_a` is a multiple of 0.1 A and not above `max_a`; `fallback_a` is 0 or lies between them.
- `[ocpp]` and `[web]` do not listen on the same port of the same address. A certificate and its key come together.
- A token's `group` is one of `[[groups]]`; `least_kwh` is not above `energy_kwh`.
- `price_file` and `[[plan.time_of_use]]` exclude each other; every row of the file is checked.
- The static rule: on every phase of every circuit, the worst-case base load and the fallbacks of all points fit the
  fuse. A site that breaks it can be read, but does not start.

Not supported by this version, and refused: the tables {", ".join(f"`{name}`" for name in LATER_TABLES)} and
meters of kind {", ".join(f"`{kind}`" for kind in LATER_METERS)}.
"""


def schemas() -> Mapping[str, str]:
    """The JSON Schema of every file format, by file name."""
    formats: Mapping[str, type[BaseModel]] = {
        "site": SiteFile,
        "snapshot": SnapshotDocument,
        "plan": PlanDocument,
        "recording": RecordingLine,
        "session": SessionModel,
        "priced-session": PricedSessionDocument,
        "price-curve": CurveDocument,
        "tariff-ocpi-2.2.1": Tariff221Model,
        "tariff-ocpi-2.3.0": Tariff230Model,
        "cdr-ocpi-2.2.1": Cdr221Model,
        "cdr-ocpi-2.3.0": Cdr230Model,
    }
    billing = {name: _text(schema) for name, schema in billing_schemas().items()}
    return billing | {f"{name}.schema.json": schema_text(model) for name, model in formats.items()}


def schema_text(model: type[BaseModel]) -> str:
    """The JSON Schema of a file format."""
    return _text(model.model_json_schema())


def _text(schema: Mapping[str, Any]) -> str:
    return json.dumps({"$schema": _DIALECT, **schema}, indent=2) + "\n"


def site_file_reference() -> str:
    """The reference of the site file, in Markdown."""
    return "".join([_INTRODUCTION, *tables_reference(SiteFile), _RULES])


def tables_reference(model: type[BaseModel]) -> Iterator[str]:
    """Every table of a file with its keys, in Markdown."""
    for name, field in model.model_fields.items():
        many = get_origin(field.annotation) is list
        for table in _tables(field.annotation):
            kind = table.model_fields.get("kind")
            kinds = get_args(kind.annotation) if kind else ()
            suffix = f", kind `{kinds[0]}`" if len(kinds) == 1 else ""
            yield f"\n## `{f'[[{name}]]' if many else f'[{name}]'}`{suffix}\n\n{_about(table, field)}\n"
            yield from _rows(table)
            yield from _inner_tables(table, name)


def _inner_tables(table: type[StrictModel], name: str) -> Iterator[str]:
    for key, field in table.model_fields.items():
        many = get_origin(field.annotation) is list
        for inner in _tables(field.annotation):
            if many or _holds_tables(inner):
                yield f"\n## `{f'[[{name}.{key}]]' if many else f'[{name}.{key}]'}`\n\n{_about(inner, field)}\n"
                yield from _rows(inner)
                yield from _inner_tables(inner, f"{name}.{key}")


def _holds_tables(table: type[StrictModel]) -> bool:
    """Whether some of its keys are lists of tables: then it has a section of its own."""
    return any(get_origin(f.annotation) is list and any(_tables(f.annotation)) for f in table.model_fields.values())


def _about(table: type[StrictModel], field: FieldInfo) -> str:
    needed = "Required. " if field.is_required() else ""
    about = f"{needed}{(table.__doc__ or '').strip()}"
    return f"{about} Models: {', '.join(f'`{name}`' for name in models())}." if "model" in table.model_fields else about


def _rows(table: type[StrictModel], prefix: str = "") -> Iterator[str]:
    if not prefix:
        yield "\n| key | value | default | |\n|---|---|---|---|\n"
    schema = table.model_json_schema()["properties"]
    for name, field in table.model_fields.items():
        about = " ".join((field.description or "").split())
        yield f"| `{prefix}{name}` | {_kind(schema[name])} | {_default(field)} | {about} |\n"
        inner = [] if get_origin(field.annotation) is list else list(_tables(field.annotation))
        inner = [table for table in inner if not _holds_tables(table)]
        # Quantities are alike: the first one shows what each of them holds.
        if inner and (not prefix or name == next(iter(table.model_fields))):
            yield from _rows(inner[0], f"{prefix}{name}.")


def _tables(annotation: Any) -> Iterator[type[StrictModel]]:
    if isinstance(annotation, type) and issubclass(annotation, StrictModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _tables(argument)


_KINDS: Final[Mapping[str, str]] = {
    "string": "text",
    "number": "number",
    "integer": "whole number",
    "boolean": "true or false",
    "array": "`[L1, L2, L3]`",
    "object": "table",
}
_FORMATS: Final[Mapping[str, str]] = {
    "date-time": "time",
    "date": "day",
    "time": "time of day",
}
_PHASES: Final = 3
"""A list of just so many values has one for each of them."""

_BOUNDS: Final = {"minimum": "from", "exclusiveMinimum": "above", "maximum": "to"}


def _kind(schema: Mapping[str, Any]) -> str:
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    return " or ".join(_words(option) for option in options)


def _words(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return "table"
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if "format" in schema:
        return _FORMATS[schema["format"]]
    if schema["type"] == "array" and not schema.get("minItems") == schema.get("maxItems") == _PHASES:
        return "tables" if "$ref" in schema["items"] else f"list of {_words(schema['items'])}"
    bounds = "".join(f" {word} {schema[bound]:g}" for bound, word in _BOUNDS.items() if bound in schema)
    return _KINDS[schema["type"]] + bounds


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    if field.default is None or field.default == "":
        return "none"
    default = field.get_default(call_default_factory=True)
    if isinstance(default, tuple):
        return "`0`" if not any(default) else f"`{json.dumps(default)}`"
    if default in ([], {}):
        return "none"
    return f"`{json.dumps(default, default=str)}`"
