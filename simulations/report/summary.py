"""The first page: one sentence, the key figures, what was put in, and what was wrong with it."""

from __future__ import annotations

from controller.site import Circuit
from controller.units import PHASE_NAMES
from simulations.judging.model import Metrics
from simulations.provenance import commit
from simulations.report.columns import numbers, texts
from simulations.report.pieces import Block, Command, Facts, Headline, Table, Tile, Tone
from simulations.report.timeline import length_words
from simulations.report.view import UNCONTROLLED, Case
from simulations.report.words import count, heat, money, number, percent, policy, quantity


def headline(case: Case) -> Headline:
    """The verdict."""
    metrics = case.judgement.metrics
    return Headline(tone=_tone(metrics), sentence=sentence(case), detail=_detail(case), tiles=_tiles(case))


def sentence(case: Case) -> str:
    """What became of fuses, energy and cost, in one sentence or two."""
    metrics = case.judgement.metrics
    if metrics.requested_kwh <= 0:
        return f"{_fuses(metrics)}; no car asked for energy."
    share = percent(min(1.0, metrics.delivered_kwh / metrics.requested_kwh))
    return f"{_fuses(metrics)}; {share} of the requested energy was delivered{_cost(case)}."


def _fuses(metrics: Metrics) -> str:
    if metrics.thermal_peak >= 1.0:
        return "A fuse would have opened"
    if metrics.fuse_violation_as > 0:
        return f"A fuse was overloaded for {length_words(metrics.longest_overload_s)}"
    if metrics.overload_as > 0:
        return f"Every overload was relieved within {length_words(metrics.longest_overload_s)}"
    return "No fuse was overloaded"


def _cost(case: Case) -> str:
    metrics, free = case.judgement.metrics, case.metrics_of(UNCONTROLLED)
    if metrics.regret_pct is not None:
        if metrics.regret_pct < 0.05:
            return ", at the cheapest possible cost"
        return f", {quantity(metrics.regret_pct, '%')} above the cheapest possible cost"
    if free is not None and free.cost > 0:
        less = 1.0 - metrics.cost / free.cost
        return f", at {percent(abs(less))} {'less' if less >= 0 else 'more'} cost than without control"
    return ""


def _tone(metrics: Metrics) -> Tone:
    if metrics.thermal_peak >= 1.0 or metrics.fuse_violation_as > 0 or metrics.invalid_setpoints > 0:
        return "alarm"
    share = metrics.delivered_kwh / metrics.requested_kwh if metrics.requested_kwh > 0 else 1.0
    return "ok" if share >= 0.95 else "limited"


def _detail(case: Case) -> str:
    scenario = case.view.scenario
    root = scenario.site.circuits[case.view.root]
    run = f"{length_words(scenario.duration_s)} from {case.view.clock.text(0.0, '%-d %B %Y')}"
    site = f"{count(len(scenario.site.points), 'charging point')} behind a fuse of {_fuse(root)}"
    away = f"; {count(scenario.turned_away, 'more car')} found no free point" if scenario.turned_away else ""
    return f"{case.view.name} over {run}: {site}, {count(len(case.view.results.sessions), 'session')}{away}."


def _tiles(case: Case) -> list[Tile]:
    metrics, free = case.judgement.metrics, case.metrics_of(UNCONTROLLED)
    currency = case.view.site.currency
    asked = metrics.requested_kwh > 0
    per_kwh = metrics.cost / metrics.delivered_kwh if metrics.delivered_kwh > 0 else None
    share = percent(min(1.0, metrics.delivered_kwh / metrics.requested_kwh)) if asked else "none asked"
    overload: Tone | None = "alarm" if metrics.fuse_violation_as > 0 or metrics.thermal_peak >= 1 else None
    return [
        Tile(
            "Energy delivered",
            share,
            f"{_kwh(metrics.delivered_kwh)} of {_kwh(metrics.requested_kwh)}",
        ),
        Tile("Needs met", f"{metrics.sessions_met:,} of {metrics.sessions:,}", "sessions with all that was needed"),
        Tile(
            "Cost",
            case.money(metrics.cost),
            f"{money(per_kwh, currency, 3)} per kWh delivered" if per_kwh is not None else "nothing was delivered",
        ),
        Tile(
            "Highest demand",
            quantity(metrics.peak_kw, "kW"),
            f"uncontrolled {quantity(free.peak_kw, 'kW')}" if free is not None else "mean of a demand window",
        ),
        Tile(
            "Hottest fuse",
            heat(metrics.thermal_peak),
            _heat_note(metrics),
            overload,
        ),
        Tile("Longest wait", _wait(metrics), "of a connected car for its turn"),
    ]


def _heat_note(metrics: Metrics) -> str:
    of_what = "" if metrics.thermal_peak >= 1 else "of what opens it; "
    if metrics.overload_as <= 0:
        return f"{of_what}never overloaded"
    return f"{of_what}overloaded {length_words(metrics.longest_overload_s)} at most"


def _kwh(energy_kwh: float) -> str:
    return quantity(energy_kwh, "kWh", 0 if energy_kwh >= 100 else 1)


def _wait(metrics: Metrics) -> str:
    return length_words(metrics.longest_wait_s) if metrics.longest_wait_s > 0 else "none"


