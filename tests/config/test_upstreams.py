"""Back offices, as a site file names them."""

from __future__ import annotations

from pathlib import Path

import pytest

from adapters.configuration import Configuration, ConfigurationError, load_configuration

MAIN = '[site]\nid = "s"\n[[circuits]]\nid = "main"\nfuse_a = 1000\n'


def points(count: int) -> str:
    rows = (
        f'[[points]]\nid = "P{n:02}"\ncircuit = "main"\nstation = "CP{n:02}"\nfallback_a = 0\n' for n in range(count)
    )
    return "".join(rows)


def loaded(folder: Path, text: str, environ: dict[str, str] | None = None) -> Configuration:
    path = folder / "site.toml"
    path.write_text(MAIN + text)
    return load_configuration(path, environ or {})


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        loaded(folder, text)
    return [f"{problem.place}: {problem.expected}" for problem in refused.value.problems]


def test_a_back_office_that_only_has_an_address_sees_every_station_as_itself(tmp_path: Path):
    site = loaded(tmp_path, points(2) + '[[upstreams]]\nid = "office"\nurl = "ws://127.0.0.1:9100/ocpp"\n')
    (office,) = site.upstreams
    assert (office.hub, office.primary, office.points) == (False, True, ("P00", "P01"))
    assert (office.password, office.keep_local, office.authorise_away) == (None, True, "known")


def test_a_back_office_may_be_told_everything(tmp_path: Path):
    for name in ("roots.pem", "ours.pem", "ours.key"):
        (tmp_path / name).touch()
    site = loaded(
        tmp_path,
        points(3) + '[[upstreams]]\nid = "office"\nurl = "wss://office.example/ocpp"\nmode = "hub"\nidentity = "HUB1"\n'
        'version = "2.0.1"\npoints = ["P02", "P00"]\npassword_env = "KEY"\nwhen_away = "spec_close"\n'
        'authorise_away = "all"\ntls_authorities = "roots.pem"\ntls_certificate = "ours.pem"\ntls_key = "ours.key"\n'
        '[[upstreams]]\nid = "audit"\nurl = "ws://127.0.0.1:1/x"\nrole = "secondary"\npoints = ["P02"]\n',
        {"KEY": "tell-nobody"},
    )
    office, audit = site.upstreams
    assert (office.hub, office.identity, office.version, office.points) == (True, "HUB1", "2.0.1", ("P02", "P00"))
    assert (office.password, office.keep_local, office.authorise_away) == ("tell-nobody", False, "all")
    assert office.tls_key == tmp_path / "ours.key"
    assert not audit.primary
    assert "tell-nobody" not in repr(site)


def test_a_hub_has_twenty_points(tmp_path: Path):
    hub = '[[upstreams]]\nid = "office"\nurl = "ws://127.0.0.1:1/x"\nmode = "hub"\nidentity = "HUB1"\n'
    assert len(loaded(tmp_path, points(20) + hub).upstreams[0].points) == 20
    assert problems(tmp_path, points(21) + hub) == [
        "upstreams[0].points: a hub has at most 20 points, and this one has 21; make it several"
    ]


def test_somebody_must_answer_the_chargers(tmp_path: Path):
    listener = '[[upstreams]]\nid = "audit"\nurl = "ws://127.0.0.1:1/x"\nrole = "secondary"\n'
    assert problems(tmp_path, points(2) + listener) == [
        "upstreams[0].role: point 'P00' (like 1 more) has no primary; one of its back offices is it"
    ]
