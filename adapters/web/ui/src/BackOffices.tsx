import type { Site, Upstream } from "./api";
import { moment } from "./format";
import { Icon } from "./icons";
import { text } from "./texts";

/** The back offices: for each station both connections, and what is still to be told. */
export function BackOffices({ site }: { site: Site }) {
  const { backOffices: words } = text;
  return (
    <section class="sessions">
      <header>
        <h2 id="back-offices">{words.title}</h2>
      </header>
      <div class="card" role="region" aria-labelledby="back-offices" tabIndex={0}>
        <table>
          <caption class="unseen">{words.caption}</caption>
          <thead>
            <tr>
              <th scope="col">{words.office}</th>
              <th scope="col">{words.station}</th>
              <th scope="col">{words.charger}</th>
              <th scope="col">{words.connection}</th>
              <th scope="col" class="number">{words.waiting}</th>
              <th scope="col">{words.since}</th>
            </tr>
          </thead>
          <tbody>
            {site.upstreams.map((upstream) => (
              <Row key={`${upstream.upstream} ${upstream.station}`} site={site} upstream={upstream} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ site, upstream }: { site: Site; upstream: Upstream }) {
  const { backOffices: words } = text;
  const points = site.points.filter((point) => upstream.points.includes(point.id));
  const online = points.filter((point) => point.state !== "offline").length;
  return (
    <tr data-upstream={upstream.upstream} data-station={upstream.station}>
      <th scope="row">{upstream.upstream}</th>
      <td>{upstream.station}</td>
      <td>{words.online(online, points.length)}</td>
      <td>
        {upstream.ready ? (
          words.ready
        ) : (
          <span class="chip warning" title={upstream.trouble ?? ""}>
            {upstream.connected ? words.notYet : words.away}
          </span>
        )}
      </td>
      <td class="number">
        {upstream.waiting}
        {upstream.set_aside > 0 && (
          <span class="chip alarm">
            <Icon name="alert" />
            {words.setAside(upstream.set_aside)}
          </span>
        )}
      </td>
      <td>{upstream.oldest_at && site.at && moment(upstream.oldest_at, site.at, site.time_zone)}</td>
    </tr>
  );
}
