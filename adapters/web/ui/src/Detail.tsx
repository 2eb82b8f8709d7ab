/** Everything about one point: why it has its limit, what its driver asked for, what its car and charger have shown. */

import { useState } from "preact/hooks";
import * as api from "./api";
import { useLoaded } from "./connection";
import { amperes, energy as amount, moment, NONE, timeOfDay, timeToday } from "./format";
import { text } from "./texts";

const words = text.detail;

export function Detail({ point, site, mayChange }: { point: api.Point; site: api.Site; mayChange: boolean }) {
  const told = useLoaded<api.Explanation | null>(() => api.explanation(point.id), null, `${point.id} ${site.at}`);
  return (
    <div class="detail">
      <section aria-label={words.reasons}>
        <h3>{words.reasons}</h3>
        <ol class="reasons">
          {(told?.reasons ?? []).map((reason) => (
            <li key={`${reason.topic} ${reason.text}`}>{reason.text}</li>
          ))}
        </ol>
      </section>
      <section aria-label={words.facts}>
        <h3>{words.facts}</h3>
        <Facts point={point} site={site} />
        {mayChange && point.session && <NeedForm key={point.session.id} point={point} site={site} />}
      </section>
    </div>
  );
}

function Facts({ point, site }: { point: api.Point; site: api.Site }) {
  const { need, learned, wiring } = point;
  return (
    <dl class="facts-list">
      <dt>{words.need}</dt>
      <dd>
        {need?.energy_wh != null ? <Progress point={point} need={need} site={site} /> : words.noNeed}
        {need && need.shortfall_wh > 0 && <p class="chip warning">{words.lacks(amount(need.shortfall_wh))}</p>}
      </dd>
      {point.waiting_s !== null && (
        <>
          <dt>{words.waiting}</dt>
          <dd>{words.since(point.waiting_s)}</dd>
        </>
      )}
      <dt>{words.car}</dt>
      <dd>
        {learned
          ? words.learned(learned.takes_a && amperes(learned.takes_a), learned.phases, learned.needs_a && amperes(learned.needs_a))
          : words.nothingLearned}
      </dd>
      <dt>{words.charger}</dt>
      <dd>{point.compliance === null ? NONE : <Compliance compliance={point.compliance} />}</dd>
      {wiring && (
        <>
          <dt>{words.wiring}</dt>
          <dd>{words.suspected(wiring.configured, wiring.suggested, wiring.or_else, Math.round(100 * wiring.confidence))}</dd>
        </>
      )}
    </dl>
  );
}

function Compliance({ compliance }: { compliance: api.Compliance }) {
  return compliance === "obeys" ? <>{words.obeys}</> : <span class="chip alarm">{words.remedies[compliance]}</span>;
}

/** How much of what was asked for the car has got. */
function Progress({ point, need, site }: { point: api.Point; need: api.Need; site: api.Site }) {
  const got = point.session?.energy_wh ?? 0;
  const all = got + (need.energy_wh ?? 0);
  const when = need.departs_at && moment(need.departs_at, site.at ?? need.departs_at, site.time_zone);
  return (
    <>
      {words.progress(amount(got), amount(all), when)}
      <progress value={got} max={Math.max(all, 1)} aria-label={words.need} />
    </>
  );
}

/** Sets until when the car needs how much. */
function NeedForm({ point, site }: { point: api.Point; site: api.Site }) {
  const { need, session } = point;
  const asked = need?.energy_wh == null ? "" : (((session?.energy_wh ?? 0) + need.energy_wh) / 1000).toFixed(2);
  const leaves = need?.departs_at ? timeOfDay(new Date(need.departs_at), site.time_zone, false) : "";
  const [departs, setDeparts] = useState(leaves);
  const [energy, setEnergy] = useState(asked);
  const [said, say] = useState("");

  const submit = (event: Event) => {
    event.preventDefault();
    const change = {
      departs_at: departs === "" ? null : timeToday(departs, new Date(site.at ?? Date.now()), site.time_zone).toISOString(),
      energy_kwh: energy === "" ? null : Number(energy),
    };
    say(words.saving);
    api.change(point.id, change).then(
      () => say(words.saved),
      (problem: Error) => say(words.notSaved(problem.message)),
    );
  };

  const field = (name: string) => `${name}-${point.id}`;
  return (
    <form class="need" onSubmit={submit}>
      <p>
        <label for={field("departs")}>{words.departs}</label>
        <input id={field("departs")} type="time" value={departs} onInput={(event) => setDeparts(event.currentTarget.value)} />
      </p>
      <p>
        <label for={field("energy")}>{words.energy}</label>
        <input
          id={field("energy")}
          type="number"
          min="0"
          max="1000"
          step="0.01"
          value={energy}
          onInput={(event) => setEnergy(event.currentTarget.value)}
        />
      </p>
      <button type="submit">{words.save}</button>
      <p role="status">{said}</p>
    </form>
  );
}
