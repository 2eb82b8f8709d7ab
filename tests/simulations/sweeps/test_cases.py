"""What a sweep consists of."""

from collections.abc import Sequence
from typing import Any

import pytest

from simulations.sweeps.cases import Cases, SweepError, parameters_of


def test_every_value_meets_every_other_with_every_seed():
    cases = Cases(parameters_of(["circuits.main.fuse_a=25,40", "people.staff.cars_per_day=3,5,8"]), (7, 8))
    runs = cases.runs(lambda _: "scenario")
    assert len(runs) == len({run.key for run in runs}) == 12
    assert cases.settings[4] == {"circuits.main.fuse_a": "40", "people.staff.cars_per_day": "5"}
    assert (cases.place(4, 0), cases.place(4, 1)) == (1, 1)
    assert [run.seed for run in runs if run.setting == 4] == [7, 8]


def test_a_sweep_without_parameters_is_the_scenario_with_many_seeds():
    cases = Cases((), (1, 2, 3))
    assert cases.settings == ({},)
    assert len(cases.runs(lambda _: "scenario")) == 3


def test_the_order_of_the_arguments_does_not_change_what_a_run_is():
    one = Cases(parameters_of(["a.b=1,2", "a.c=3"]), (1,)).runs(lambda _: "scenario")
    other = Cases(parameters_of(["a.c=3", "a.b=1,2"]), (1,)).runs(lambda _: "scenario")
    assert [run.key for run in one] == [run.key for run in other]


@pytest.mark.parametrize("change", [{"identity": "another"}, {"texts": ["a.b=2"]}, {"seeds": (2,)}])
def test_another_scenario_setting_or_seed_is_another_run(change: dict[str, Any]):
    def key(identity: str = "scenario", texts: Sequence[str] = ("a.b=1",), seeds: tuple[int, ...] = (1,)) -> str:
        return Cases(parameters_of(texts), seeds).runs(lambda _: identity)[0].key

    assert key(**change) != key()


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a.b=16,32", (16, 32)),
        ("a.b=0.5,1", (0.5, 1.0)),
        ("a.b=true,false", (True, False)),
        ("a.b=rules,decide", ("rules", "decide")),
        ("a.b=16,rules", ("16", "rules")),
        ("a.b=[25, 25, 20],[32, 32, 25]", ("[25, 25, 20]", "[32, 32, 25]")),
        ("a.b='x, y',z", ("'x, y'", "z")),
    ],
)
def test_values_have_the_type_that_fits_them_all(text: str, values: tuple[object, ...]):
    (parameter,) = parameters_of([text])
    assert parameter.values == values
    assert [type(value) for value in parameter.values] == [type(value) for value in values]


def test_all_problems_of_the_arguments_are_told_at_once():
    with pytest.raises(SweepError) as refused:
        parameters_of(["fuse", "fuse_a=1", "a.b=1,,2", "a.c=1,1.0", "scenario.seed=1,2", "a.d=1", "a.d=2"])
    assert refused.value.problems == (
        "--set fuse: expected KEY=VALUE,VALUE",
        "--set fuse_a=1: expected a dotted key of the scenario file, such as circuits.main.fuse_a, found 'fuse_a'",
        "--set a.b=1,,2: a value is missing",
        "--set a.c=1,1.0: the value 1.0 is there twice",
        "--set scenario.seed=1,2: seeds are given by --seeds: as many as that, from the scenario's own upwards",
        "--set a.d: given more than once; expected all of its values in one",
    )


def test_a_sweep_without_end_is_refused():
    many = ",".join(str(number) for number in range(1001))
    with pytest.raises(SweepError, match="1002001000 runs, expected at most 1000000"):
        Cases(parameters_of([f"a.b={many}", f"a.c={many}"]), tuple(range(1000)))


def test_each_value_is_looked_at_once_before_the_sweep():
    cases = Cases(parameters_of(["a.b=1,2,3", "a.c=4,5"]), (1,))
    checks = cases.checks()
    assert len(checks) == 4
    assert {check["a.b"] for check in checks} == {"1", "2", "3"}
    assert {check["a.c"] for check in checks} == {"4", "5"}
