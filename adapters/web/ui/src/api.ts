/** What the REST API answers; the reference is /api/openapi.json. */

export type Phases = readonly [number | null, number | null, number | null];

export type PointState =
  | "available"
  | "occupied"
  | "plugged"
  | "charging"
  | "withheld"
  | "ev_idle"
  | "finishing"
  | "faulted"
  | "offline";

export interface Session {
  id: string;
  point: string | null;
  station: string;
  connector: number;
  token: string;
  state: "running" | "ended";
  started_at: string;
  ended_at: string | null;
  energy_wh: number | null;
  cost: string | null;
  currency: string;
  review_flags: string[];
}

export interface Need {
  energy_wh: number | null;
  departs_at: string | null;
  shortfall_wh: number;
}

export interface Learned {
  takes_a: number | null;
  phases: string[] | null;
  needs_a: number | null;
}

export type Compliance = "obeys" | "resend" | "compare" | "shut" | "stop" | "disable";

export interface Point {
  id: string;
  circuit: string;
  phases: string[];
  state: PointState;
  measured_a: Phases | null;
  limit_a: number | null;
  because: string | null;
  why: string | null;
  session: Session | null;
  need: Need | null;
  learned: Learned | null;
  waiting_s: number | null;
  compliance: Compliance | null;
  wiring: { configured: string; suggested: string; or_else: string | null; confidence: number } | null;
}

export interface Explanation {
  point: string;
  sentence: string;
  reasons: { topic: string; text: string }[];
}

export interface Circuit {
  id: string;
  parent: string | null;
  fuse_a: readonly [number, number, number];
  margin_a: number;
  current_a: Phases | null;
  background_a: Phases | null;
  charging_a: Phases | null;
  headroom_a: Phases | null;
  warmth: Phases | null;
  meter: string | null;
  fresh: boolean;
  reading_age_s: number | null;
}

export type Mark = "meter_gap" | "clock_jump" | "restart" | "meter_clock";

/** Powers of a demand window are means over the whole of it [W]. */
export interface Demand {
  window: {
    begins_at: string;
    length_s: number;
    passed_s: number;
    energy_wh: number;
    mean_w: number | null;
    projected_w: number;
    marks: Mark[];
  };
  billed: boolean;
  target_w: number | null;
  target_is: "paid" | "chosen" | null;
  allowed_w: number | null;
  month_peak_w: number;
  month_peak_at: string | null;
  per_kw: number;
  saved: string;
}

/** What a kWh costs now, in the site's currency. */
export interface Price {
  per_kwh: string | null;
  level: "normal" | "high";
  surcharge_per_kwh: string;
  /** null where the price never changes. */
  since: string | null;
  until: string | null;
}

/** A plant or a battery of the site; what it gives is negative. */
export interface Resource {
  id: string;
  kind: "pv" | "battery";
  power_w: number | null;
}

/** One station of a back office: the connection, and what waits to be told. */
export interface Upstream {
  upstream: string;
  station: string;
  points: string[];
  connected: boolean;
  ready: boolean;
  trouble: string | null;
  waiting: number;
  oldest_at: string | null;
  set_aside: number;
}

export interface Site {
  id: string;
  name: string;
  time_zone: string;
  currency: string;
  nominal_voltage_v: number;
  version: string;
  at: string | null;
  last_event: number;
  circuits: Circuit[];
  points: Point[];
  fairness: { jain_index: number | null; longest_wait_s: number; longest_wait_point: string | null };
  peak: Demand | null;
  resources: Resource[];
  price: Price | null;
  upstreams: Upstream[];
}

export interface SiteEvent {
  number: number;
  kind: string;
  subject: string;
  message: string;
  severity: "info" | "warning" | "alarm";
  first_at: string;
  at: string;
  count: number;
}

export interface History {
  circuit: string;
  at: number[];
  current_a: [(number | null)[], (number | null)[], (number | null)[]];
}

interface Listed<Item> {
  items: Item[];
}

async function get<Answer>(path: string): Promise<Answer> {
  const answer = await fetch(`/api/v1/${path}`);
  if (answer.status === 401) location.assign("/login");
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return (await answer.json()) as Answer;
}

/** Asks something for the session that runs at a point; what it says when that is refused is for people. */
export async function change(point: string, asked: { departs_at: string | null; energy_kwh: number | null }): Promise<void> {
  const answer = await fetch(`/api/v1/points/${encodeURIComponent(point)}`, {
    method: "PATCH",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(asked),
  });
  if (answer.ok) return;
  const problem = (await answer.json().catch(() => ({}))) as { detail?: string };
  throw new Error(problem.detail ?? String(answer.status));
}

export const explanation = (point: string) => get<Explanation>(`points/${encodeURIComponent(point)}/explanation`);
export const site = () => get<Site>("site");
export const history = (circuit: string) => get<History>(`history?circuit=${encodeURIComponent(circuit)}`);
export const sessions = async (state: Session["state"], limit: number) =>
  (await get<Listed<Session>>(`sessions?state=${state}&limit=${limit}`)).items;
export const events = async (limit: number) => (await get<Listed<SiteEvent>>(`events?limit=${limit}`)).items;

export async function logOut(): Promise<void> {
  await fetch("/api/v1/logout", { method: "POST" });
  location.assign("/login");
}

/** The circuit without a parent: the grid connection. */
export const root = (site: Site) => site.circuits.find((circuit) => circuit.parent === null);
