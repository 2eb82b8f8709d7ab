import type { Circuit, Resource, Site } from "./api";
import { amperes, kilowatts, rating } from "./format";
import { Icon } from "./icons";
import { text } from "./texts";

const PHASES = ["L1", "L2", "L3"] as const;
/** From here on a fuse's warmth is worth a word, and an alarm. */
const WARM = 0.1;
const HOT = 0.3;

/** The tree of fuses, each with its three phases against its rating. */
export function Circuits({ site }: { site: Site }) {
  return (
    <section class="circuits" aria-labelledby="circuits">
      <header>
        <h2 id="circuits">{text.circuits.title}</h2>
        <ul class="legend" aria-hidden="true">
          <li class="building">{text.circuits.building}</li>
          <li class="charging">{text.circuits.charging}</li>
          <li class="margin">{text.circuits.margin}</li>
        </ul>
      </header>
      <Branch site={site} parent={null} />
    </section>
  );
}

function Branch({ site, parent }: { site: Site; parent: string | null }) {
  const circuits = site.circuits.filter((circuit) => circuit.parent === parent);
  if (circuits.length === 0) return null;
  return (
    <ul class="branch">
      {circuits.map((circuit) => (
        <li key={circuit.id}>
          <Card site={site} circuit={circuit} />
          <Branch site={site} parent={circuit.id} />
        </li>
      ))}
    </ul>
  );
}

function Card({ site, circuit }: { site: Site; circuit: Circuit }) {
  const points = site.points.filter((point) => point.circuit === circuit.id).length;
  const stale = circuit.meter !== null && !circuit.fresh;
  const fuse = [...new Set(circuit.fuse_a)].map(rating).join(" / ");
  return (
    <article class={stale ? "card circuit stale" : "card circuit"} aria-label={circuit.id}>
      <header>
        <h3>{circuit.id}</h3>
        <span class="facts">
          {text.circuits.fuse(fuse)}
          {points > 0 && ` · ${text.circuits.points(points)}`}
          {circuit.warmth?.every((warmth) => (warmth ?? 0) < WARM) && ` · ${text.circuits.cold}`}
        </span>
        <Source circuit={circuit} stale={stale} />
      </header>
      {circuit.parent === null && <Resources resources={site.resources} />}
      <Warmth circuit={circuit} />
      {PHASES.map((phase, index) => (
        <Bar key={phase} circuit={circuit} phase={phase} index={index} />
      ))}
    </article>
  );
}

/** The plants and batteries of the site, whose power is within the building's. */
function Resources({ resources }: { resources: Resource[] }) {
  if (resources.length === 0) return null;
  const said = resources.map(({ id, kind, power_w }) => {
    const words = text.circuits.resources[kind];
    if (power_w === null) return `${id}: ${words.silent}`;
    return `${id}: ${power_w > 0 ? words.takes : words.gives} ${kilowatts(Math.abs(power_w))}`;
  });
  return <p class="facts">{said.join(" · ")}</p>;
}

/** The fuses that have been carrying too much, each by its phase; nothing where all are cold. */
function Warmth({ circuit }: { circuit: Circuit }) {
  const warm = PHASES.map((phase, index) => ({ phase, warmth: circuit.warmth?.[index] ?? 0 })).filter(
    ({ warmth }) => warmth >= WARM,
  );
  if (warm.length === 0) return null;
  return (
    <p class="warmth">
      {warm.map(({ phase, warmth }) => (
        <span key={phase} class={warmth >= HOT ? "chip alarm" : "chip warning"}>
          {warmth >= HOT && <Icon name="alert" />}
          {text.circuits.warmth(phase, Math.round(100 * warmth), warmth >= HOT)}
        </span>
      ))}
    </p>
  );
}

function Source({ circuit, stale }: { circuit: Circuit; stale: boolean }) {
  if (stale)
    return (
      <span class="chip alarm">
        <Icon name="alert" />
        {text.circuits.stale(circuit.meter ?? "", circuit.reading_age_s)}
      </span>
    );
  const words =
    circuit.meter === null ? text.circuits.estimated : text.circuits.meter(circuit.meter, circuit.reading_age_s ?? 0);
  return <span class="source">{words}</span>;
}

function Bar({ circuit, phase, index }: { circuit: Circuit; phase: string; index: number }) {
  const fuse = circuit.fuse_a[index] ?? 0;
  const current = circuit.current_a?.[index] ?? null;
  const headroom = circuit.headroom_a?.[index] ?? null;
  const charging = Math.max(0, circuit.charging_a?.[index] ?? 0);
  const building = Math.max(0, (current ?? 0) - charging);
  const share = (amount: number) => `${fuse > 0 ? Math.min(100, (100 * amount) / fuse) : 0}%`;
  const over = current !== null && current > fuse;
  return (
    <div class={over ? "phase over" : "phase"}>
      <span class="name">{phase}</span>
      <div
        class="track"
        role="meter"
        aria-label={text.circuits.bar(phase, amperes(current), rating(fuse))}
        aria-valuemin={0}
        aria-valuemax={fuse}
        aria-valuenow={current ?? 0}
      >
        <span class="building" style={{ width: share(building) }} />
        <span class="charging" style={{ width: share(charging) }} />
        <span class="margin" style={{ width: share(circuit.margin_a) }} />
      </div>
      <span class="current">{amperes(current)}</span>
      <span class="free">
        {headroom !== null && room(headroom, (current ?? 0) - fuse)}
      </span>
    </div>
  );
}

function room(headroom: number, excess: number): string {
  if (excess > 0) return text.circuits.over(amperes(excess));
  return headroom < 0 ? text.circuits.inMargin : text.circuits.free(amperes(headroom));
}
