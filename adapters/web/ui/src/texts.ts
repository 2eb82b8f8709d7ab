/** Every word of the page. A further language is a further object of this shape. */

import type { Circuit, Point, PointState } from "./api";

export const language = "en-GB";

const cars = (count: number) => (count === 1 ? "1 car" : `${count} cars`);
const are = (count: number) => (count === 1 ? "is" : "are");
const sources: Record<string, string> = { grid_operator: "the grid operator's limit" };
const limit = (source: string) => sources[source] ?? `the limit set by ${source.replaceAll("_", " ")}`;

/** What a constraint's name, as plans carry it, means: `circuit:garage:L2`, `limit:SOURCE`, `contract:main`. */
function constraint(name: string): { full: string; shares: string; waits: string } | null {
  const [kind, ...rest] = name.split(":");
  const phase = rest.at(-1) ?? "";
  const circuit = rest.slice(0, -1).join(":");
  const all = rest.join(":");
  switch (kind) {
    case "circuit":
      return {
        full: `${circuit} ${phase} is full`,
        shares: `Shares what is free on ${circuit}, phase ${phase}`,
        waits: `Waits for its turn: too little is free on ${circuit}, phase ${phase}`,
      };
    case "limit":
      return {
        full: `${limit(all)} is reached`,
        shares: `Shares what ${limit(all)} leaves`,
        waits: `Waits for its turn: ${limit(all)} leaves too little`,
      };
    case "contract":
      return {
        full: `the contracted power of ${all} is used up`,
        shares: `Shares what the contracted power of ${all} leaves`,
        waits: `Waits for its turn: the contracted power of ${all} is used up`,
      };
    default:
      return null;
  }
}

const paces: Record<string, string> = {
  calm: "Goes up step by step: limits here were lowered a moment ago",
  interval: "Goes up step by step: its last change was a moment ago",
  headroom: "Goes up as soon as the meter shows that the current is free",
  meter: "Held until the meter is reliable again",
};

const idle: Partial<Record<PointState, string>> = {
  available: "Ready for the next car",
  occupied: "A car is here: waits for a card or an app",
  finishing: "Finished: unplug to free the point",
  faulted: "The charger reports a fault and gives no current",
};

export const text = {
  states: {
    available: "Free",
    occupied: "Car connected",
    plugged: "Starting",
    charging: "Charging",
    withheld: "Waiting",
    ev_idle: "Car idle",
    finishing: "Finished",
    faulted: "Fault",
    offline: "Offline",
  } satisfies Record<PointState, string>,

  /** Why a point has the limit that it has, in one plain sentence. */
  reason(point: Point): string {
    const because = point.because ?? "";
    const [kind, ...rest] = because.split(":");
    const name = rest.join(":");
    const plain = idle[point.state];
    if (plain) return plain;
    if (point.state === "offline") {
      const kept = Math.max(point.commanded_a ?? 0, point.fallback_a);
      return `Not reachable: ${kept.toFixed(1)} A per phase are kept free for it`;
    }
    if (point.state === "ev_idle") return "The car asks for nothing at the moment";
    if (because === "point:max") return "As fast as this point and car can";
    if (because === "not_admitted:point:max") return `Its own limit is below the minimum of ${point.min_a} A`;
    if (kind === "not_admitted") return constraint(name)?.waits ?? "Waits for its turn";
    if (kind === "pace") return paces[name] ?? "Goes up step by step";
    if (because === "charger:does_not_follow") return "Its charger does not follow: it is counted at what it draws or may draw";
    if (because === "guard") return "Cut by the last safety check";
    return constraint(because)?.shares ?? because;
  },

  full: (name: string) => constraint(name)?.full ?? name,

  headline: {
    starting: "Waiting for the first measurements",
    connecting: "Connecting",
    lost: (since: string) => `Connection lost since ${since}`,
    lostDetail: "Chargers keep their safe limits by themselves. This page comes back on its own.",
    silent: (since: string) => `The controller has not reported since ${since}`,
    meter: (meter: string) => `Meter ${meter} is silent: worst case assumed`,
    overload: (circuit: Circuit, phase: string) => `${circuit.id} is above its fuse on ${phase}: limits are coming down`,
    limited: (count: number, why: string) => `${cars(count)} ${are(count)} being limited: ${why}`,
    waiting: (count: number, why: string) => `${cars(count)} ${count === 1 ? "waits" : "wait"} for current: ${why}`,
    raising: (count: number) => `${cars(count)} ${are(count)} being raised step by step`,
    full: "Everything charges at full speed",
    ready: "Ready: no car is charging",
  },

  notices: {
    faulted: (count: number) => `${count} faulted`,
    offline: (count: number) => `${count} offline`,
  },

  tiles: {
    charging: "Charging now",
    chargingOf: (all: number) => `of ${all} points`,
    power: "Charging power",
    powerNote: "from measured currents",
    free: (circuit: string) => `Free on ${circuit}`,
    freeNote: (phase: string) => `on ${phase}, the fullest phase`,
    freeUnknown: "not measured now",
    energy: "Energy",
    energyNote: (sessions: number) => `in ${sessions === 1 ? "1 running session" : `${sessions} running sessions`}`,
  },

  circuits: {
    title: "Fuses",
    fuse: (rating: string) => `${rating} fuse`,
    meter: (meter: string, age: number) => `meter ${meter}, ${age < 1 ? "just now" : `${age.toFixed(0)} s ago`}`,
    estimated: "sum of its points",
    stale: (meter: string, age: number | null) =>
      age === null ? `meter ${meter}: no reading yet` : `meter ${meter} silent for ${age.toFixed(0)} s`,
    free: (current: string) => `${current} free`,
    over: (current: string) => `${current} over`,
    inMargin: "in the margin",
    building: "Building",
    charging: "Charging",
    margin: "Margin",
    bar: (phase: string, current: string, fuse: string) => `${phase}: ${current} of ${fuse}`,
    points: (count: number) => (count === 1 ? "1 point" : `${count} points`),
  },

  chart: {
    title: (circuit: string) => `Last hour on ${circuit}`,
    fuse: "Fuse",
    now: "now",
    label: (circuit: string) => `Current per phase of ${circuit} over the last hour, against the fuse`,
    empty: "Nothing measured yet",
  },

  points: {
    title: "Charging points",
    caption: "Charging points with state, current, limit and the reason for the limit",
    id: "Point",
    state: "State",
    current: "Current",
    phases: "L1 · L2 · L3",
    limit: "Limit",
    why: "Why",
    session: "Session",
  },

  sessions: {
    title: "Sessions",
    caption: "Running and recently ended sessions",
    point: "Point",
    card: "Card",
    started: "Started",
    time: "Time",
    energy: "Energy",
    cost: "Cost",
    running: "running",
    review: "to review",
    empty: "No session so far.",
  },

  events: {
    title: "Events",
    empty: "Nothing out of the ordinary.",
    times: (count: number) => `${count}×`,
    severity: { info: "Information", warning: "Warning", alarm: "Alarm" },
  },

  live: "Live",
  notLive: "Not live",
  logOut: "Log out",
  skip: "Skip to the charging points",
  footer: (version: string) => `Loadstar ${version}`,
  lab: "Laboratory mode: no login",
};
