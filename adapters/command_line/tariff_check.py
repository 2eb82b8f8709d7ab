"""The command ``tariff-check``: what is wrong with tariffs, before anything is priced by them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from adapters.json_text import DocumentError
from adapters.rating_documents.tariff_reading import TariffsRead, read_tariffs
from controller.tariffs.lint import Finding, Severity, lint
from controller.tariffs.ocpp_tariff import UnmappableTariffError, ocpp_tariff
from controller.tariffs.tariff import Tariff

_BAD_INPUT: Final = 2


@dataclass(frozen=True, slots=True)
class _Checked:
    """A tariff with everything that is to be said of it."""

    tariff: Tariff
    findings: tuple[Finding, ...]
    unmappable: tuple[str, ...]
    """Why a charger cannot be told it (OCPP 2.1)."""

    @property
    def ok(self) -> bool:
        return all(one.severity is not Severity.REFUSE for one in self.findings)


@dataclass(frozen=True, slots=True)
class _File:
    """A file with its tariffs, or with what keeps it from being read."""

    path: Path
    problems: tuple[str, ...]
    warnings: tuple[str, ...]
    tariffs: tuple[_Checked, ...]

    @property
    def ok(self) -> bool:
        return not self.problems and all(one.ok for one in self.tariffs)


def tariff_check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="OCPI tariffs: one in each, or a list.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Show everything that is wrong with tariffs, and what chargers cannot be told of them.

    Ends with 2 when a file cannot be read, or when a tariff is ambiguous: nothing is priced by such a one.
    """
    checked = [_checked(path) for path in files]
    if as_json:
        typer.echo(json.dumps([_document(one) for one in checked], indent=2, ensure_ascii=False))
    else:
        for one in checked:
            typer.echo("\n".join(_lines(one)))
    if not all(one.ok for one in checked):
        raise typer.Exit(_BAD_INPUT)


def _checked(path: Path) -> _File:
    try:
        read = read_tariffs(path.read_bytes())
    except OSError as error:
        return _File(path, (f"cannot be read: {error.strerror or error}",), (), ())
    except DocumentError as error:
        return _File(path, tuple(error.problems), (), ())
    return _File(path, (), read.warnings, tuple(_looked_at(read)))


def _looked_at(read: TariffsRead) -> Iterator[_Checked]:
    for tariff in read.tariffs:
        try:
            ocpp_tariff(tariff)
        except UnmappableTariffError as error:
            yield _Checked(tariff, lint(tariff), error.reasons)
        else:
            yield _Checked(tariff, lint(tariff), ())


def _lines(file: _File) -> Iterator[str]:
    yield from (f"{file.path}: {problem}" for problem in file.problems)
    yield from (f"{file.path}: warning: {warning}" for warning in file.warnings)
    for one in file.tariffs:
        place = f"{file.path}: tariff {one.tariff.id!r}"
        for finding in one.findings:
            yield f"{place}: {'refused' if finding.severity is Severity.REFUSE else 'warning'}: {finding}"
        yield from (f"{place}: not for chargers (OCPP 2.1): {reason}" for reason in one.unmappable)
        if one.ok:
            yield f"{place}: can be used"


def _document(file: _File) -> dict[str, Any]:
    return {
        "file": str(file.path),
        "ok": file.ok,
        "problems": list(file.problems),
        "warnings": list(file.warnings),
        "tariffs": [
            {
                "id": one.tariff.id,
                "version": one.tariff.version,
                "ok": one.ok,
                "findings": [
                    {
                        "severity": finding.severity.value,
                        "rule": finding.rule,
                        "element": finding.element,
                        "message": finding.message,
                    }
                    for finding in one.findings
                ],
                "not_for_chargers": list(one.unmappable),
            }
            for one in file.tariffs
        ],
    }
