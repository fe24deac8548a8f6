// <figure data-chart="line|area|bar" data-source="id"> draws the json_script
// {"labels": [ISO times or names], "series": [{"name", "values", "role"}]}, and the same as a table below.
// data-height in pixels; data-stacked puts areas and bars upon each other.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { dates, language, number, say } from "./words.js";

const ROLES = {
  accepted: "--chart-green",
  delivered: "--chart-green",
  opened: "--chart-blue",
  clicked: "--chart-violet",
  bounced: "--chart-amber",
  deferred: "--chart-amber",
  slowed: "--chart-violet",
  waiting: "--chart-grey",
  unknown: "--chart-grey",
  skipped: "--chart-grey",
  failed: "--chart-red",
  complained: "--chart-red",
  unsubscribed: "--chart-pink",
  trouble: "--chart-pink",
};
const PLAIN = ["--chart-brand", "--chart-amber", "--chart-violet", "--chart-blue", "--chart-pink"];
const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;
// Between two marks of a time axis; nothing is counted by the second.
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 4, 6, 8, 12].map((n) => n * HOUR),
  ...[1, 2, 3, 5, 7, 10, 15, 30, 60, 90, 120, 180, 365].map((n) => n * DAY),
];
const DAYS = STEPS.filter((step) => step >= DAY);
const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
const zone = document.documentElement.dataset.zone || undefined;
const drawn = new Map();

// light-dark() is resolved only where a colour is used, so a probe uses it.
function colour(name, probe) {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

const alpha = (rgb, part) => rgb.replace("rgb(", "rgba(").replace(")", `, ${part})`);

const format = (options) => new Intl.DateTimeFormat(dates, { timeZone: zone, ...options });
const clock = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = format({ month: "short", day: "numeric" });
const moment = format({ dateStyle: "medium", timeStyle: "short" });

function readSource(figure) {
  const text = document.getElementById(figure.dataset.source)?.textContent;
  if (!text) return null;
  const { labels, series } = JSON.parse(text);
  const timed = labels.length > 0 && !Number.isNaN(Date.parse(labels[0])) && /^\d{4}-/.test(labels[0]);
  return { text, labels, series, timed };
}

function stack(series) {
  const below = [];
  return series.map((one) =>
    one.values.map((value, at) => {
      below[at] = (below[at] ?? 0) + (value ?? 0);
      return below[at];
    }),
  );
}

// One value a day (22 hours where clocks change): marks between them would name hours that nothing is known of.
function isDaily(labels) {
  return labels.length > 1 && Date.parse(labels[1]) - Date.parse(labels[0]) >= 22 * HOUR * 1000;
}

// Midnight to midnight when the labels are days, without a time.
function nameOf(label, timed) {
  if (!timed) return label;
  return (label.length === 10 ? day : moment).format(Date.parse(label));
}

function optionsOf(figure, data, colours, target) {
  const { labels, series, timed } = data;
  const bars = figure.dataset.chart === "bar";
  const stacked = figure.dataset.stacked !== undefined;
  const area = figure.dataset.chart === "area" || stacked;
  const axis = {
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    stroke: colours.text,
    grid: { stroke: colours.line, width: 1 },
    ticks: { show: false },
  };
  const x = timed
    ? {
        incrs: isDaily(labels) ? DAYS : STEPS,
        values: (_u, splits, _axis, _space, step) => splits.map((at) => (step >= DAY ? day : clock).format(at * 1000)),
      }
    : { values: (_u, splits) => splits.map((at) => labels[at] ?? ""), splits: () => labels.map((_l, at) => at) };
  return {
    width: target.clientWidth,
    height: Number(figure.dataset.height ?? 220),
    legend: { show: false },
    padding: [8, 20, 0, 0],
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    tzDate: zone ? (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone) : undefined,
    axes: [
      { ...axis, ...x, size: 28, grid: { show: false } },
      {
        ...axis,
        size: 48,
        values: (_u, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? short.format(tick) : "")),
      },
    ],
    scales: {
      x: { time: timed, range: bars || labels.length === 1 ? widened(labels, timed) : undefined },
      y: { range: (_u, _low, high) => [0, Math.max((high ?? 0) * 1.08, 4)] },
    },
    series: [
      {},
      ...series.map((one, at) => ({
        label: one.name,
        stroke: colours.series[at],
        fill: bars
          ? alpha(colours.series[at], 0.85)
          : area
            ? alpha(colours.series[at], stacked ? 0.4 : 0.16)
            : undefined,
        width: bars ? 0 : 1.75,
        paths: bars ? uPlot.paths.bars({ size: [0.7, 40], radius: 0.15 }) : undefined,
        // A value that stands alone, between times without any, has no line.
        points: { show: !bars && (labels.length === 1 || one.values.includes(null)), size: 4 },
      })),
    ],
    // Each area of a stack ends where the one below it begins.
    bands: stacked ? series.slice(1).map((_one, at) => ({ series: [at + 2, at + 1] })) : undefined,
    hooks: { setCursor: [(plot) => showValues(figure, data, plot.cursor.idx)] },
  };
}

