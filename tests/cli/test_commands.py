"""What each command prints, and how it ends."""

import json
import re
import sys
from pathlib import Path

import pytest
import typer

from adapters.cli import execute
from tests.support.command import Loadstar

OFFICE = Path(__file__).parents[2] / "examples" / "office.toml"


def snapshot(l1_a: float = 30.0, **more: object) -> dict[str, object]:
    meter = {"current_a": [l1_a, 20.0, 20.0], "measured_at": "2026-11-20T09:00:00Z"}
    points = {name: {"state": "charging"} for name in ("P0", "P1")}
    return {"at": "2026-11-20T09:00:00Z", "meters": {"grid": meter}, "points": points, **more}


def test_check_shows_what_may_flow_unattended(loadstar: Loadstar, site: Path):
    ended = loadstar("check", "--config", site)
    assert (ended.code, ended.err) == (0, "")
    assert "[/red] & Söhne" in ended.out
    assert re.search(r"main +│ L1 +│ +25\.0 │ +24\.0 │ +63\.0 │ +14\.0", ended.out)
    assert re.search(r"P3 +│ CP3 +│ +25 │ +20\.0", ended.out), "6 A of fallback and the 14 A that are left"


def test_check_as_json_holds_the_same(loadstar: Loadstar, site: Path):
    ended = loadstar("check", "--json", "--config", site)
    report = json.loads(ended.out)
    assert (ended.code, report["ok"], report["problems"]) == (0, True, [])
    assert report["static_rule"][0] == {
        "circuit": "main",
        "phase": "L1",
        "fuse_a": 63.0,
        "base_load_a": 25.0,
        "fallbacks_a": 24.0,
        "remainder_a": 14.0,
    }
    assert report["points"]["P3"] == {"fallback_a": 6.0, "unattended_a": 20.0}


def test_check_lists_every_mistake_on_stderr(loadstar: Loadstar, site: Path):
    site.write_text(site.read_text("utf-8").replace("fuse_a = 63", "fuse = 63").replace('"CP3"\nw', '"CP4"\nw'))
    ended = loadstar("check", "--config", site)
    assert (ended.code, ended.out) == (2, "")
    assert [line.split(": ")[1] for line in ended.err.splitlines()] == [
        "circuits[0].fuse_a",
        "circuits[0].fuse",
        "stations[0].id",
    ]
    as_json = loadstar("check", "--json", "--config", site)
    assert as_json.code == 2
    assert json.loads(as_json.out)["problems"] == ended.err.splitlines()


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_site_that_is_unsafe_unattended_is_refused(loadstar: Loadstar, site: Path, command: str):
    site.write_text(site.read_text("utf-8").replace("base_load_a = 25", "base_load_a = [25, 25, 70]"))
    ended = loadstar(command, "--config", site)
    assert ended.code == 2
    assert (
        "circuit 'main', L3: 70.0 A of base load and 0.0 A of fallbacks exceed the fuse of 63.0 A by 7.0 A" in ended.err
    )


def test_a_laboratory_on_a_public_address_is_refused(loadstar: Loadstar, site: Path):
    site.write_text(site.read_text("utf-8") + '[web]\nhost = "0.0.0.0"\n')
    ended = loadstar("run", "--insecure-lab", "--config", site)
    assert ended.code == 2
    assert "web.host: with --insecure-lab only a loopback address" in ended.err


def test_the_example_passes(loadstar: Loadstar):
    assert loadstar("check", "--config", OFFICE).code == 0


def test_allocate_answers_a_snapshot_with_a_plan(loadstar: Loadstar, site: Path, tmp_path: Path):
    file = tmp_path / "one.json"
    file.write_text(json.dumps(snapshot(l1_a=30.0)))
    ended = loadstar("allocate", "--site", site, "--snapshot", file)
    plan = json.loads(ended.out)
    assert (ended.code, ended.err, plan["at"]) == (0, "", "2026-11-20T09:00:00Z")
    assert plan["setpoints"]["P0"]["limit_a"] == pytest.approx(16.5), "half of 63 A - 30 A"
    assert plan["setpoints"]["P0"]["because"] == "circuit:main:L1"


