"""The log is one JSON object per line off a terminal, and holds no secret wherever it hides."""

import io
import json
import logging
from typing import Any

import pytest
import structlog

from adapters.log import configure_logging


@pytest.fixture
def stream() -> io.StringIO:
    out = io.StringIO()
    configure_logging(stream=out)
    return out


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_each_line_says_when_who_and_how_bad(stream: io.StringIO):
    structlog.get_logger("adapters.loop").warning("meter_lost", meter="grid", age_s=4.2)
    logging.getLogger("some.library").error("failed after %d tries", 3)
    ours, theirs = lines(stream)
    assert (ours["event"], ours["level"], ours["logger"]) == ("meter_lost", "warning", "adapters.loop")
    assert (ours["meter"], ours["age_s"]) == ("grid", 4.2)
    assert ours["timestamp"].endswith("Z")
    assert (theirs["event"], theirs["level"], theirs["logger"]) == ("failed after 3 tries", "error", "some.library")


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("password", "tell-nobody", "***"),
        ("password", 4711, "***"),
        ("Authorization", "Basic dGVsbC1ub2JvZHk=", "***"),
        ("token", "04A2B3C4D5", "…C4D5"),
        ("id_tag", "04A2B3C4", "…B3C4"),
        ("idTag", "04A2", "***"),
        ("url", "mqtt://me:tell-nobody@broker:1883", "mqtt://***@broker:1883"),
        (
            "payload",
            {"idTag": "04A2B3C4", "more": [{"password": "x"}]},
            {"idTag": "…B3C4", "more": [{"password": "***"}]},
        ),
        ("frame", '[2,"1","Authorize",{"idTag":"04A2B3C4"}]', '[2,"1","Authorize",{"idTag":"…B3C4"}]'),
        ("text", "Authorize(id_tag='04A2B3C4', connector='1')", "Authorize(id_tag='…B3C4', connector='1')"),
        ("token", None, None),
        ("station", "CP01", "CP01"),
    ],
)
def test_secrets_are_hidden_and_tokens_shortened(stream: io.StringIO, key: str, value: object, shown: object):
    structlog.get_logger().info("something", **{key: value})
    (line,) = lines(stream)
    assert line[key] == shown


def test_an_exceptions_text_is_searched_too(stream: io.StringIO):
    def store() -> None:
        raise ConnectionError("postgresql://me:tell-nobody@db is gone")

    try:
        store()
    except ConnectionError:
        structlog.get_logger().exception("store_failed")
    (line,) = lines(stream)
    assert "ConnectionError" in line["exception"]
    assert "tell-nobody" not in line["exception"]


def test_endless_nesting_ends(stream: io.StringIO):
    loop: dict[str, object] = {}
    loop["again"] = loop
    structlog.get_logger().info("loop", value=loop)
    assert "…" in stream.getvalue() or "\\u2026" in stream.getvalue()


def test_talkative_libraries_do_not_print_every_frame(stream: io.StringIO):
    logging.getLogger("ocpp").info("CP01: receive message with a token")
    logging.getLogger("some.library").debug("detail")
    assert stream.getvalue() == ""


def test_a_terminal_gets_text_for_people():
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    configure_logging(stream=out, debug=True)
    structlog.get_logger().debug("started", token="04A2B3C4")
    assert "started" in out.getvalue()
    assert "04A2" not in out.getvalue()
    assert not out.getvalue().startswith("{")