def inputs(case: Case, command: str) -> list[Block]:
    """What was run, on which site, with which demand and prices, and how it was judged; data notes; the command."""
    facts: list[Block] = [
        Facts("Run", _run_facts(case)),
        Facts("Site", _site_facts(case)),
        Facts("Cars and prices", _demand_facts(case)),
        Facts("Judged by", _judging_facts(case)),
    ]
    notes = case.view.scenario.notes
    if notes:
        facts.append(
            Table(
                id="data-notes",
                title="What was wrong with the data",
                reading="Impossible or doubtful records, how many there were, and what was done about them.",
                headings=["Source", "Problem", "Records", "Rule"],
                rows=[[n.source, n.problem, f"{n.count:,}", n.rule] for n in notes],
                columns={
                    "source": texts(n.source for n in notes),
                    "problem": texts(n.problem for n in notes),
                    "records": numbers([n.count for n in notes], 0),
                    "rule": texts(n.rule for n in notes),
                },
                numeric=frozenset({2}),
            )
        )
    line = "The same commit and seed give the same results and the same report, byte by byte."
    return [*facts, Command("Run it again", command, line)]


def _run_facts(case: Case) -> list[tuple[str, str]]:
    view = case.view
    scenario = view.scenario
    form = "%-d %B %Y, %H:%M"
    return [
        ("Scenario", scenario.name),
        ("Period", f"{view.clock.text(0.0, form)} to {view.clock.text(scenario.duration_s, form)}"),
        ("Time zone", scenario.site.time_zone),
        ("Step", f"{length_words(scenario.step_s)}, recorded every {length_words(view.series.step_s)}"),
        ("Policy", f"{view.name} ({scenario.controller})"),
        ("Seed", str(scenario.seed)),
        ("Commit", commit()),
    ]


def _site_facts(case: Case) -> list[tuple[str, str]]:
    site = case.view.site
    root = site.circuits[case.view.root]
    facts = [
        ("Grid connection", f"{root.id}: {_fuse(root)}"),
        ("Contract", "none" if root.contract_w is None else f"{number(root.contract_w / 1000)} kW"),
    ]
    others = [f"{c.id} {_fuse(c)}" for c in site.circuits if c is not root]
    facts.append(("Circuits below", ", ".join(others[:8]) + (" …" if len(others) > 8 else "") if others else "none"))
    single = sum(len(p.phases) == 1 for p in site.points)
    facts.append(("Charging points", f"{len(site.points)}, {single or 'none'} of them on a single phase"))
    faulty = len(case.view.scenario.temperaments)
    facts.append(("Troubled chargers", str(faulty) if faulty else "none"))
    return facts


def _fuse(circuit: Circuit) -> str:
    if len(set(circuit.fuse_a)) == 1:
        return f"{circuit.fuse_a[0]:g} A {circuit.fuse_curve}"
    ratings = zip(PHASE_NAMES, circuit.fuse_a, strict=True)
    return ", ".join(f"{name} {fuse_a:g} A" for name, fuse_a in ratings) + f" {circuit.fuse_curve}"


def _demand_facts(case: Case) -> list[tuple[str, str]]:
    scenario, price = case.view.scenario, case.view.series.price
    currency = scenario.site.currency
    metrics = case.judgement.metrics
    low, high = (float(price.min()), float(price.max())) if price.size else (0.0, 0.0)
    per_kwh = (
        money(low, currency, 3) if high - low < 1e-9 else f"{money(low, currency, 3)} to {money(high, currency, 3)}"
    )
    demand = scenario.demand
    charge = "none"
    if demand is not None:
        charge = f"{money(demand.per_kw, currency)} per kW and month, windows of {length_words(demand.window_s)}"
    return [
        ("Sessions", f"{metrics.sessions:,} that ask for {_kwh(metrics.requested_kwh)}"),
        ("Turned away", f"{scenario.turned_away:,} that found no free point" if scenario.turned_away else "none"),
        ("Price of a kWh", per_kwh),
        ("Demand charge", charge),
        ("Limits for a time", str(len(scenario.limits)) if scenario.limits else "none"),
        ("Faults", ", ".join(sorted({f.kind.replace("_", " ") for f in scenario.faults})) or "none"),
    ]


def _judging_facts(case: Case) -> list[tuple[str, str]]:
    judging, bound = case.view.scenario.judging, case.judgement.bound
    metrics = case.judgement.metrics
    best = "not computed"
    if bound is not None:
        best = f"perfect foresight in slots of {length_words(bound.slot_s)}"
    rivals = [policy(name) for name in sorted({*case.rivals, *case.judgement.outcomes} - {case.view.results.policy})]
    facts = [
        ("Best possible", best),
        ("Rivals", ", ".join(rivals) or "none"),
        ("Seeds", str(max([1, *(len(runs) for runs in case.judgement.outcomes.values())]))),
        ("A kWh not delivered", money(judging.unmet_per_kwh, case.view.site.currency)),
        ("Invalid limits", f"{metrics.invalid_setpoints:,}"),
    ]
    if metrics.of_bound_pct is not None:
        facts.insert(1, ("Delivered of possible", quantity(metrics.of_bound_pct, "%")))
    if metrics.saving_share_pct is not None:
        facts.insert(2, ("Achieved saving", f"{quantity(metrics.saving_share_pct, '%')} of the achievable"))
    return facts
