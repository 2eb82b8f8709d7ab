import type { Followed } from "./connection";
import { amperes, clock, kilowattHours, kilowatts } from "./format";
import { figures, headline, type Headline as Sentence, type Level } from "./headline";
import { Icon, type IconName } from "./icons";
import { text } from "./texts";

const icons: Record<Level, IconName> = { ok: "check", limited: "gauge", alarm: "alert", off: "unlink" };

/** The state of the site in one sentence, and the four figures behind it. */
export function Headline({ site, link, heard }: Followed) {
  const { level, sentence } = said({ site, link, heard });
  const numbers = site && figures(site);
  return (
    <section class={`headline ${level}`} aria-labelledby="status">
      <div class="sentence">
        <Icon name={icons[level]} />
        <div>
          <h1 id="status" aria-live="polite">
            {sentence}
          </h1>
          {(link === "lost" || link === "silent") && <p class="detail">{text.headline.lostDetail}</p>}
          {numbers && (
            <p class="notices">
              {numbers.faulted > 0 && <span class="chip warning">{text.notices.faulted(numbers.faulted)}</span>}
              {numbers.offline > 0 && <span class="chip warning">{text.notices.offline(numbers.offline)}</span>}
            </p>
          )}
        </div>
      </div>
      {site && numbers && site.at !== null && (
        <dl class="tiles">
          <Tile name={text.tiles.charging} value={String(numbers.charging)} note={text.tiles.chargingOf(site.points.length)} />
          <Tile name={text.tiles.power} value={kilowatts(numbers.power_w)} note={text.tiles.powerNote} />
          <Tile
            name={text.tiles.free(numbers.grid)}
            value={amperes(numbers.free?.value)}
            note={numbers.free ? text.tiles.freeNote(numbers.free.phase) : text.tiles.freeUnknown}
          />
          <Tile name={text.tiles.energy} value={kilowattHours(numbers.energy_wh)} note={text.tiles.energyNote(numbers.sessions)} />
        </dl>
      )}
    </section>
  );
}

function said({ site, link, heard }: Followed): Sentence {
  const since = clock(heard, site?.time_zone ?? "UTC");
  if (link === "lost") return { level: "off", sentence: text.headline.lost(since) };
  if (link === "silent") return { level: "alarm", sentence: text.headline.silent(since) };
  return site ? headline(site) : { level: "off", sentence: text.headline.connecting };
}

function Tile({ name, value, note }: { name: string; value: string; note: string }) {
  return (
    <div class="tile">
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong> <span>{note}</span>
      </dd>
    </div>
  );
}
