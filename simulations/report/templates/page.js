"use strict";
(() => {
  const page = JSON.parse(document.getElementById("data").textContent);
  const TYPES = { uint8: Uint8Array, uint16: Uint16Array, int32: Int32Array, float32: Float32Array, float64: Float64Array };
  const PRINT_PX = { wide: 660, half: 308 }; // what A4 leaves between margins and card edges, at 96 px an inch
  const NARROW_PX = 560;
  const decoded = new Map();

  /** The plain values of a stored column: numbers (NaN: none), seconds, or text. */
  function values(place) {
    if (!decoded.has(place)) decoded.set(place, decode(page.store[place]));
    return decoded.get(place);
  }

  function decode(column) {
    if (column.values) return column.values;
    if (column.step_s !== undefined)
      return Float64Array.from({ length: column.length }, (_, row) => column.begins_s + row * column.step_s);
    const bytes = Uint8Array.from(atob(column.base64), (letter) => letter.charCodeAt(0));
    const array = new TYPES[column.type](bytes.buffer);
    if (column.kind !== "number") return array;
    const scale = 10 ** column.decimals;
    return Float64Array.from(array, (value) => Math.round(value * scale) / scale);
  }

  /** Offset of the site's local time from UTC at an instant [s]. */
  function offset(unixS) {
    let found = page.zone[0][1];
    for (const [from, seconds] of page.zone) if (unixS >= from) found = seconds;
    return found;
  }

  const plain = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

  /** What a plot takes in place of a reference to a column. */
  function drawn(id, reference) {
    const place = page.columns[id][reference.$column];
    const column = page.store[place];
    let list = values(place);
    if (column.kind === "time") list = list.map((unixS) => (unixS + offset(unixS)) * 1000);
    if (column.kind === "text") list = list.map(plain);
    if (column.kind === "coded") list = Array.from(list, (code) => (reference.lookup ? reference.lookup[code] : plain(column.words[code])));
    if (!reference.rows) return list;
    const [by, wanted] = reference.rows;
    const keys = cells(page.columns[id][by]);
    return Array.from(list).filter((_, row) => keys[row] === wanted);
  }

  function resolved(id, part) {
    if (Array.isArray(part)) return part.map((each) => resolved(id, each));
    if (part === null || typeof part !== "object") return part;
    if ("$column" in part) return drawn(id, part);
    return Object.fromEntries(Object.entries(part).map(([key, value]) => [key, resolved(id, value)]));
  }

  // --- downloads ---

  /** ISO 8601 with the local offset. */
  function instant(unixS) {
    const seconds = offset(unixS);
    const whole = Math.abs(unixS - Math.round(unixS)) < 5e-4;
    const wall = new Date(Math.round((unixS + seconds) * 1000)).toISOString().slice(0, whole ? 19 : 23);
    const minutes = Math.abs(Math.round(seconds / 60));
    const two = (number) => String(number).padStart(2, "0");
    return `${wall}${seconds < 0 ? "-" : "+"}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
  }

  /** No spreadsheet takes text for a formula. */
  const quoted = (text) => {
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };

  function cells(place) {
    const column = page.store[place];
    const list = Array.from(values(place));
    if (column.kind === "time") return list.map(instant);
    if (column.kind === "number") return list.map((value) => (Number.isNaN(value) ? "" : String(Number(value.toFixed(column.decimals)))));
    return column.kind === "coded" ? list.map((code) => column.words[code]) : list;
  }

  function csv(id) {
    const names = Object.keys(page.columns[id]);
    const columns = names.map((name) => {
      const place = page.columns[id][name];
      return page.store[place].kind === "number" ? cells(place) : cells(place).map(quoted);
    });
    const rows = columns[0].map((_, row) => columns.map((column) => column[row]).join(","));
    return [names.map(quoted).join(","), ...rows, ""].join("\r\n");
  }

  function download(id) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([csv(id)], { type: "text/csv;charset=utf-8" }));
    link.download = `${page.stem}-${id}.csv`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  }

  for (const button of document.querySelectorAll("[data-download]"))
    button.addEventListener("click", () => download(button.dataset.download));
  for (const button of document.querySelectorAll("[data-copy]"))
    button.addEventListener("click", async () => {
      const code = button.closest(".command").querySelector("code");
      try {
        await navigator.clipboard.writeText(code.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(code); // a file:// page may not write the clipboard: ready for Ctrl-C
        button.textContent = "Selected";
      }
      setTimeout(() => (button.textContent = "Copy"), 2_000);
    });

  // --- plots, one after the other, so that the page answers meanwhile ---

  const touch = matchMedia("(pointer: coarse)").matches;
  const CONFIG = {
    responsive: true,
    displaylogo: false,
    displayModeBar: touch ? false : "hover",
    modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
  };
  const waiting = [...page.figures];

  function draw(figure) {
    const div = document.getElementById(`plot-${figure.id}`);
    const layout = { template: page.template, ...resolved(figure.id, figure.layout) };
    if (touch) layout.dragmode = false; // a finger scrolls the page
    if (div.clientWidth < NARROW_PX) layout.margin = { ...page.template.layout.margin, ...layout.margin, l: 44, r: 8 };
    const options = { ...CONFIG, toImageButtonOptions: { filename: `${page.stem}-${figure.id}`, scale: 2 } };
    Plotly.newPlot(div, resolved(figure.id, figure.traces), layout, options);
  }

  function drawNext() {
    if (waiting.length > 0) draw(waiting.shift());
    document.documentElement.dataset.waiting = String(waiting.length);
    if (waiting.length > 0) setTimeout(drawNext, 0);
  }

  const every = (change) => page.figures.forEach((figure) => Plotly.relayout(`plot-${figure.id}`, change(figure)));
  addEventListener("beforeprint", () => {
    while (waiting.length > 0) draw(waiting.shift());
    every((figure) => ({ width: figure.wide ? PRINT_PX.wide : PRINT_PX.half }));
  });
  addEventListener("afterprint", () => every(() => ({ width: null, autosize: true })));
  drawNext();
})();
