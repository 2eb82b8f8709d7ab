"""What people have charging stations do, through the REST API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from adapters.web import models
from adapters.web.access import Login
from adapters.web.acting import may_act
from adapters.web.answer import Answer
from controller.commands import (
    Availability,
    Command,
    CommandResult,
    Diagnostics,
    News,
    Reset,
    StartCharging,
    StopCharging,
    Trigger,
    Unlock,
    UpdateFirmware,
)
from controller.ports.common import Clock
from controller.site import Site

Commands = Callable[[str, Command], CommandResult]
"""Has a point's station do something, and waits for its answer; from any thread."""


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid")

    def meant(self, now: datetime) -> Command:
        """The command itself."""
        raise NotImplementedError


class ResetSaid(_Said):
    """Start the station anew."""

    command: Literal["reset"]
    type: Literal["soft", "hard"] = Field("soft", description="`hard`: at once, whatever runs")

    def meant(self, now: datetime) -> Command:  # noqa: ARG002 - as all of them
        """See ``_Said``."""
        return Reset(hard=self.type == "hard")


class StartSaid(_Said):
    """Begin a session."""

    command: Literal["start"]
    token: Annotated[str, Field(min_length=1, max_length=36)]

    def meant(self, now: datetime) -> Command:  # noqa: ARG002 - as all of them
        """See ``_Said``."""
        return StartCharging(self.token)


class StopSaid(_Said):
    """End the session that runs."""

    command: Literal["stop"]

    def meant(self, now: datetime) -> Command:  # noqa: ARG002 - as all of them
        """See ``_Said``."""
        return StopCharging()


class UnlockSaid(_Said):
    """Let go of the cable."""

    command: Literal["unlock"]

    def meant(self, now: datetime) -> Command:  # noqa: ARG002 - as all of them
        """See ``_Said``."""
        return Unlock()


class AvailabilitySaid(_Said):
    """Take the point out of service, or put it back."""

    command: Literal["availability"]
    type: Literal["operative", "inoperative"]

    def meant(self, now: datetime) -> Command:  # noqa: ARG002 - as all of them
        """See ``_Said``."""
        return Availability(in_service=self.type == "operative")


class FirmwareSaid(_Said):
    """Have the station fetch other firmware."""

    command: Literal["update_firmware"]
    url: Annotated[str, Field(pattern=r"^(https?|ftps?)://", max_length=512)]
    at: AwareDatetime | None = Field(None, description="not before this time; default: now")

    def meant(self, now: datetime) -> Command:
        """See ``_Said``."""
        return UpdateFirmware(self.url, self.at or now)


class DiagnosticsSaid(_Said):
    """Have the station send its log."""

    command: Literal["diagnostics"]
    url: Annotated[str, Field(pattern=r"^(https?|ftps?)://", max_length=512)] = Field(description="to where")

    def meant(self, now: datetime) -> Command:  # noqa: ARG002 - as all of them
        """See ``_Said``."""
        return Diagnostics(self.url)


class TriggerSaid(_Said):
    """Have the station tell something now."""

    command: Literal["trigger"]
    message: News

    def meant(self, now: datetime) -> Command:  # noqa: ARG002 - as all of them
        """See ``_Said``."""
        return Trigger(self.message)


CommandSaid = Annotated[
    ResetSaid | StartSaid | StopSaid | UnlockSaid | AvailabilitySaid | FirmwareSaid | DiagnosticsSaid | TriggerSaid,
    Field(discriminator="command"),
]


class CommandAnswer(Answer):
    """What became of a command."""

    accepted: bool
    status: str = Field(description="in the station's words; `Offline` without a connection")
    settings: Mapping[str, str] = Field(description="what was read, by name")


def add_commands(router: APIRouter, site: Site, commands: Commands, clock: Clock) -> None:
    """Add the route of commands."""

    @router.post(
        "/points/{point_id:id}/commands",
        responses={404: {"model": models.Problem}, 503: {"model": models.Problem, "description": "No answer"}},
    )
    def command(point_id: str, said: CommandSaid, _login: Annotated[Login | None, Depends(may_act)]) -> CommandAnswer:
        """Have the station of a point do something: `reset`, `start`, `stop`, `unlock`, `availability` and so on."""
        if point_id not in site.point:
            raise HTTPException(404, f"unknown point {point_id!r}")
        try:
            result = commands(point_id, said.meant(clock.now()))
        except TimeoutError:
            raise HTTPException(503, "the station does not answer") from None
        return CommandAnswer(accepted=result.accepted, status=result.status, settings=result.settings)
