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

export interface Point {
  id: string;
  circuit: string;
  phases: string[];
  min_a: number;
  fallback_a: number;
  state: PointState;
  measured_a: Phases | null;
  limit_a: number | null;
  because: string | null;
  commanded_a: number | null;
  session: Session | null;
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
  meter: string | null;
  fresh: boolean;
  reading_age_s: number | null;
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