// Room for half a bar at both ends, or around a point that is alone.
function widened(labels, timed) {
  const alone = !timed ? 0.5 : labels[0]?.length === 10 ? DAY / 2 : 5 * MINUTE;
  return (_u, low, high) => {
    const half = labels.length > 1 ? (high - low) / (labels.length - 1) / 2 : alone;
    return [low - half, high + half];
  };
}

function makeLegend(figure, data, colours) {
  const legend = document.createElement("div");
  legend.className = "chart-legend";
  data.series.forEach((one, at) => {
    const key = document.createElement("span");
    key.className = "chart-key";
    const dot = document.createElement("i");
    dot.className = "chart-dot";
    dot.style.backgroundColor = colours.series[at];
    const value = document.createElement("strong");
    key.append(dot, `${one.name} `, value);
    legend.append(key);
  });
  const at = document.createElement("span");
  at.className = "chart-at";
  legend.append(at);
  return legend;
}

// The sums of the whole; the values at the cursor while there is one.
function showValues(figure, data, index) {
  const legend = figure.querySelector(".chart-legend");
  if (!legend) return;
  const values = [...legend.querySelectorAll("strong")];
  data.series.forEach((one, at) => {
    const sum = () => one.values.reduce((total, value) => total + (value ?? 0), 0);
    const shown = index == null ? (figure.dataset.sums === "none" ? one.values.at(-1) : sum()) : one.values[index];
    values[at].textContent = shown == null ? "–" : number.format(shown);
  });
  legend.querySelector(".chart-at").textContent = index == null ? "" : nameOf(data.labels[index], data.timed);
}

function makeTable(data) {
  const details = document.createElement("details");
  details.className = "chart-table";
  const summary = document.createElement("summary");
  summary.textContent = say("as_table");
  details.append(summary);
  // Made when it is wanted: a day by the minute is 1,440 rows.
  details.addEventListener("toggle", () => {
    if (details.open && !details.querySelector("table")) details.append(rowsOf(data));
  });
  return details;
}

function rowsOf({ labels, series, timed }) {
  const box = document.createElement("div");
  box.tabIndex = 0;
  const table = document.createElement("table");
  table.className = "table table-sm";
  const head = table.createTHead().insertRow();
  for (const name of [say(timed ? "time" : "name"), ...series.map((one) => one.name)]) {
    const cell = document.createElement("th");
    cell.scope = "col";
    cell.textContent = name;
    head.append(cell);
  }
  const body = table.createTBody();
  labels.forEach((label, at) => {
    const row = body.insertRow();
    row.insertCell().textContent = nameOf(label, timed);
    for (const one of series)
      row.insertCell().textContent = one.values[at] == null ? "–" : number.format(one.values[at]);
  });
  box.append(table);
  return box;
}

function draw(figure) {
  const data = readSource(figure);
  const old = drawn.get(figure);
  if (!data || old?.text === data.text) return;
  const open = figure.querySelector(".chart-table")?.open;
  old?.plot?.destroy();
  for (const part of figure.querySelectorAll(".chart-legend, .chart-plot, .chart-table, .chart-none")) part.remove();
  if (!data.labels.length) {
    const none = document.createElement("p");
    none.className = "chart-none muted";
    none.textContent = say("no_data");
    figure.append(none);
    drawn.set(figure, { text: data.text });
    return;
  }
  const target = document.createElement("div");
  target.className = "chart-plot";
  target.setAttribute("aria-hidden", "true");
  figure.append(target);
  const probe = target.appendChild(document.createElement("span"));
  const colours = {
    text: colour("--tblr-secondary", probe),
    line: colour("--chart-line", probe),
    series: data.series.map((one, at) => colour(ROLES[one.role] ?? PLAIN[at % PLAIN.length], probe)),
  };
  probe.remove();
  target.before(makeLegend(figure, data, colours));
  const x = data.timed ? data.labels.map((label) => Date.parse(label) / 1000) : data.labels.map((_l, at) => at);
  const values = figure.dataset.stacked !== undefined ? stack(data.series) : data.series.map((one) => one.values);
  const plot = new uPlot(optionsOf(figure, data, colours, target), [x, ...values], target);
  const table = makeTable(data);
  figure.append(table);
  if (open) table.open = true;
  drawn.set(figure, { plot, text: data.text, target });
  showValues(figure, data, null);
}

function drawAll() {
  for (const figure of drawn.keys()) if (!figure.isConnected) drawn.delete(figure);
  document.querySelectorAll("figure[data-chart]").forEach(draw);
}

function drawAgain() {
  for (const one of drawn.values()) one.text = "";
  drawAll();
}

drawAll();
document.addEventListener("htmx:afterSettle", drawAll);
addEventListener("resize", () => {
  for (const { plot, target } of drawn.values()) plot?.setSize({ width: target.clientWidth, height: plot.height });
});
// In the other theme the colours are others.
new MutationObserver(drawAgain).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
