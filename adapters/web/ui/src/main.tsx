import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { logOut, root, type Site } from "./api";
import { BackOffices } from "./BackOffices";
import { Chart } from "./Chart";
import { Circuits } from "./Circuits";
import { useSite, type Link } from "./connection";
import { clock } from "./format";
import { Headline } from "./Headline";
import { Events, Sessions } from "./Past";
import { Peak } from "./Peak";
import { Points } from "./Points";
import "./style.css";
import { text } from "./texts";

interface PageProps {
  name: string;
  version: string;
  lab: boolean;
  mayChange: boolean;
}

function Page({ name, version, lab, mayChange }: PageProps) {
  const followed = useSite(version);
  const { site, link } = followed;
  const generation = useGeneration(link);
  const grid = site && root(site);
  return (
    <>
      <a class="skip" href="#points">
        {text.skip}
      </a>
      <Top name={name} site={site} link={link} lab={lab} />
      <main class={link === "lost" || link === "silent" ? "past" : ""}>
        <Headline {...followed} />
        {site && site.at !== null && (
          <>
            <div class="columns">
              <Circuits site={site} />
              <div class="stack">
                {site.peak && <Peak site={site} demand={site.peak} />}
                {grid && <Chart site={site} circuit={grid} generation={generation} />}
              </div>
            </div>
            <Points site={site} mayChange={mayChange} />
            {site.upstreams.length > 0 && <BackOffices site={site} />}
            <div class="columns">
              <Sessions site={site} generation={generation} />
              <Events site={site} generation={generation} />
            </div>
          </>
        )}
      </main>
      <footer>{text.footer(version)}</footer>
    </>
  );
}

function Top({ name, site, link, lab }: { name: string; site: Site | null; link: Link; lab: boolean }) {
  return (
    <header class="top">
      <img src="/static/icon.svg" alt="Loadstar" width="32" height="32" />
      <span class="site">{name}</span>
      {lab && <span class="chip lab">{text.lab}</span>}
      <nav class="pages" aria-label={text.pages.label}>
        <a href="/" aria-current="page">
          {text.pages.now}
        </a>
        <a href="/prices">{text.pages.prices}</a>
        <a href="/tokens">{text.pages.tokens}</a>
        <a href="/accounts">{text.pages.accounts}</a>
        <a href="/stations">{text.pages.stations}</a>
        <a href="/statements">{text.pages.statements}</a>
      </nav>
      <span class={link === "live" ? "link live" : "link"}>
        <span class="dot" />
        {link === "live" ? text.live : text.notLive}
        {site?.at && <time>{clock(site.at, site.time_zone)}</time>}
      </span>
      {!lab && (
        <button type="button" class="plain" onClick={() => void logOut()}>
          {text.logOut}
        </button>
      )}
    </header>
  );
}

/** Counts how often the page came back to life, so that what may have been missed is fetched again. */
function useGeneration(link: Link): number {
  const [generation, set] = useState(0);
  const away = useRef(false);
  useEffect(() => {
    if (link === "live" && away.current) set((before) => before + 1);
    away.current = link !== "live";
  }, [link]);
  return generation;
}

const host = document.getElementById("page");
if (host) {
  const { site = "", version = "", lab, mayChange } = host.dataset;
  render(<Page name={site} version={version} lab={lab !== undefined} mayChange={mayChange !== undefined} />, host);
}
