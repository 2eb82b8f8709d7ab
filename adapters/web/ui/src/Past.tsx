/** What has happened: sessions and events. */

import { useEffect, useState } from "preact/hooks";
import * as api from "./api";
import { useLoaded } from "./connection";
import { duration, kilowattHours, moment, money } from "./format";
import { Icon, type IconName } from "./icons";
import { text } from "./texts";

const ENDED_SHOWN = 10;
const EVENTS_SHOWN = 20;
const REFRESH_MS = 60_000; // beside what the stream announces: records that are completed later

/** The running sessions, live, and those that ended last. */
export function Sessions({ site, generation }: { site: api.Site; generation: number }) {
  const running = site.points.flatMap((point) => point.session ?? []);
  const key = `${running.map((session) => session.id).join()} ${generation} ${useEvery(REFRESH_MS)}`;
  const ended = useLoaded(() => api.sessions("ended", ENDED_SHOWN), [], key);
  const listed = [...running, ...ended];
  return (
    <section class="sessions">
      <header>
        <h2 id="sessions">{text.sessions.title}</h2>
      </header>
      <div class="card" role="region" aria-labelledby="sessions" tabIndex={0}>
        {listed.length === 0 ? <p class="empty">{text.sessions.empty}</p> : <SessionTable site={site} listed={listed} />}
      </div>
    </section>
  );
}

function SessionTable({ site, listed }: { site: api.Site; listed: api.Session[] }) {
  const { sessions: words } = text;
  const now = site.at ?? new Date();
  return (
    <table>
      <caption class="unseen">{words.caption}</caption>
      <thead>
        <tr>
          <th scope="col">{words.point}</th>
          <th scope="col">{words.card}</th>
          <th scope="col">{words.started}</th>
          <th scope="col" class="number">{words.time}</th>
          <th scope="col" class="number">{words.energy}</th>
          <th scope="col" class="number">{words.cost}</th>
        </tr>
      </thead>
      <tbody>
        {listed.map((session) => (
          <tr key={session.id} class={session.state} data-session={session.id}>
            <th scope="row">{session.point ?? `${session.station}/${session.connector}`}</th>
            <td class="card-number">{session.token}</td>
            <td>
              {moment(session.started_at, now, site.time_zone)}
              {session.review_flags.length > 0 && (
                <span class="chip warning" title={session.review_flags.join(", ")}>{words.review}</span>
              )}
            </td>
            <td class="number">
              {session.state === "running" && <span class="dot" role="img" aria-label={words.running} />}
              {duration(session.started_at, session.ended_at ?? now)}
            </td>
            <td class="number">{kilowattHours(session.energy_wh)}</td>
            <td class="number">{money(session.cost, session.currency)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const icons: Record<api.SiteEvent["severity"], IconName> = { info: "info", warning: "alert", alarm: "alert" };

/** The recent events. */
export function Events({ site, generation }: { site: api.Site; generation: number }) {
  const events = useLoaded(() => api.events(EVENTS_SHOWN), [], `${site.last_event} ${generation}`);
  return (
    <section class="events">
      <header>
        <h2 id="events">{text.events.title}</h2>
      </header>
      <div class="card" role="region" aria-labelledby="events" tabIndex={0}>
        {events.length === 0 ? (
          <p class="empty">{text.events.empty}</p>
        ) : (
          <ol>
            {events.map((event) => (
              <li key={event.number} class={event.severity}>
                <Icon name={icons[event.severity]} />
                <span class="unseen">{text.events.severity[event.severity]}: </span>
                <span class="what">
                  <b>{event.subject.replace(":", " ")}</b> {event.message}
                  {event.count > 1 && <span class="count"> {text.events.times(event.count)}</span>}
                </span>
                <time dateTime={event.at}>{moment(event.at, site.at ?? event.at, site.time_zone)}</time>
              </li>
            ))}
          </ol>
        )}
      </div>
    </section>
  );
}

/** A number that changes every so often. */
function useEvery(milliseconds: number): number {
  const [turn, set] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => set((before) => before + 1), milliseconds);
    return () => clearInterval(timer);
  }, []);
  return turn;
}
