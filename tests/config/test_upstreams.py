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


OFFICE = '[[upstreams]]\nid = "office"\nurl = "ws://127.0.0.1:1/x"\n'
FLEET = '[[upstreams]]\nid = "fleet"\nurl = "ws://127.0.0.1:2/x"\n'
GROUPS = '[[groups]]\nid = "pool"\n'


def test_a_back_office_may_answer_for_some_tokens_beside_the_one_that_answers_for_the_rest(tmp_path: Path):
    chosen = 'tokens = ["04a2b3c4", "NL-ABC-*"]\ngroups = ["pool"]\npoints = ["P01"]\n'
    office, fleet = loaded(tmp_path, GROUPS + points(2) + OFFICE + FLEET + chosen).upstreams
    assert (office.tokens, office.groups) == ((), ())
    assert (fleet.tokens, fleet.groups, fleet.points) == (("04a2b3c4", "NL-ABC-*"), ("pool",), ("P01",))


def test_everything_that_is_wrong_with_a_choice_by_token_is_told_at_once(tmp_path: Path):
    rows = [
        points(2),
        GROUPS,
        OFFICE + 'points = ["P00"]\n',
        FLEET + 'tokens = ["04A2", "04a2", "BE*"]\ngroups = ["pol"]\nwhen_away = "spec_close"\n',
        '[[upstreams]]\nid = "other"\nurl = "ws://127.0.0.1:3/x"\ntokens = ["be*", "04B"]\npoints = ["P00"]\n',
        '[[upstreams]]\nid = "ears"\nurl = "ws://x:4/x"\ntokens = ["X"]\nrole = "secondary"\npoints = ["P00"]\n',
        '[[upstreams]]\nid = "hub"\nurl = "ws://x"\nmode = "hub"\nidentity = "H"\ntokens = ["Y"]\npoints = ["P00"]\n',
    ]
    assert problems(tmp_path, "".join(rows)) == [
        "upstreams[1].role: point 'P01' has no primary without tokens or groups; one of its back offices is it",
        "upstreams[1].tokens[1]: '04a2' is named twice",
        "upstreams[1].groups[0]: unknown group 'pol'; did you mean 'pool'?",
        "upstreams[1].when_away: is for the primary without tokens or groups; this one closes no connection",
        "upstreams[2].tokens[0]: 'be*' is upstreams[1]'s already",
        "upstreams[3].tokens: means nothing for a secondary: it hears of every token",
        "upstreams[4].tokens: means nothing for a hub: nothing is chosen by token there",
    ]


def test_nothing_is_chosen_by_token_behind_a_hub(tmp_path: Path):
    hub = '[[upstreams]]\nid = "hub"\nurl = "ws://127.0.0.1:5/x"\nmode = "hub"\nidentity = "H"\n'
    assert problems(tmp_path, points(1) + hub + FLEET + 'tokens = ["Y"]\n') == [
        "upstreams[1].tokens: point 'P00' is behind a hub, upstreams[0]: nothing is chosen by token there"
    ]


@pytest.mark.parametrize("name", ["*", "", "A*B", "A**"])
def test_a_token_is_named_by_its_uid_or_its_beginning(tmp_path: Path, name: str):
    told = problems(tmp_path, points(1) + OFFICE + FLEET + f'tokens = ["{name}"]\n')
    assert told == ["upstreams[1].tokens[0]: expected the uid of a token, or the beginning of some followed by one *"]
