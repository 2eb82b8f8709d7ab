"""Register maps: which Modbus registers of a meter hold what, as data files, and how to make numbers of them."""

from __future__ import annotations

import struct
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from adapters.metering.sample import PHASE_CURRENTS, QUANTITIES

MAX_REGISTERS: Final = 125
"""The most that one read may ask for (MODBUS Application Protocol V1.1b3, §6.3 and §6.4)."""

RegisterType = Literal["float32", "int16", "uint16", "int32", "uint32"]

_FORMATS: Final[Mapping[RegisterType, struct.Struct]] = {
    "float32": struct.Struct(">f"),
    "int16": struct.Struct(">h"),
    "uint16": struct.Struct(">H"),
    "int32": struct.Struct(">i"),
    "uint32": struct.Struct(">I"),
}
_MAPS: Final = files("adapters.metering") / "maps"


@dataclass(frozen=True, slots=True)
class Block:
    """Registers that are read at once."""

    address: int
    """0-based, as it goes over the wire."""
    count: int

    @property
    def end(self) -> int:
        """The address behind the last one."""
        return self.address + self.count


class UnknownModelError(ValueError):
    """There is no register map of that name; the message lists the known ones."""


class MapError(ValueError):
    """A register map is wrong; ``problems`` holds all of it as (place, message)."""

    def __init__(self, model: str, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{model}: {place}: {message}" for place, message in problems))
        self.problems = problems


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Register(_Strict):
    """Where one quantity is, and how to read it: value [SI unit] = raw x scale."""

    address: Annotated[int, Field(ge=0, le=0xFFFF)]
    type: RegisterType
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0

    @property
    def words(self) -> int:
        """How many registers it takes."""
        return _FORMATS[self.type].size // 2


class RegisterMap(_Strict):
    """One model of meter."""

    name: Annotated[str, Field(min_length=1)]
    """What is printed on the device."""
    function: Literal["input", "holding"]
    """Function code 4 or 3."""
    word_order: Literal["big", "little"] = "big"
    """Which word of a 32-bit value comes first: the high one, or the low one."""
    not_available: Mapping[RegisterType, int] = Field(default_factory=dict)
    """Raw values that mean: there is no measurement. A float that is not a number always does."""
    quantities: Mapping[str, Register]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        problems = [f"unknown quantity {name!r}" for name in self.quantities if name not in QUANTITIES]
        problems += [f"{name} is missing" for name in PHASE_CURRENTS if name not in self.quantities]
        owners: dict[int, str] = {}
        for name, register in self.quantities.items():
            for address in range(register.address, register.address + register.words):
                if owners.setdefault(address, name) != name:
                    problems.append(f"{name} and {owners[address]} share register {address}")
        if problems:
            raise ValueError("; ".join(problems))
        return self

    @cached_property
    def blocks(self) -> tuple[Block, ...]:
        """The fewest reads that fetch everything, each with what lies between."""
        return self._blocks(gap=MAX_REGISTERS)

    @cached_property
    def blocks_without_gaps(self) -> tuple[Block, ...]:
        """The reads that touch no register outside the map, for devices that refuse to read across such."""
        return self._blocks(gap=0)

    def _blocks(self, gap: int) -> tuple[Block, ...]:
        blocks: list[Block] = []
        for register in sorted(self.quantities.values(), key=lambda r: r.address):
            end = register.address + register.words
            last = blocks[-1] if blocks else None
            if last and register.address - last.end <= gap and end - last.address <= MAX_REGISTERS:
                blocks[-1] = Block(last.address, end - last.address)
            else:
                blocks.append(Block(register.address, register.words))
        return tuple(blocks)

    def decode(self, registers: Mapping[int, int]) -> dict[str, float | None]:
        """Make quantities of raw registers by address; None where the meter says that it has no value.

        Raises:
            KeyError: a register of the map is missing.
        """
        return {name: self._value(register, registers) for name, register in self.quantities.items()}

    def _value(self, register: Register, registers: Mapping[int, int]) -> float | None:
        words = [registers[register.address + offset] for offset in range(register.words)]
        if self.word_order == "little":
            words.reverse()
        octets = b"".join(word.to_bytes(2, "big") for word in words)
        if int.from_bytes(octets, "big") == self.not_available.get(register.type):
            return None
        raw: float = _FORMATS[register.type].unpack(octets)[0]
        return raw * register.scale


def models() -> list[str]:
    """The names of all known meters, sorted."""
    return sorted(entry.name.removesuffix(".toml") for entry in _MAPS.iterdir() if entry.name.endswith(".toml"))


@cache
def register_map(model: str) -> RegisterMap:
    """The map of a known meter.

    Raises:
        UnknownModelError: there is none of that name.
    """
    if model not in models():
        raise UnknownModelError(f"unknown meter model {model!r}; known: {', '.join(models())}")
    return parse((_MAPS / f"{model}.toml").read_text("utf-8"), model)


def parse(text: str, model: str) -> RegisterMap:
    """Read a register map from TOML.

    Raises:
        MapError: it is not one; lists everything that is wrong with it.
    """
    try:
        return RegisterMap.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise MapError(model, [("TOML", str(error))]) from error
    except ValidationError as error:
        problems = [(".".join(map(str, e["loc"])) or "map", e["msg"]) for e in error.errors()]
        raise MapError(model, problems) from error
