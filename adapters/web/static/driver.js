// Keeps what changes on the driver's page up to date; without it the page works all the same.
const EVERY_MS = 5000;

async function refresh() {
  const live = document.getElementById("live");
  if (live === null || document.hidden) return;
  try {
    const answer = await fetch(location.pathname, { cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
    if (fresh !== null) live.replaceWith(fresh);
  } catch {
    // The next one may succeed.
  }
}

setInterval(refresh, EVERY_MS);
