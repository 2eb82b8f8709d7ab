import { useState } from "preact/hooks";
import type { Phases, Point, PointState, Site } from "./api";
import { Detail } from "./Detail";
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

/** Every charging point with what it does and why; the row of one can be opened. */
export function Points({ site, mayChange }: { site: Site; mayChange: boolean }) {
  const { points: words } = text;
  const [opened, open] = useState<string | null>(null);
  return (
    <section class="points" aria-labelledby="points">
      <header>
        <h2 id="points" tabIndex={-1}>
          {words.title}
        </h2>
        <Fairness site={site} />
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
              <Row
                key={point.id}
                point={point}
                site={site}
                mayChange={mayChange}
                opened={opened === point.id}
                toggle={() => open(opened === point.id ? null : point.id)}
              />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** How fairly the last day was shared out, once somebody had to wait. */
function Fairness({ site }: { site: Site }) {
  const { jain_index: index, longest_wait_s: wait, longest_wait_point: where } = site.fairness;
  if (index === null || where === null) return null;
  return <p class="fairness">{text.points.fairness(index, wait, where)}</p>;
}

interface RowProps {
  point: Point;
  site: Site;
  mayChange: boolean;
  opened: boolean;
  toggle: () => void;
}

function Row({ point, site, mayChange, opened, toggle }: RowProps) {
  return (
    <>
      <Summary point={point} site={site} opened={opened} toggle={toggle} />
      {opened && (
        <tr role="row" class="opened" id={`detail-${point.id}`}>
          <td role="cell" colSpan={6}>
            <Detail point={point} site={site} mayChange={mayChange} />
          </td>
        </tr>
      )}
    </>
  );
}

function Summary({ point, site, opened, toggle }: Omit<RowProps, "mayChange">) {
  return (
    <tr role="row" class={`state-${point.state}${opened ? " open" : ""}`} data-point={point.id}>
      <th role="rowheader" scope="row">
        <button type="button" class="open" aria-expanded={opened} aria-controls={`detail-${point.id}`} onClick={toggle}>
          <Icon name="chevron" />
          {point.id} <span class="unseen">{text.points.details}</span>
        </button>{" "}
        <small>{point.circuit}</small>
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
      <td role="cell" class="why">
        {sentence(point)}
        <Flags point={point} />
      </td>
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

/** The sentence about the point, without its name, which the row bears already. */
function sentence({ id, why, state }: Point): string {
  if (why === null || state === "available") return NONE;
  const rest = why.startsWith(`${id} `) ? why.slice(id.length + 1) : why;
  return rest.charAt(0).toUpperCase() + rest.slice(1);
}

/** What somebody should look after. */
function Flags({ point }: { point: Point }) {
  const { flags } = text.points;
  return (
    <>
      {point.need && point.need.shortfall_wh > 0 && <span class="chip warning">{flags.shortfall}</span>}
      {point.compliance !== null && point.compliance !== "obeys" && <span class="chip alarm">{flags.disobeys}</span>}
      {point.wiring && <span class="chip warning">{flags.wiring}</span>}
    </>
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
