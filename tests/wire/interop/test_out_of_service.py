"""Out of service: what people have said here outlasts us and the charger, and what others have done is left alone."""

from pathlib import Path

from tests.support.lab import Lab, laboratory
from tests.support.strange_charger import Habit, Payload, StrangeCharger


async def leaving(charger: StrangeCharger, message_id: str, payload: Payload) -> None:
    """It obeys, and says so."""
    await charger.answer(message_id, {"status": "Accepted"})
    await charger.status("Unavailable" if payload["type"] == "Inoperative" else "Available")


HABITS: dict[str, Habit] = {"ChangeAvailability": leaving}


def told(charger: StrangeCharger) -> list[str]:
    return [payload["type"] for action, payload in charger.calls if action == "ChangeAvailability"]


async def command(lab: Lab, which: str) -> None:
    body = {"command": "availability", "type": which}
    answer = await lab.http.post("/api/v1/points/OURS-1/commands", json=body)
    assert answer.json()["accepted"], answer.text


async def test_what_people_have_taken_out_of_service_stays_so_and_what_others_have_is_their_matter(tmp_path: Path):
    stations = {"OURS": 1, "THEIRS": 1}
    async with laboratory(tmp_path, stations) as lab, lab.charger("OURS", habits=HABITS) as ours:
        await ours.boot()
        await command(lab, "inoperative")
        await lab.becomes("OURS-1", state="faulted")
    async with laboratory(tmp_path, stations) as lab:
        async with lab.charger("OURS", habits=HABITS) as ours, lab.charger("THEIRS", habits=HABITS) as theirs:
            for charger in (theirs, ours):
                await charger.boot()
                await charger.status("Unavailable")
                await charger.has(lambda charger=charger: charger.profiles("TxDefaultProfile"), "its default")
            await lab.becomes("OURS-1", state="faulted")
            assert (told(ours), told(theirs)) == ([], []), "neither has anything to be told"
        async with lab.charger("OURS", habits=HABITS) as ours:
            await ours.boot()
            await ours.status("Available")
            await ours.has(lambda: told(ours) == ["Inoperative"], "what it has forgotten")
            await command(lab, "operative")
        async with lab.charger("OURS", habits=HABITS) as ours:
            await ours.boot()
            await ours.status("Unavailable")
            await ours.has(lambda: ours.profiles("TxDefaultProfile"), "its default")
            assert told(ours) == []
