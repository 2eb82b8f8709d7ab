"""P1 telegrams of smart meters: cut out of a stream of bytes, checked and read. Pure.

Formats: DSMR 4 and 5 (Netbeheer Nederland, P1 Companion Standard 5.0.2) and Belgium's e-MUCS P1 1.7.1, both lines of
IEC 62056-21. Read here rather than with dsmr-parser: that needs seven more packages, one of them pinned to a release
of 2021 (dlms-cosem, for encrypted telegrams, which these meters do not send), for the twenty values that count here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from adapters.metering.sample import PHASE_CURRENTS, PHASE_POWERS, PHASE_VOLTAGES, Sample
from controller.snapshot import MeterOwn

TELEGRAM_MOST: Final = 16_384
"""Bytes; a telegram has 500 to 2 000."""
ALONE_W: Final = 20.0
"""A meter's total and its only phase are the same number, but for the instant at which they were formed."""

# Values hold neither of '/' and '!' (IEC 62056-21 §6.6): a second '/' is a new telegram, whatever became of the first.
_TELEGRAM: Final = re.compile(rb"/[^/!]*![^\r\n/!]*\r?\n")
_CHECKED: Final = re.compile(rb"(/.*!)([0-9A-Fa-f]{4})\s*", re.DOTALL)
_LINE: Final = re.compile(r"^(\d+-\d+:\d+\.\d+\.\d+)((?:\([^()]*\))+)", re.MULTILINE)
_NUMBER: Final = re.compile(r"(\d+(?:\.\d+)?)\*(kW|W|V|A)")
_STAMP: Final = re.compile(r"(\d{12})([SW])")
_SUMMER_H: Final[Mapping[str, int]] = {"S": 2, "W": 1}
"""Hours ahead of UTC: all countries with this port keep Central European Time."""


class TelegramError(ValueError):
    """A telegram came broken, or never had a checksum."""


@dataclass(frozen=True, slots=True)
class Telegram:
    """What one telegram says."""

    sample: Sample
    stamp: datetime | None
    """When the meter made it, by the meter's clock; whole seconds."""


class Cutter:
    """Cuts telegrams out of what one connection brings."""

    def __init__(self) -> None:
        self._held = b""
        self._began_s = 0.0

    def feed(self, data: bytes, arrived_s: float) -> list[tuple[bytes, float]]:
        """The telegrams that ``data`` completes, each with the time (monotonic) at which it began to arrive."""
        known = len(self._held)
        held, end, found = self._held + data, 0, []
        for match in _TELEGRAM.finditer(held):
            found.append((match[0], self._began_s if match.start() < known else arrived_s))
            end = match.end()
        start = held.rfind(b"/", end)
        if start >= known:
            self._began_s = arrived_s
        self._held = held[start:] if start >= 0 and len(held) - start <= TELEGRAM_MOST else b""
        return found


def decode(telegram: bytes) -> Telegram:
    """Read one whole telegram, from its ``/`` to what follows its ``!``.

    Raises:
        TelegramError: its checksum is missing or wrong.
    """
    checked = _CHECKED.fullmatch(telegram)
    if checked is None:
        raise TelegramError("a telegram without a checksum; DSMR 4 and later have one")
    if crc16(checked[1]) != int(checked[2], 16):
        raise TelegramError("a telegram came broken: its checksum is wrong")
    text = checked[1].decode("ascii", errors="replace")
    lines = {code: values[1:-1].split(")(") for code, values in _LINE.findall(text)}
    sample = Sample.of(_alone(dict(_values(lines))))
    return Telegram(replace(sample, own=_own(lines)), _time(lines.get("0-0:1.0.0", [""])[0]))


def crc16(data: bytes) -> int:
    """CRC-16/ARC, as P1 has it: x^16 + x^15 + x^2 + 1, least significant bit first, from 0.

    >>> hex(crc16(b"123456789"))
    '0xbb3d'
    """
    crc = 0
    for octet in data:
        crc = crc >> 8 ^ _CRC[(crc ^ octet) & 0xFF]
    return crc