def test_allocate_answers_each_line_in_order(loadstar: Loadstar, site: Path, tmp_path: Path):
    file = tmp_path / "many.jsonl"
    file.write_text("\n".join(json.dumps(snapshot(l1_a=load_a)) for load_a in (43.0, 23.0, 33.0)) + "\n\n")
    ended = loadstar("allocate", "--site", site, "--snapshot", file)
    plans = [json.loads(line) for line in ended.out.splitlines()]
    assert ended.code == 0
    assert [plan["setpoints"]["P0"]["limit_a"] for plan in plans] == pytest.approx([10.0, 20.0, 15.0])


def test_allocate_answers_good_lines_and_lists_bad_ones(loadstar: Loadstar, site: Path, tmp_path: Path):
    file = tmp_path / "many.jsonl"
    bad = snapshot(points={"P9": {"state": "charging"}}, limits=[{"circuit": "cellar", "limit_w": 1, "source": "x"}])
    lines = [json.dumps(snapshot()), "{", json.dumps(snapshot(l1_a=float("nan"))), json.dumps(bad), "é", "null"]
    file.write_bytes("\n".join([*lines, json.dumps(snapshot())]).encode("latin-1"))
    ended = loadstar("allocate", "--site", site, "--snapshot", file)
    assert ended.code == 2
    assert len(ended.out.splitlines()) == 2
    told = [line.removeprefix(str(file)) for line in ended.err.splitlines()]
    assert [line.split(": ")[0] for line in told] == [":2", ":3", ":4", ":4", ":5", ":6"]


@pytest.mark.parametrize("content", ["", "[]", '{"at": "2026-11-20T09:00:00"}', "\x00"])
def test_allocate_refuses_what_is_no_snapshot(loadstar: Loadstar, site: Path, tmp_path: Path, content: str):
    file = tmp_path / "one.json"
    file.write_text(content)
    ended = loadstar("allocate", "--site", site, "--snapshot", file)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith(f"{file}: ")


@pytest.mark.parametrize("arguments", [["check"], ["nonsense"], ["check", "--config", "absent.toml"], ["--nonsense"]])
def test_wrong_usage_ends_with_2_and_says_so_on_stderr(loadstar: Loadstar, arguments: list[str]):
    ended = loadstar(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err


def test_no_command_shows_the_help(loadstar: Loadstar):
    ended = loadstar()
    assert ended.code == 2
    assert "allocate" in ended.out + ended.err


def test_a_missing_snapshot_is_named(loadstar: Loadstar, site: Path):
    ended = loadstar("allocate", "--site", site, "--snapshot", site.parent / "absent.json")
    assert (ended.code, ended.out) == (2, "")
    assert "absent.json:1: cannot be read" in ended.err


def test_help_and_version_are_results(loadstar: Loadstar):
    help_ = loadstar("--help")
    assert help_.code == 0
    assert all(command in help_.out for command in ("run", "check", "allocate"))
    assert loadstar("--version").out.startswith("loadstar ")


def test_our_own_mistake_is_one_line_and_a_hint(capsys: pytest.CaptureFixture[str]):
    broken = typer.Typer(pretty_exceptions_enable=False)

    @broken.command()
    def fail(debug: bool = False) -> None:
        raise RuntimeError("mqtt://me:tell-nobody@broker fell over")

    assert execute(broken, []) == 1
    written = capsys.readouterr()
    assert written.out == ""
    first, hint = written.err.splitlines()
    assert first == "loadstar: internal error: RuntimeError: mqtt://***@broker fell over"
    assert "--debug" in hint
    assert execute(broken, ["--debug"]) == 1
    traced = capsys.readouterr().err
    assert "Traceback" in traced
    assert "tell-nobody" not in traced


def test_a_command_that_lacks_its_packages_says_how_to_get_them(monkeypatch: pytest.MonkeyPatch, loadstar: Loadstar):
    for name in [
        name for name in sys.modules if name.startswith(("plotly", "simulations.simulate", "simulations.report"))
    ]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "plotly", None)
    ended = loadstar("simulate", "anything.toml")
    assert ended.code == 2
    assert "needs plotly, which is not installed: scripts/install.sh simulate" in ended.err
