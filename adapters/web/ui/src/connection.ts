/** Follows the site's stream, and comes back by itself whenever it breaks. */

import { useEffect, useState } from "preact/hooks";
import * as api from "./api";

const QUIET_MS = 5_000; // a site that turns once a second and has been silent for this long is not live
const REOPEN_MS = 3_000;

export type Link = "connecting" | "live" | "silent" | "lost";

export interface Followed {
  site: api.Site | null;
  link: Link;
  /** When the newest tick arrived. */
  heard: Date;
}

/** The newest state of the site, and how far it can be believed. */
export function useSite(version: string): Followed {
  const [followed, set] = useState<Followed>({ site: null, link: "connecting", heard: new Date() });

  useEffect(() => {
    let source: EventSource | null = null;
    let heard = new Date();
    let tried = 0;
    let at: string | null = null;

    const open = () => {
      tried = Date.now();
      source?.close();
      source = new EventSource("/api/v1/stream");
      source.addEventListener("tick", (message: MessageEvent<string>) => {
        const site = JSON.parse(message.data) as api.Site;
        if (site.version !== version) location.reload();
        if (site.at === at) return;
        at = site.at;
        heard = new Date();
        set({ site, link: "live", heard });
      });
      source.addEventListener("error", () => {
        // A closed source was refused rather than cut off: when a login is missing, asking leads to it.
        if (source?.readyState === EventSource.CLOSED) api.site().catch(() => undefined);
      });
    };

    const watch = () => {
      if (Date.now() - heard.getTime() < QUIET_MS) return;
      const broken = source?.readyState !== EventSource.OPEN;
      set((before) => ({ ...before, link: broken ? "lost" : before.site === null ? "connecting" : "silent", heard }));
      if (broken && Date.now() - tried > REOPEN_MS) open();
    };

    open();
    const timer = setInterval(watch, 1000);
    return () => {
      clearInterval(timer);
      source?.close();
    };
  }, []);

  return followed;
}

/** What `load` gives, again whenever `key` changes; what was loaded last stays while the server is away. */
export function useLoaded<Answer>(load: () => Promise<Answer>, empty: Answer, key: unknown): Answer {
  const [answer, set] = useState(empty);
  useEffect(() => {
    let wanted = true;
    load().then(
      (loaded) => wanted && set(() => loaded),
      () => undefined,
    );
    return () => {
      wanted = false;
    };
  }, [key]);
  return answer;
}