def _crc_of(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0xA001 if value & 1 else 0)
    return value


_CRC: Final = [_crc_of(octet) for octet in range(256)]


def _values(lines: Mapping[str, list[str]]) -> Iterator[tuple[str, float | None]]:
    """What the lines say, by the names of ``Sample.of``. Registers of L1, L2, L3 lie 20 apart."""
    yield "total_w", _power_w(lines, 1)
    for phase in range(3):
        code = 20 * phase
        power_w = _power_w(lines, code + 21)
        voltage_v = _number(lines, f"1-0:{code + 32}.7.0")
        current_a = _number(lines, f"1-0:{code + 31}.7.0")
        if current_a is not None and "." not in lines[f"1-0:{code + 31}.7.0"][0]:
            current_a = _finer(current_a, voltage_v, power_w)
        yield PHASE_CURRENTS[phase], current_a
        yield PHASE_VOLTAGES[phase], voltage_v
        yield PHASE_POWERS[phase], power_w


def _finer(whole_a: float, voltage_v: float | None, power_w: float | None) -> float:
    """A current in whole amperes, made finer with the power, which comes in watts.

    Power over voltage leaves out what is reactive, so the meter's own word is the least that counts. Some cut their
    decimals off (a Kaifa's 0.170 kW beside 0 A, dsmr-parser's telegram of DSMR 4.2), hence up to an ampere and a half
    more. Where they disagree by more than that and 5 %, the meter's word stands, and plausibility tells.
    """
    if not voltage_v or power_w is None:
        return whole_a
    active_a = abs(power_w) / voltage_v
    return max(active_a, whole_a) if active_a <= 1.05 * whole_a + 1.5 else whole_a


def _alone(values: dict[str, float | None]) -> dict[str, float | None]:
    """On the other phases of a meter of one phase nothing flows: its total says so."""
    total_w, first_w = values["total_w"], values["l1_w"]
    others = [values[names[phase]] for names in (PHASE_CURRENTS, PHASE_VOLTAGES, PHASE_POWERS) for phase in (1, 2)]
    if total_w is None or first_w is None or abs(total_w - first_w) > ALONE_W or any(v is not None for v in others):
        return values
    return values | dict.fromkeys((*PHASE_CURRENTS[1:], *PHASE_POWERS[1:]), 0.0)


def _power_w(lines: Mapping[str, list[str]], code: int) -> float | None:
    """Import less export, which has the next number [W]."""
    drawn, fed = _number(lines, f"1-0:{code}.7.0"), _number(lines, f"1-0:{code + 1}.7.0")
    return None if drawn is None else drawn - (fed or 0.0)


def _own(lines: Mapping[str, list[str]]) -> MeterOwn | None:
    average_w = _number(lines, "1-0:1.4.0")
    if average_w is None:
        return None
    return MeterOwn(average_w, _number(lines, "1-0:1.6.0"), _time(lines.get("1-0:1.6.0", [""])[0]))


def _number(lines: Mapping[str, list[str]], code: str) -> float | None:
    """The last value of a line, kW as W; None where there is none."""
    found = _NUMBER.fullmatch(lines[code][-1]) if code in lines else None
    return None if found is None else float(found[1]) * (1000.0 if found[2] == "kW" else 1.0)


def _time(text: str) -> datetime | None:
    """``YYMMDDhhmmss`` with S for summer time or W for winter time; None where it is no time."""
    found = _STAMP.fullmatch(text)
    if found is None:
        return None
    zone = timezone(timedelta(hours=_SUMMER_H[found[2]]))
    try:
        return datetime.strptime(found[1], "%y%m%d%H%M%S").replace(tzinfo=zone).astimezone(UTC)
    except ValueError:
        return None
