import type { Phases, Point, PointState, Site } from "./api";
import { amperes, bare, duration, kilowattHours, money, NONE } from "./format";
import { Icon, type IconName } from "./icons";
import { text } from "./texts";

const icons: Record<PointState, IconName> = {
  available: "circle",
  occupied: "plug",
  plugged: "plug",
  charging: "bolt",
  withheld: "clock",
  ev_idle: "pause",
  finishing: "flag",
  faulted: "alert",
  offline: "unlink",
};

/** Every charging point with what it does and why. */
export function Points({ site }: { site: Site }) {
  const { points: words } = text;
  return (
    <section class="points" aria-labelledby="points">
      <header>
        <h2 id="points" tabIndex={-1}>
          {words.title}
        </h2>
      </header>
      <div class="card">
        <table role="table">
          <caption class="unseen">{words.caption}</caption>
          <thead role="rowgroup">
            <tr role="row">
              <th role="columnheader" scope="col">{words.id}</th>
              <th role="columnheader" scope="col">{words.state}</th>
              <th role="columnheader" scope="col" class="number">
                {words.current} <small>{words.phases}</small>
              </th>
              <th role="columnheader" scope="col" class="number">{words.limit}</th>
              <th role="columnheader" scope="col">{words.why}</th>
              <th role="columnheader" scope="col" class="number">{words.session}</th>
            </tr>
          </thead>
          <tbody role="rowgroup">
            {site.points.map((point) => (
              <Row key={point.id} point={point} site={site} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ point, site }: { point: Point; site: Site }) {
  return (
    <tr role="row" class={`state-${point.state}`} data-point={point.id}>
      <th role="rowheader" scope="row">
        {point.id} <small>{point.circuit}</small>
      </th>
      <td role="cell" class="state">
        <span class="badge">
          <Icon name={icons[point.state]} />
          {text.states[point.state]}
        </span>
      </td>
      <td role="cell" class="number currents" data-label={text.points.current}>
        <Currents measured={point.measured_a} wired={point.phases} />
      </td>
      <td role="cell" class="number limit" data-label={text.points.limit}>
        {amperes(point.limit_a)}
      </td>
      <td role="cell" class="why">{text.reason(point)}</td>
      <td role="cell" class="number session" data-label={text.points.session}>
        {point.session ? (
          <span class="amounts">
            <b>{kilowattHours(point.session.energy_wh)}</b> <span>{money(point.session.cost, point.session.currency)}</span>{" "}
            <span>{duration(point.session.started_at, site.at ?? point.session.started_at)}</span>
          </span>
        ) : (
          NONE
        )}
      </td>
    </tr>
  );
}

function Currents({ measured, wired }: { measured: Phases | null; wired: string[] }) {
  if (measured === null) return <>{NONE}</>;
  return (
    <span class="amounts">
      {["L1", "L2", "L3"].map((phase, index) => (
        <span key={phase} title={phase}>
          <span class="unseen">{phase} </span>
          {wired.includes(phase) ? bare(measured[index]) : "·"}{" "}
        </span>
      ))}
      <span class="unit">A</span>
    </span>
  );
}
