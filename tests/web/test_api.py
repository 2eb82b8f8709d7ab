"""What programs see of the REST API."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from adapters.live import Live
from controller.plan import Event, Severity
from controller.ports.ledger import LedgerUnavailable
from controller.snapshot import State
from tests.support.reach import reached
from tests.support.web import BEGIN, HandClock, Seen, ended_session, made_app, made_tick, small_site
from tests.support.web_books import FakeRecords


class Browser:
    """A client of one app, with the hands on what the app shows."""

    def __init__(self, lab: bool = True) -> None:
        self.site = small_site()
        self.clock = HandClock()
        self.live = Live(self.site, self.clock)
        self.records = FakeRecords()
        self.app = made_app(self.site, self.live, self.records, lab)
        self.http = reached(self.app)

    def publish(self, second: float = 0.0, **seen: Seen) -> None:
        self.clock.elapsed_s = second
        self.live.publish(made_tick(self.site, second, seen))

    async def json(self, path: str, status: int = 200):
        answer = await self.http.get(path)
        assert answer.status_code == status, answer.text
        return answer.json()


@pytest.fixture
async def browser():
    created = Browser()
    yield created
    await created.http.aclose()


@pytest.fixture
async def guarded():
    created = Browser(lab=False)
    yield created
    await created.http.aclose()


async def test_before_the_first_tick_nothing_is_claimed(browser: Browser):
    site = await browser.json("/api/v1/site")
    assert site["at"] is None
    assert [circuit["current_a"] for circuit in site["circuits"]] == [None, None, None]
    assert {point["state"] for point in site["points"]} == {"offline"}
    assert (await browser.json("/api/v1/history"))["at"] == []


async def test_site_shows_circuits_with_load_against_the_fuse(browser: Browser):
    browser.publish(P01=Seen(draw_a=9.8), P02=Seen(draw_a=6.0))
    main, garage, _ = (await browser.json("/api/v1/site"))["circuits"]
    assert main["fuse_a"] == [63, 63, 63]
    assert main["background_a"] == [14, 21, 9]
    assert main["charging_a"] == pytest.approx([15.8] * 3)
    assert main["current_a"] == pytest.approx([29.8, 36.8, 24.8])
    assert main["headroom_a"] == pytest.approx([32.2, 25.2, 37.2])
    assert (main["fresh"], main["reading_age_s"]) == (True, 0)
    assert (garage["parent"], garage["meter"], garage["reading_age_s"]) == ("main", None, None)


async def test_a_silent_meter_is_shown_stale_with_its_age(browser: Browser):
    browser.live.publish(made_tick(browser.site, 0, {}, fresh=False))
    main = (await browser.json("/api/v1/site"))["circuits"][0]
    assert (main["fresh"], main["reading_age_s"]) == (False, 42)


async def test_points_carry_limit_reason_and_session(browser: Browser):
    browser.publish(P01=Seen(limit_a=10.4, because="circuit:garage:L2"), P02=Seen(State.OFFLINE))
    answer = await browser.json("/api/v1/points")
    assert answer["next"] is None
    first, offline, free, single = answer["items"]
    expected = {"id": "P01", "station": "CP01", "connector": 1, "online": True, "state": "charging", "limit_a": 10.4}
    assert {name: first[name] for name in expected} == expected
    assert first["because"] == "circuit:garage:L2"
    assert first["measured_a"] == [9.8, 9.8, 9.8]
    assert (first["session"]["id"], first["session"]["energy_wh"]) == ("S-P01", 5300)
    assert (offline["online"], offline["state"], offline["limit_a"], offline["because"]) == (
        False,
        "offline",
        None,
        None,
    )
    assert (free["state"], free["session"], free["measured_a"]) == ("available", None, None)
    assert single["phases"] == ["L2"]
    assert await browser.json("/api/v1/points/P01") == first


async def test_sessions_by_state_point_and_page(browser: Browser):
    running = replace(ended_session(0), id="R", running=True, ended_at=None, end_wh=None, cost=None)
    browser.records.kept = [running, *(ended_session(n) for n in range(1, 6)), ended_session(6, point="P02")]
    assert [s["id"] for s in (await browser.json("/api/v1/sessions?state=running"))["items"]] == ["R"]
    assert [s["id"] for s in (await browser.json("/api/v1/sessions?point=P02"))["items"]] == ["E6"]
    seen, path = [], "/api/v1/sessions?state=ended&limit=2"
    following = ""
    while following is not None:
        page = await browser.json(path + (f"&after={following}" if following else ""))
        assert len(page["items"]) <= 2
        seen += [session["id"] for session in page["items"]]
        following = page["next"]
    assert seen == ["E1", "E2", "E3", "E4", "E5", "E6"]


async def test_one_session_with_money_as_text(browser: Browser):
    browser.records.kept = [ended_session(1)]
    session = await browser.json("/api/v1/sessions/E1")
    assert session["cost"] == "3.9375"
    assert (session["state"], session["transaction_id"], session["currency"]) == ("ended", "701", "EUR")
    assert (session["start_wh"], session["end_wh"], session["energy_wh"]) == (120_000, 131_250, 11_250)
    assert session["started_at"].endswith("Z")
    assert session["review_flags"] == []


async def test_a_tiny_cost_is_not_written_as_an_exponent(browser: Browser):
    browser.records.kept = [replace(ended_session(1), cost=ended_session(1).cost.scaleb(-7))]
    assert (await browser.json("/api/v1/sessions/E1"))["cost"] == "0.00000039375"


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("/api/v1/points/P99", 404, "P99"),
        ("/api/v1/sessions/none", 404, "none"),
        ("/api/v1/history?circuit=attic", 404, "attic"),
        ("/api/v1/history?seconds=0", 422, "seconds"),
        ("/api/v1/sessions?limit=501", 422, "limit"),
        ("/api/v1/sessions?limit=0", 422, "limit"),
        ("/api/v1/sessions?state=paused", 422, "state"),
        ("/api/v1/sessions?after=rubbish", 422, "after"),
        ("/api/v1/events?after=-1", 422, "after"),
        ("/api/v1/nothing", 404, "Not Found"),
    ],
)
async def test_errors_say_what_is_wrong(browser: Browser, path: str, status: int, named: str):
    problem = await browser.json(path, status)
    assert list(problem) == ["detail"]
    assert named in problem["detail"]


async def test_our_own_bug_is_a_plain_500(browser: Browser):
    def fall(**_: object) -> None:
        raise KeyError("secret inner detail")

    browser.records.sessions = fall
    answer = await browser.http.get("/api/v1/sessions")
    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal Server Error"})
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_ledger_that_cannot_be_read_is_said_so_and_nothing_else_fails(browser: Browser):
    def fail(**_: object) -> None:
        raise LedgerUnavailable("disk I/O error at /secret/path")

    browser.records.sessions = fail
    browser.publish()
    assert await browser.json("/api/v1/sessions", 503) == {"detail": "the ledger cannot be read at the moment"}
    assert await browser.json("/api/v1/points")


async def test_events_newest_first_in_pages(browser: Browser):
    for minute in range(5):
        browser.live.report(
            Event("meter_lost", "meter:grid", f"#{minute}", Severity.ALARM, BEGIN + timedelta(minutes=5 * minute))
        )
    first = await browser.json("/api/v1/events?limit=3")
    assert [event["message"] for event in first["items"]] == ["#4", "#3", "#2"]
    assert first["items"][0]["severity"] == "alarm"
    rest = await browser.json(f"/api/v1/events?limit=3&after={first['next']}")
    assert [event["message"] for event in rest["items"]] == ["#1", "#0"]
    assert rest["next"] is None


async def test_history_in_columns(browser: Browser):
    for second in range(4):
        browser.publish(second, P01=Seen(draw_a=float(second)))
    history = await browser.json("/api/v1/history?circuit=garage&seconds=3")
    begin = int(BEGIN.timestamp())
    assert history["at"] == [begin + 1, begin + 2, begin + 3]
    assert history["current_a"][0] == [1, 2, 3]
    assert history["charging_a"][2] == [1, 2, 3]
    assert (await browser.json("/api/v1/history"))["circuit"] == "main"


async def test_health_follows_the_control_loop(browser: Browser):
    assert (await browser.json("/healthz", 503))["status"] == "starting"
    browser.publish(0)
    assert (await browser.json("/healthz"))["status"] == "ok"
    browser.clock.elapsed_s = 4.9
    assert (await browser.json("/healthz"))["tick_age_s"] == 4.9
    browser.clock.elapsed_s = 5.1
    assert (await browser.json("/healthz", 503))["status"] == "stale"
    browser.publish(6)
    assert (await browser.json("/healthz"))["status"] == "ok"


async def test_openapi_describes_every_answer(browser: Browser):
    described = await browser.json("/api/openapi.json")
    paths = {path for path in described["paths"] if path.startswith("/api/v1/")}
    assert paths >= {"/api/v1/site", "/api/v1/points/{point_id}", "/api/v1/sessions", "/api/v1/stream"}
    session = described["components"]["schemas"]["Session"]["properties"]
    promised = "id station point connector transaction_id token state started_at ended_at start_wh end_wh energy_wh"
    assert set(session) >= {*promised.split(), "cost", "currency", "review_flags"}


async def test_every_answer_has_the_security_headers(guarded: Browser):
    for path in ("/login", "/healthz", "/api/v1/site", "/static/none.js", "/nowhere"):
        headers = (await guarded.http.get(path)).headers
        assert "unsafe" not in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in headers


async def test_a_large_body_is_refused_whether_declared_or_not(browser: Browser):
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(5):
            yield b"x" * 100_000

    declared = await browser.http.post("/api/v1/login", content=b"x" * 300_000)
    streamed = await browser.http.post("/api/v1/login", content=chunks())
    assert (declared.status_code, streamed.status_code) == (413, 413)


async def test_a_foreign_page_cannot_change_anything(browser: Browser):
    foreign = await browser.http.post("/api/v1/logout", headers={"Origin": "https://evil.example"})
    own = await browser.http.post("/api/v1/logout", headers={"Origin": "http://loadstar.test"})
    assert (foreign.status_code, own.status_code) == (403, 204)


async def test_metrics_can_be_parsed_and_name_no_people(browser: Browser):
    browser.publish(0, P01=Seen(limit_a=10.4))
    browser.live.report(Event("meter_lost", "meter:grid", "silent", Severity.ALARM))
    browser.clock.elapsed_s = 2
    text = (await browser.http.get("/metrics")).text
    assert "04A2B3C4" not in text
    values = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert values["loadstar_circuit_current_amperes", "L2", "main"] == pytest.approx(30.8)
    assert values["loadstar_circuit_headroom_amperes", "L2", "main"] == pytest.approx(31.2)
    assert values["loadstar_point_limit_amperes", "P01"] == 10.4
    assert values["loadstar_point_current_amperes", "L3", "P01"] == 9.8
    assert values["loadstar_reading_age_seconds", "grid"] == 2
    assert values["loadstar_tick_age_seconds",] == 2
    assert values["loadstar_events_total", "meter_lost"] == 1
    assert values["loadstar_decide_seconds_count",] == 1
    assert values["loadstar_decide_seconds_bucket", "0.0005"] == 1
    assert values["loadstar_points", "charging"] == 1
    assert values["loadstar_build_info", "0.1.0-test", "hq"] == 1
