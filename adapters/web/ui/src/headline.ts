/** What a glance should tell: one sentence, one level. Pure. */

import { root, type Circuit, type Point, type Site } from "./api";
import { text } from "./texts";

export type Level = "ok" | "limited" | "alarm" | "off";

export interface Headline {
  level: Level;
  sentence: string;
}

const PHASES = ["L1", "L2", "L3"] as const;
const competing = (point: Point) => ["plugged", "charging", "withheld"].includes(point.state);

/** The most important thing that goes on. */
export function headline(site: Site): Headline {
  if (site.at === null) return { level: "off", sentence: text.headline.starting };
  const silent = site.circuits.find((circuit) => circuit.meter !== null && !circuit.fresh);
  if (silent) return { level: "alarm", sentence: text.headline.meter(silent.meter ?? "") };
  const over = firstOverload(site.circuits);
  if (over) return { level: "alarm", sentence: text.headline.overload(...over) };
  if (site.points.length > 0 && site.points.every((point) => point.state === "offline"))
    return { level: "alarm", sentence: text.headline.nobody };
  return charging(site.points.filter(competing));
}

function charging(cars: Point[]): Headline {
  const why = (point: Point) => point.because ?? "";
  const waiting = cars.filter((point) => why(point).startsWith("not_admitted:"));
  const raising = cars.filter((point) => why(point).startsWith("pace:"));
  const limited = cars.filter((point) => /^(circuit|imbalance|limit|contract):/.test(why(point)));
  if (limited.length > 0)
    return {
      level: "limited",
      sentence: text.headline.limited(limited.length + waiting.length, text.full(commonest(limited.map(why)))),
    };
  if (waiting.length > 0) {
    const reasons = waiting.map((point) => why(point).slice("not_admitted:".length));
    return { level: "limited", sentence: text.headline.waiting(waiting.length, text.full(commonest(reasons))) };
  }
  if (raising.length > 0) return { level: "ok", sentence: text.headline.raising(raising.length) };
  const surplus = cars.filter((point) => why(point) === "plan:surplus");
  const planned = cars.filter((point) => why(point).startsWith("plan:")).length - surplus.length;
  if (planned > 0) return { level: "ok", sentence: text.headline.planned(planned) };
  if (surplus.length > 0) return { level: "ok", sentence: text.headline.surplus(surplus.length) };
  return { level: "ok", sentence: cars.length > 0 ? text.headline.full : text.headline.ready };
}

function firstOverload(circuits: Circuit[]): [Circuit, string] | null {
  for (const circuit of circuits)
    for (const [index, phase] of PHASES.entries())
      if ((circuit.current_a?.[index] ?? 0) > (circuit.fuse_a[index] ?? Infinity)) return [circuit, phase];
  return null;
}

function commonest(names: string[]): string {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "";
}

/** The figures below the headline. */
export function figures(site: Site) {
  const draws = (point: Point) => (point.measured_a ?? []).reduce<number>((sum, value) => sum + (value ?? 0), 0);
  const grid = root(site);
  const free = (grid?.headroom_a ?? []).map((value, index) => ({ value: value ?? NaN, phase: PHASES[index] ?? "" }));
  const sessions = site.points.flatMap((point) => point.session ?? []);
  return {
    charging: site.points.filter((point) => point.state === "charging").length,
    offline: site.points.filter((point) => point.state === "offline").length,
    faulted: site.points.filter((point) => point.state === "faulted").length,
    power_w: site.points.reduce((sum, point) => sum + draws(point), 0) * site.nominal_voltage_v,
    grid: grid?.id ?? "",
    free: grid?.meter && !grid.fresh ? undefined : free.sort((a, b) => a.value - b.value)[0],
    sessions: sessions.length,
    energy_wh: sessions.reduce((sum, session) => sum + (session.energy_wh ?? 0), 0),
  };
}
