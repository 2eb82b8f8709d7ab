"""The lines of a recording, each a JSON object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field, RootModel

from adapters.configuration.values import UtcTime
from adapters.document_models import PlanDocument, SnapshotDocument
from adapters.strict import StrictModel
from controller.ports.devices import Direction
from controller.site import Site

FORMAT: Final = 1
"""What this version writes and reads. A change that older programs would misread counts it up."""

SUFFIX: Final = ".jsonl.gz"
"""Ends the names of recordings."""


class HeaderLine(StrictModel):
    """Begins a file, and stands wherever the decision before the next one is not in the recording."""

    kind: Literal["header"] = "header"
    """Tells the kinds of lines apart."""
    format: int = FORMAT
    """Version of the format."""
    at: UtcTime
    """When the lines after it begin."""
    version: str
    """Version of the program that wrote it."""
    commit: str | None
    """Its commit, where it ran from a work tree."""
    controller: str
    """Digest of the sources that decided: the same digest, the same decisions."""
    site: Site
    """Everything of the site that a decision depends on; no passwords, no tokens."""
    memory: dict[str, Any] | None
    """What the decision before had left to the next one; null where there was none. Opaque: it belongs to the
    controller's version."""
    lost: int = Field(0, ge=0)
    """Lines that should stand before this one and could not be written."""


class DecisionLine(StrictModel):
    """One decision."""

    kind: Literal["decision"] = "decision"
    """Tells the kinds of lines apart."""
    fresh: bool = False
    """Whether the controller remembered nothing: at its start, and after a decision that failed."""
    snapshot: SnapshotDocument
    """All that it saw."""
    plan: PlanDocument | None
    """What it decided, limits unrounded; null where it failed."""


class MessageLine(StrictModel):
    """One message of a charging station's protocol."""

    kind: Literal["message"] = "message"
    """Tells the kinds of lines apart."""
    at: UtcTime
    """When it was sent, or had arrived."""
    station: str
    """The charging station."""
    direction: Direction
    """in: from the station; out: to it."""
    text: str
    """As it went over the wire, but for secrets: passwords are replaced, tokens shortened. What is not JSON, or very
    long, is only described, in brackets."""


class RecordingLine(RootModel[Annotated[HeaderLine | DecisionLine | MessageLine, Field(discriminator="kind")]]):
    """One line of a recording."""


BY_KIND: Final[Mapping[str, type[StrictModel]]] = {
    "header": HeaderLine,
    "decision": DecisionLine,
    "message": MessageLine,
}
