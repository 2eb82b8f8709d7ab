import json
import random
import socket
import ssl
from itertools import islice, pairwise
from pathlib import Path

import pytest

from adapters.configuration import load_configuration, static_rule_problems
from adapters.store.ledger import open_ledger
from controller.tariffs.book import PartyKind
from simulations.connectors import Transaction
from simulations.demo import run_demo
from simulations.demo_books import CARDS, keep_demo_books
from simulations.demo_credentials import make_credentials
from simulations.demo_site import Ports, demo_tokens, write_demo_site
from simulations.drivers import busy_visits
from simulations.loopback import free_port
from simulations.outbox import Kind, Message, Outbox
from simulations.reactions import ReactionLog

PORTS = Ports(web=8080, ocpp=9000, meter=5020)


@pytest.mark.parametrize("points", [1, 2, 7, 20, 200])
def test_the_demonstrations_site_passes_its_own_checks(tmp_path: Path, points: int):
    configuration = load_configuration(write_demo_site(tmp_path, points, PORTS, None), {})
    assert len(configuration.site.points) == points
    assert static_rule_problems(configuration) == []


def test_twenty_minimum_shares_do_not_fit_so_the_fallbacks_are_zero(tmp_path: Path):
    site = load_configuration(write_demo_site(tmp_path, 20, PORTS, None), {}).site
    assert {point.fallback_a for point in site.points} == {0.0}
    assert {len(point.phases) for point in site.points} == {1, 3}
    assert len({point.phases for point in site.points}) == 6


def test_the_secure_demonstration_has_a_password_for_every_station_and_a_certificate_that_holds(tmp_path: Path):
    credentials = make_credentials(tmp_path)
    configuration = load_configuration(write_demo_site(tmp_path, 3, PORTS, credentials), {})
    assert len(set(configuration.passwords.values())) == 3
    assert configuration.users[0].name == "demo"
    assert (tmp_path / "site.toml").stat().st_mode & 0o077 == 0
    assert credentials.key.stat().st_mode & 0o077 == 0
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(credentials.certificate, credentials.key)
    client = ssl.create_default_context(cafile=str(credentials.authority))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    assert handshake(client, server, "127.0.0.1") == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(ssl.create_default_context(), server, "127.0.0.1")


def test_everybody_has_an_account_and_a_price_before_the_first_car_comes_and_once_only(tmp_path: Path):
    configuration = load_configuration(write_demo_site(tmp_path, 2, PORTS, None), {})
    for _ in range(2):  # a folder that is used again
        keep_demo_books(configuration, demo_tokens(None))
    ledger = open_ledger(
        configuration.store_url, currency="EUR", price_per_kwh=configuration.price_per_kwh, on_event=events_unheard
    )
    try:
        book, tokens = ledger.book, ledger.token_book.tokens()
        contracts = {contract.id: contract for contract in book.contracts()}
        parties = {party.id: party for party in book.parties()}
        assert {token.uid for token in tokens} == {token.uid for token in configuration.tokens}
        assert len(tokens) == len(CARDS)
        assert {contracts[token.contract or ""].party for token in tokens} == {"employee", "tenant", "host"}
        assert contracts["employee"].employer == "employer"
        assert [party.kind for party in parties.values()].count(PartyKind.OPERATOR) == 1
        approved = {version.tariff for version in book.tariff_versions() if version.approved}
        assert {rule.tariff for rule in book.rules()} < approved
        assert set(configuration.offers.values()) < approved
        assert [version.number for version in book.tariff_versions("charging") if not version.approved] == [2]
        assert {(rule.scope.value, rule.key, rule.tariff) for rule in book.rules()} == {
            ("operator", "", "site-file"), ("site", "", "charging"), ("contract", "employee", "staff"),
            ("contract", "host", "visitors"), ("guest", "", "visitors"),
        }  # fmt: skip
    finally:
        ledger.close()


def events_unheard(_event: object) -> None:
    pass


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> str | None:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    near = client.wrap_bio(to_client, to_server, server_hostname=name)
    far = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (near, far, near, far):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return near.version()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"points": 0}, "--points"),
        ({"duration": -1.0}, "--duration"),
        ({"fault": "earthquake"}, "meter_lost"),
    ],
)
def test_impossible_wishes_are_refused(arguments: dict, message: str, capsys: pytest.CaptureFixture[str]):
    assert run_demo(**arguments) == 2
    assert message in capsys.readouterr().err


def test_a_busy_port_is_named(capsys: pytest.CaptureFixture[str]):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run_demo(web_port=port, ocpp_port=0) == 2
    assert f"--web-port: cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err.replace("\n", "")


def test_any_port_will_do_when_none_is_wished_for():
    assert free_port(0, "--web-port") > 0


def test_most_points_see_a_session_end_within_a_minute_and_a_half():
    ended = 0
    for point in range(20):
        visits = list(islice(busy_visits(random.Random(point)), 3))
        assert visits[0].arrives_s <= 15.0
        assert all(a.leaves_s < b.arrives_s for a, b in pairwise(visits))
        ended += visits[0].leaves_s < 85.0
    assert ended >= 6


def test_the_same_seed_brings_the_same_visits():
    def story(seed: int) -> str:
        rows = islice(busy_visits(random.Random(seed)), 5)
        return json.dumps([(v.arrives_s, v.leaves_s, v.car.soc, v.car.model.max_a) for v in rows])

    assert story(1) == story(1) != story(2)


def test_a_full_outbox_drops_the_oldest_meter_values_and_never_a_start_or_stop():
    outbox, transaction = Outbox(capacity=3), Transaction("T", 0.0, 0)
    kinds = [Kind.START, Kind.VALUES, Kind.VALUES, Kind.STOP, Kind.START, Kind.STOP]
    for number, kind in enumerate(kinds):
        outbox.append(Message(kind, number, transaction))
    assert [message.kind for message in outbox] == [Kind.START, Kind.STOP, Kind.START, Kind.STOP]
    assert outbox.dropped == 2


def test_a_reaction_counts_to_the_last_limit_of_the_wave_that_answers():
    log = ReactionLog()
    log.load(0.0, (10.0, 10.0, 10.0), headroom_a=30.0)
    log.load(10.0, (25.0, 10.0, 10.0), headroom_a=-5.0)
    log.lowered(10.1)  # one car came at the same time
    for moment_s in (10.7, 10.72, 10.75):
        log.lowered(moment_s)
    log.lowered(12.0)
    log.load(20.0, (27.0, 10.0, 10.0), headroom_a=-1.0)  # no rise worth mentioning
    log.lowered(20.5)
    log.load(30.0, (10.0, 10.0, 10.0), headroom_a=20.0)
    log.load(40.0, (30.0, 10.0, 10.0), headroom_a=2.0)  # there was room: what is lowered then has other causes
    log.lowered(41.0)
    assert log.seconds() == pytest.approx([0.75])
