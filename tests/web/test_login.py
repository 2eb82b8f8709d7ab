"""Who gets in, for how long, and how guessing is slowed down."""

import threading

import httpx
import pytest

from adapters.live import Live
from adapters.web import access
from adapters.web.access import Logins, RefusedError, TooManyTriesError
from tests.support.web import HandClock, made_app, made_tick, only_ada, small_site

ADA = {"username": "ada", "password": "correct horse"}


@pytest.fixture
async def http():
    site = small_site()
    live = Live(site, HandClock())
    live.publish(made_tick(site, 0, {}))
    app = made_app(site, live, lab=False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://loadstar.test") as client:
        yield client


@pytest.mark.parametrize(
    "path", ["/api/v1/site", "/api/v1/sessions", "/api/v1/stream", "/metrics", "/api/openapi.json", "/nowhere"]
)
async def test_without_a_login_there_is_nothing_to_see(http: httpx.AsyncClient, path: str):
    answer = await http.get(path)
    assert answer.status_code == 401
    assert answer.json() == {"detail": "log in first"}
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_health_is_open_and_the_page_leads_to_the_login(http: httpx.AsyncClient):
    assert (await http.get("/healthz")).status_code == 200
    page = await http.get("/")
    assert (page.status_code, page.headers["location"]) == (303, "/login")


async def test_a_program_logs_in_and_uses_the_bearer_token(http: httpx.AsyncClient):
    answer = await http.post("/api/v1/login", json=ADA)
    assert answer.status_code == 200
    token = answer.json()["token"]
    assert (answer.json()["role"], answer.json()["token_type"]) == ("operator", "bearer")
    http.cookies.clear()
    bearer = {"Authorization": f"Bearer {token}"}
    assert (await http.get("/api/v1/site", headers=bearer)).status_code == 200
    assert (await http.get("/metrics", headers=bearer)).status_code == 200
    assert (await http.get("/api/v1/site", headers={"Authorization": "Bearer other"})).status_code == 401


async def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(http: httpx.AsyncClient):
    answer = await http.post("/api/v1/login", json=ADA)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" in cookie
    assert (await http.get("/api/v1/site")).status_code == 200


async def test_after_logout_the_token_is_worthless(http: httpx.AsyncClient):
    token = (await http.post("/api/v1/login", json=ADA)).json()["token"]
    assert (await http.post("/api/v1/logout")).status_code == 204
    assert (await http.get("/api/v1/site", headers={"Authorization": f"Bearer {token}"})).status_code == 401


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"username": "ada", "password": "wrong"}, 401),
        ({"username": "eve", "password": "correct horse"}, 401),
        ({"username": "ada"}, 422),
        ({"username": "ada", "password": 7}, 422),
        ({**ADA, "role": "installer"}, 422),
        (["ada"], 422),
    ],
)
async def test_a_wrong_login_is_refused_without_repeating_the_password(
    http: httpx.AsyncClient, body: object, status: int
):
    answer = await http.post("/api/v1/login", json=body)
    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], str)
    assert "correct horse" not in answer.text


async def test_the_login_form_works_without_scripts(http: httpx.AsyncClient):
    wrong = await http.post("/login", data={"username": "ada<b>", "password": "no"})
    assert wrong.status_code == 401
    assert "wrong" in wrong.text
    assert "<b>" not in wrong.text
    right = await http.post("/login", data=ADA)
    assert (right.status_code, right.headers["location"]) == (303, "/")
    assert (await http.get("/api/v1/site")).status_code == 200


async def test_guessing_is_slowed_down(http: httpx.AsyncClient):
    statuses = [
        (await http.post("/api/v1/login", json={"username": "ada", "password": str(n)})).status_code for n in range(8)
    ]
    assert statuses == [401] * access.FREE_TRIES + [429] * (8 - access.FREE_TRIES)
    assert (await http.post("/api/v1/login", json=ADA)).headers["retry-after"]
    assert (await http.post("/login", data=ADA)).status_code == 429


def test_the_brake_wears_off_and_knows_addresses_apart():
    clock = HandClock()
    logins = Logins(only_ada, clock.monotonic_s)
    for _ in range(access.FREE_TRIES):
        with pytest.raises(RefusedError):
            logins.log_in("ada", "guess", "2001:db8:1:2::1")
    with pytest.raises(TooManyTriesError):
        logins.log_in("ada", "correct horse", "2001:db8:1:2::beef")
    assert logins.log_in("ada", "correct horse", "192.0.2.7")
    clock.elapsed_s += access.TRY_EVERY_S
    assert logins.log_in("ada", "correct horse", "2001:db8:1:2::1")


def test_right_passwords_cost_no_tries():
    logins = Logins(only_ada, HandClock().monotonic_s)
    for _ in range(3 * access.FREE_TRIES):
        logins.log_in("ada", "correct horse", "192.0.2.7")


def test_logins_expire_unused_and_in_any_case():
    clock = HandClock()
    logins = Logins(only_ada, clock.monotonic_s)
    idle, _ = logins.log_in("ada", "correct horse", "a")
    used, _ = logins.log_in("ada", "correct horse", "a")
    while clock.elapsed_s < access.LIFETIME_S:
        assert logins.holder(used) is not None
        clock.elapsed_s += access.IDLE_S
    assert logins.holder(idle) is None
    clock.elapsed_s += 1
    assert logins.holder(used) is None


def test_only_so_many_logins_are_kept_and_the_used_ones_stay():
    logins = Logins(only_ada, HandClock().monotonic_s)
    tokens = [logins.log_in("ada", "correct horse", "a")[0] for _ in range(access.LOGINS_MAX)]
    assert logins.holder(tokens[0]) is not None
    logins.log_in("ada", "correct horse", "a")
    assert logins.holder(tokens[0]) is not None
    assert logins.holder(tokens[1]) is None


def test_only_so_many_passwords_are_hashed_at_once():
    entered, leave = threading.Semaphore(0), threading.Event()

    def slow(user: str, password: str) -> str:
        entered.release()
        leave.wait(30)
        return "operator"

    logins = Logins(slow, HandClock().monotonic_s)
    busy = [threading.Thread(target=logins.log_in, args=("ada", "x", f"a{n}")) for n in range(access.HASHING_AT_ONCE)]
    for thread in busy:
        thread.start()
        assert entered.acquire(timeout=30)
    with pytest.raises(TooManyTriesError):
        logins.log_in("ada", "x", "b")
    leave.set()
    for thread in busy:
        thread.join(30)
    assert logins.log_in("ada", "x", "b")
