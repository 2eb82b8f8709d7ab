"""The manual's list of topics, from the tables that the topics are made of: ``python -m adapters.mqtt.reference``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from adapters.mqtt.commands import COMMAND_QOS, NONE, SET
from adapters.mqtt.publisher import EVENTS_KEPT, ONCE_QOS, STATE_EVERY_S, VALUE_QOS
from adapters.mqtt.topics import (
    CIRCUIT,
    EVENT,
    LIMIT,
    METER,
    OFFLINE,
    ONLINE,
    PEAK,
    POINT,
    POINT_PRICE,
    PRICE,
    RESOURCE,
    ROOT,
    STATE,
    STATUS,
    UPSTREAM,
    Topic,
)

_INTRODUCTION = f"""# MQTT topics

<!-- Made by `python -m adapters.mqtt.reference > docs/reference/mqtt.md`; a test compares. -->

Loadstar publishes below `{ROOT}/<site>/` when `[mqtt].url` is set. Every value is retained and plain: a number without
quotes or unit, a word, or a time in UTC. Import is positive, export negative; L1, L2, L3 are those of the grid. An
empty message means that there is no such value at present; the broker then forgets the topic. Only changes are
sent, and everything after a new connection. The characters `/`, `+` and `#` of an id become `_`.

## The site

| topic | what | retained | QoS |
|---|---|---|---|
| `{STATUS}` | `{ONLINE}`, or `{OFFLINE}` (also by last will, when the connection dies) | yes | {ONCE_QOS} |
| `{STATE}` | all values below as one JSON document, at most every {STATE_EVERY_S:.0f} s | yes | {VALUE_QOS} |
| `{EVENT}` | one event as JSON | no | {ONCE_QOS} |

An event has `at`, `kind`, `subject`, `severity` (`info`, `warning`, `alarm`) and `message`; while the broker is away
the newest {EVENTS_KEPT} wait. In the JSON documents, amounts and times are texts, and what has no value is `null`.

Home Assistant finds the site and each of its points by the retained messages below `homeassistant/device/`, as devices
with their values, and with what may be set.

All other topics are retained, with QoS {VALUE_QOS}.
"""

_COMMANDS = f"""## Commands

| topic | unit | what |
|---|---|---|
| `circuit/<id>/limit_w/{SET}` | W | Sets a power limit for the circuit; `{NONE}` clears it |
| `point/<id>/limit_a/{SET}` | A | Limits a charging point, each of its phases, also over restarts; `{NONE}` clears it |
| `meter/<id>/{SET}` | | A reading, as JSON, for a meter of kind `mqtt` without `quantities` |
| `price/{SET}` | | Publishes a price curve, as JSON (`docs/schemas/price-curve.schema.json`) |

A point that is limited to less than its minimum gets nothing. A reading has the three of `current_a`, and if they are
known those of `voltage_v` and `power_w`, and `measured_at`, as in a snapshot; or single values by the names of their
topics, such as `l1_a`. `{NONE}` says that there is none any more. `[tariffs] mqtt = false` closes `price/{SET}`.

Loadstar listens with QoS {COMMAND_QOS}. The limit's source is the one of `[[peak.grid_operator.sources]]` that speaks
by `mqtt`. A retained command is taken like any other, but for a reading without `measured_at`, which may be of any
age. What is refused becomes an event (`limit_refused`, `command_refused`, `prices_refused`, `meter_implausible`).
"""


def reference() -> str:
    """The page ``docs/reference/mqtt.md``."""
    parts = [
        _INTRODUCTION,
        *_section("Meters", "meter/<id>", METER),
        *_section("Circuits", "circuit/<id>", (*CIRCUIT, *LIMIT)),
        *_section("Charging points", "point/<id>", (*POINT, *POINT_PRICE)),
        *_section("Plants and batteries of the site", "resource/<id>", RESOURCE),
        *_section("Back offices, each with each of its stations", "upstream/<id>/<station>", UPSTREAM),
        *_section("Demand, where it has a price", "peak", PEAK),
        *_section("What charging costs, where it has a price, and what nearing the peak adds", "price", PRICE),
        _COMMANDS,
    ]
    return "\n".join(parts)


def _section(title: str, place: str, topics: tuple[Topic[Any], ...]) -> Iterator[str]:
    yield f"## {title}\n\n| topic | unit | what |\n|---|---|---|"
    yield from (f"| `{place}/{topic.name}` | {topic.unit} | {topic.meaning} |" for topic in topics)
    yield ""


if __name__ == "__main__":
    sys.stdout.write(reference())
