import type { Demand, Price, Site } from "./api";
import "./demand.css";
import { kilowattHours, kilowatts, moment, money, NONE, timeOfDay } from "./format";
import { Icon } from "./icons";
import { text } from "./texts";

const HOUR_S = 3600;

/** The running demand window against its target, the month's peak, and what holding it saves. */
export function Peak({ site, demand }: { site: Site; demand: Demand }) {
  const { window, target_w } = demand;
  const begins = new Date(window.begins_at);
  const ends = new Date(begins.getTime() + 1000 * window.length_s);
  const name = text.demand.window(
    timeOfDay(begins, site.time_zone, false),
    timeOfDay(ends, site.time_zone, false),
  );
  return (
    <section class="demand" aria-labelledby="demand">
      <header>
        <h2 id="demand">{text.demand.title}</h2>
        <ul class="legend" aria-hidden="true">
          <li class="so-far">{text.demand.soFar}</li>
          <li class="course">{text.demand.course}</li>
          {target_w !== null && <li class="target">{text.demand.target}</li>}
          <li class="passed">{text.demand.passed}</li>
        </ul>
      </header>
      <article class="card" aria-label={name}>
        <header>
          <h3>{name}</h3>
          <span class="left">{text.demand.left(Math.max(0, window.length_s - window.passed_s))}</span>
          <Notices demand={demand} />
        </header>
        <Bar demand={demand} />
        <Figures site={site} demand={demand} />
      </article>
    </section>
  );
}

function Notices({ demand }: { demand: Demand }) {
  const { billed, target_w, window } = demand;
  const exceeded = target_w !== null && reached_w(demand) > target_w;
  return (
    <span class="notices">
      {!billed && <span class="chip quiet">{text.demand.notBilled}</span>}
      {exceeded && (
        <span class="chip alarm">
          <Icon name="alert" />
          {text.demand.exceeded}
        </span>
      )}
      {window.marks.map((mark) => (
        <span key={mark} class="chip warning">
          {text.demand.mark(mark)}
        </span>
      ))}
    </span>
  );
}

/** What the window would end at if nothing more flowed. */
const reached_w = ({ window }: Demand) => (window.energy_wh * HOUR_S) / window.length_s;

/** In kilowatts of the whole window: what is filled grows with the energy, and ends where the window is billed. */
function Bar({ demand }: { demand: Demand }) {
  const { window, target_w, month_peak_w } = demand;
  const { projected_w } = window;
  const soFar_w = Math.max(0, reached_w(demand));
  const most_w = 1.08 * Math.max(1000, target_w ?? 0, projected_w, soFar_w, month_peak_w);
  const place = (watts: number) => `${Math.min(100, Math.max(0, (100 * watts) / most_w))}%`;
  const evenly_w = ((target_w ?? Math.max(0, projected_w)) * window.passed_s) / window.length_s;
  const target = target_w === null ? null : kilowatts(target_w);
  return (
    <div
      class="filling"
      role="meter"
      aria-label={text.demand.bar(kilowattHours(window.energy_wh), kilowatts(projected_w), target)}
      aria-valuemin={0}
      aria-valuemax={Math.round(most_w)}
      aria-valuenow={Math.round(soFar_w)}
      aria-valuetext={kilowatts(soFar_w)}
    >
      <span class="course" style={{ width: place(projected_w) }} />
      <span class="so-far" style={{ width: place(soFar_w) }} />
      <span class="passed" style={{ left: place(evenly_w) }} />
      {target_w !== null && <span class="target" style={{ left: place(target_w) }} />}
    </div>
  );
}

function Figures({ site, demand }: { site: Site; demand: Demand }) {
  const { window, target_w, target_is, allowed_w, month_peak_w, month_peak_at } = demand;
  const words = text.demand;
  const perKw = money(String(demand.per_kw), site.currency);
  return (
    <dl class="figures">
      <Figure name={words.soFar} value={kilowattHours(window.energy_wh)} note={window.mean_w !== null && words.mean(kilowatts(window.mean_w))} />
      <Figure name={words.course} value={kilowatts(window.projected_w)} note={words.courseNote} />
      <Figure
        name={words.target}
        value={target_w === null ? NONE : kilowatts(target_w)}
        note={target_is === null ? words.noTarget(demand.billed) : words.aims[target_is]}
      />
      <Figure
        name={words.allowed}
        value={allowed_w === null ? words.free : kilowatts(allowed_w)}
        note={allowed_w === null ? words.freeNote : words.allowedNote}
      />
      <Figure
        name={words.month}
        value={month_peak_at === null ? NONE : kilowatts(month_peak_w)}
        note={month_peak_at === null ? words.noPeak : moment(month_peak_at, site.at ?? window.begins_at, site.time_zone)}
      />
      <Figure name={words.saved} value={money(demand.saved, site.currency)} note={demand.billed && words.perKw(perKw)} />
      {site.price && site.price.since !== null && <Lever site={site} price={site.price} />}
    </dl>
  );
}

/** What flexible drivers are told: the price, and how long it stays. */
function Lever({ site, price }: { site: Site; price: Price }) {
  const words = text.demand;
  const high = price.level === "high";
  const now = price.per_kwh === null ? null : money(price.per_kwh, site.currency);
  const value = high ? words.surcharge(money(price.surcharge_per_kwh, site.currency)) : (now ?? words.usual);
  const until = price.until === null ? null : moment(price.until, site.at ?? price.until, site.time_zone);
  return <Figure name={words.price} value={value} note={high ? words.raised(until, now) : words.usualNote} />;
}

function Figure({ name, value, note }: { name: string; value: string; note: string | false }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong> {note !== false && <span>{note}</span>}
      </dd>
    </div>
  );
}
