"""The page of statements: look, decide, close."""

from __future__ import annotations

import re

import httpx

from tests.support.settlement import Office


async def page(office: Office, month: str = "2026-10") -> str:
    answer = await office.http.get("/statements", params={"month": month})
    assert answer.status_code == 200, answer.text
    return answer.text


async def submit(office: Office, path: str, **fields: str) -> httpx.Response:
    return await office.http.post(path, data=fields)


def review_of(text: str) -> str:
    found = re.search(r'action="(/statements/review/[^"]+)"', text)
    assert found is not None
    return found.group(1)


async def test_a_doubtful_session_is_corrected_and_the_month_closed(office: Office):
    await office.session(1, 8_000)
    await office.session(2, 500)
    office.billing.record_ended()
    before = await page(office)
    assert "1 session waits for review" in before
    assert "its register ran backwards" in before
    assert "Bill as it is" not in before  # it has no price
    corrected = await submit(office, review_of(before), verdict="correct", end_wh="9000", month="2026-10", note="read")
    assert (corrected.status_code, corrected.headers["location"]) == (303, "/statements?month=2026-10")
    after = await page(office)
    assert "0 sessions wait for review" in after
    assert "draft" in after
    closed = await submit(office, "/statements/2026-10/close", sure="on")
    assert closed.status_code == 303
    final = await page(office)
    assert "LS-2026-00001" in final
    assert "closed" in final
    assert "Tenant of flat 1" in final or "Owners" in final
    file = re.search(r'href="(/api/v1/exports/statement\?month=2026-10&amp;number=[^"]+format=pdf)"', final)
    assert file is not None
    pdf = await office.http.get(file.group(1).replace("&amp;", "&"))
    assert pdf.content.startswith(b"%PDF")


async def test_what_cannot_be_done_is_said_on_the_page(office: Office):
    await office.session(2, 500)
    office.billing.record_ended()
    review = review_of(await page(office))
    unsure = await submit(office, "/statements/2026-10/close")
    assert (unsure.status_code, "tick the box" in unsure.text) == (422, True)
    wrong = await submit(office, review, verdict="correct", end_wh="many", month="2026-10")
    assert "register at the end: expected whole Wh" in wrong.text
    priceless = await submit(office, review, verdict="accept", month="2026-10")
    assert priceless.status_code == 422
    unknown = await submit(office, "/statements/review/nothing", verdict="void")
    assert "there is no such record" in unknown.text
    early = await submit(office, "/statements/2026-11/close", sure="on")
    assert "2026-11 is not over" in early.text


async def test_a_session_is_voided(office: Office):
    await office.session(2, 500)
    office.billing.record_ended()
    await submit(office, review_of(await page(office)), verdict="void", month="2026-10")
    text = await page(office)
    assert "0 sessions wait for review" in text
