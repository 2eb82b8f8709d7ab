/** Every word of the page. A further language is a further object of this shape. */

import type { Circuit, Demand, Mark, PointState, Resource } from "./api";

export const language = "en-GB";

const cars = (count: number) => (count === 1 ? "1 car" : `${count} cars`);
const are = (count: number) => (count === 1 ? "is" : "are");
const sources: Record<string, string> = { grid_operator: "the grid operator's limit" };
const limit = (source: string) => sources[source] ?? `the limit set by ${source.replaceAll("_", " ")}`;

/** That a constraint is used up; its name as plans carry it: `circuit:garage:L2`, `limit:SOURCE`, `contract:main`. */
function full(name: string): string {
  const [kind, ...rest] = name.split(":");
  const all = rest.join(":");
  switch (kind) {
    case "circuit":
      return `${rest.slice(0, -1).join(":")} ${rest.at(-1) ?? ""} is all shared out`;
    case "imbalance":
      return `the phases of ${rest.slice(0, -1).join(":")} must stay alike`;
    case "limit":
      return all === "peak" ? "more would raise the demand peak" : `${limit(all)} is reached`;
    case "station":
      return `what the back office ${all} allows the station is reached`;
    case "contract":
      return `the contracted power of ${all} is used up`;
    default:
      return name;
  }
}

const marks: Record<Mark, string> = {
  meter_gap: "Meter was silent",
  clock_jump: "Clock was set",
  restart: "Controller was away",
  meter_clock: "Meter counts other quarter-hours",
};

/** A stretch of time: 40 s, 12 min, 1 h 5 min. */
function stretch(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

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

  full,

  headline: {
    starting: "Waiting for the first measurements",
    connecting: "Connecting",
    lost: (since: string) => `Connection lost since ${since}`,
    lostDetail: "Chargers keep their safe limits by themselves. This page comes back on its own.",
    silent: (since: string) => `The controller has not reported since ${since}`,
    meter: (meter: string) => `Meter ${meter} is silent: worst case assumed`,
    overload: (circuit: Circuit, phase: string) => `${circuit.id} is above its fuse on ${phase}: limits are coming down`,
    nobody: "No charger is connected",
    limited: (count: number, why: string) => `${cars(count)} ${are(count)} being limited: ${why}`,
    waiting: (count: number, why: string) => `${cars(count)} ${count === 1 ? "waits" : "wait"} for current: ${why}`,
    raising: (count: number) => `${cars(count)} ${are(count)} being raised step by step`,
    planned: (count: number) => `${cars(count)} ${count === 1 ? "charges" : "charge"} later, as planned`,
    surplus: (count: number) => `${cars(count)} ${count === 1 ? "charges" : "charge"} with what would be exported`,
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
    cold: "fuse cold",
    resources: {
      pv: { gives: "generates", takes: "takes", silent: "not measured now" },
      battery: { gives: "discharges at", takes: "charges at", silent: "not measured now" },
    } satisfies Record<Resource["kind"], object>,
    warmth: (phase: string, percent: number, hot: boolean) =>
      `${phase} fuse ${hot ? "hot" : "warm"}: ${percent} % of what opens it`,
  },

  demand: {
    title: "Demand",
    window: (begins: string, ends: string) => `${begins} to ${ends}`,
    left: (seconds: number) => `${stretch(seconds)} left`,
    soFar: "Used so far",
    mean: (power: string) => `${power} on average`,
    course: "On course for",
    courseNote: "if all goes on like this",
    target: "Target",
    aims: {
      paid: "paid for already",
      chosen: "the peak that is worth having",
    } satisfies Record<NonNullable<Demand["target_is"]>, string>,
    noTarget: (billed: boolean) => (billed ? "nothing is gained by holding back" : "no demand is billed now"),
    passed: "Even pace",
    allowed: "Charging may draw",
    allowedNote: "until this window ends",
    free: "All",
    freeNote: "that the fuses allow",
    month: "Peak this month",
    noPeak: "none so far",
    saved: "Saved this billing year",
    perKw: (price: string) => `each kW above costs ${price}`,
    price: "Price of a kWh",
    surcharge: (amount: string) => `+ ${amount}`,
    usual: "Usual",
    usualNote: "as usual",
    raised: (until: string | null, now: string | null) => `${now ? `${now} ` : ""}${until ? `until ${until}` : "near the peak"}`,
    notBilled: "Not billed now",
    exceeded: "Above the target",
    mark: (mark: Mark) => marks[mark],
    bar: (used: string, course: string, target: string | null) =>
      `${used} used so far, on course for ${course}${target ? ` of a target of ${target}` : ""}`,
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
    details: "details",
    fairness: (index: number, wait: number, point: string) =>
      `Last 24 h: turns shared ${(100 * index).toFixed(0)} % evenly (Jain’s index), longest wait ${stretch(wait)} at ${point}`,
    flags: {
      shortfall: "will lack energy",
      disobeys: "ignores its limit",
      wiring: "check wiring",
    },
  },

  detail: {
    reasons: "Why this limit",
    facts: "This point",
    need: "Asked for",
    noNeed: "Nothing: it charges as fast as is fair",
    progress: (got: string, all: string, when: string | null) => `${got} of ${all}${when ? ` by ${when}` : ""}`,
    lacks: (energy: string) => `${energy} will be missing`,
    waiting: "Waiting",
    since: (seconds: number) => `for ${stretch(seconds)}`,
    car: "Car",
    nothingLearned: "Nothing out of the ordinary",
    learned: (takes: string | number | null, phases: string[] | null, needs: string | number | null) =>
      [
        takes && `takes ${takes} at most`,
        phases && `draws on ${phases.join(" and ")} only`,
        needs && `begins at ${needs}`,
      ]
        .filter(Boolean)
        .join(", "),
    charger: "Charger",
    obeys: "Keeps to its limits",
    remedies: {
      resend: "Ignores its limit: told again",
      compare: "Ignores its limit: asked which schedule it holds",
      shut: "Ignores its limit: told to give nothing",
      stop: "Ignores its limit: transaction being ended",
      disable: "Ignores its limit: taken out of service",
    },
    wiring: "Wiring",
    suspected: (configured: string, suggested: string, orElse: string | null, percent: number) =>
      `Looks like ${suggested}${orElse ? ` or ${orElse}` : ""}, the site file says ${configured} (${percent} % sure). Nothing was changed.`,
    departs: "Leaves at",
    energy: "Energy of the session, kWh",
    save: "Set",
    saving: "Sending",
    saved: "Set. The next decision reckons with it.",
    notSaved: (why: string) => `Not set: ${why}`,
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

  backOffices: {
    title: "Back offices",
    caption: "Connections with back offices, and what they are still to be told",
    office: "Back office",
    station: "Station",
    charger: "Charger",
    connection: "Connection",
    waiting: "Still to be told",
    since: "Since",
    online: (online: number, all: number) =>
      all === 1 ? (online ? "connected" : "not connected") : `${online} of ${all} connected`,
    ready: "messages pass",
    notYet: "not accepted yet",
    away: "away: answered here",
    setAside: (count: number) => `${count} set aside`,
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
  pages: { label: "Pages", now: "Now", prices: "Prices", tokens: "Tokens", accounts: "Accounts", stations: "Stations", statements: "Statements" },
};
