import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import * as api from "./api";
import { amperes, clock, rating, timeOfDay } from "./format";
import { text } from "./texts";

const SAMPLES = 3600; // one hour at one a second, as the server keeps it
const PHASES = ["L1", "L2", "L3"] as const;
type Column = (number | null)[];
type Columns = [number[], Column, Column, Column];

/** The last hour of a circuit, per phase, with the fuse as a line. */
export function Chart({ site, circuit, generation }: { site: api.Site; circuit: api.Circuit; generation: number }) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const columns = useMemo<Columns>(() => [[], [], [], []], [circuit.id]);
  const [hovered, hover] = useState<number | null>(null);
  const dark = useDarkScheme();

  useEffect(() => {
    if (!host.current) return;
    const drawn = new uPlot(options(host.current, site, circuit, hover), withFuses(columns, circuit), host.current);
    plot.current = drawn;
    const resized = new ResizeObserver(() => host.current && drawn.setSize(size(host.current)));
    resized.observe(host.current);
    return () => {
      resized.disconnect();
      drawn.destroy();
      plot.current = null;
    };
  }, [circuit.id, dark]);

  useEffect(() => {
    api.history(circuit.id).then(
      (history) => {
        columns[0] = history.at;
        for (const index of [0, 1, 2] as const) columns[index === 0 ? 1 : index === 1 ? 2 : 3] = history.current_a[index];
        plot.current?.setData(withFuses(columns, circuit));
      },
      () => undefined,
    );
  }, [circuit.id, generation]);

  useEffect(() => {
    if (site.at !== null && append(columns, site.at, circuit.current_a)) plot.current?.setData(withFuses(columns, circuit));
  }, [site.at]);

  const shown = hovered ?? columns[0].length - 1;
  const at = columns[0][shown];
  return (
    <section class="chart" aria-labelledby="chart">
      <header>
        <h2 id="chart">{text.chart.title(circuit.id)}</h2>
        <ul class="legend">
          {PHASES.map((phase, index) => (
            <li key={phase} class={`phase-${index + 1}`}>
              {phase} <b>{amperes((columns[index + 1] as Column | undefined)?.[shown])}</b>
            </li>
          ))}
          <li class="fuse">
            {text.chart.fuse} <b>{rating(Math.min(...circuit.fuse_a))}</b>
          </li>
          <li class="when">{hovered === null || at === undefined ? text.chart.now : clock(new Date(at * 1000), site.time_zone)}</li>
        </ul>
      </header>
      <div class="card">
        <div ref={host} class="plot" role="img" aria-label={text.chart.label(circuit.id)} />
      </div>
    </section>
  );
}

/** Add one tick; false when it is within the newest second. */
function append(columns: Columns, at: string, current: api.Phases | null): boolean {
  const second = Math.floor(new Date(at).getTime() / 1000);
  const newest = columns[0].at(-1) ?? -Infinity;
  if (second <= newest) return false;
  columns[0].push(second);
  columns[1].push(current?.[0] ?? null);
  columns[2].push(current?.[1] ?? null);
  columns[3].push(current?.[2] ?? null);
  if (columns[0].length > SAMPLES) for (const column of columns) column.shift();
  return true;
}

const fuses = (circuit: api.Circuit) => [...new Set(circuit.fuse_a)];

function withFuses(columns: Columns, circuit: api.Circuit): uPlot.AlignedData {
  return [...columns, ...fuses(circuit).map((fuse) => columns[0].map(() => fuse))];
}

const size = (host: HTMLElement) => ({ width: host.clientWidth, height: host.clientHeight });

function options(
  host: HTMLElement,
  site: api.Site,
  circuit: api.Circuit,
  hover: (index: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(host);
  const color = (name: string) => style.getPropertyValue(name).trim();
  const axis = { stroke: color("--muted"), grid: { stroke: color("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  const top = Math.max(...circuit.fuse_a);
  return {
    ...size(host),
    legend: { show: false },
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), site.time_zone),
    scales: { y: { range: (_, low, high) => [Math.min(0, low), Math.max(top * 1.1, high * 1.05)] } },
    axes: [
      {
        ...axis,
        values: (_, at, __, ___, step) => at.map((second) => timeOfDay(new Date(second * 1000), site.time_zone, step < 60)),
        space: 70,
      },
      { ...axis, size: 46, values: (_, ticks) => ticks.map((tick) => `${tick} A`) },
    ],
    series: [
      {},
      ...PHASES.map((phase, index) => ({ label: phase, stroke: color(`--phase-${index + 1}`), width: 1.5, points: { show: false } })),
      ...fuses(circuit).map(() => ({ label: text.chart.fuse, stroke: color("--alarm"), width: 1.5, dash: [6, 4], points: { show: false } })),
    ],
    hooks: { setCursor: [(plot) => hover(plot.cursor.idx ?? null)] },
  };
}

function useDarkScheme(): boolean {
  const [query] = useState(() => matchMedia("(prefers-color-scheme: dark)"));
  const [dark, set] = useState(query.matches);
  useEffect(() => {
    const changed = () => set(query.matches);
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return dark;
}
