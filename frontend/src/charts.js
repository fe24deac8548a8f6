// <figure data-chart="line|area|bar" data-source="id"> draws the json_script
// {"labels": [ISO times or names], "series": [{"name", "values", "role"}]}, and the same as a table below.
// data-height in pixels; data-stacked stacks areas and bars; data-table="none": the page has a table of its own.
// "marks", places of labels, are drawn as dashed lines.
import "./locale.js";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import * as logic from "./logic/charts.js";
import { dates, language, number, say } from "./words.js";

const short = new Intl.NumberFormat(language, { notation: "compact", maximumFractionDigits: 1 });
const zone = document.documentElement.dataset.zone || undefined;
const times = logic.timesOf(dates, zone);
const drawn = new Map();

// light-dark() is resolved only where a colour is used, so a probe uses it.
function resolve(name, probe) {
  probe.style.color = `var(${name})`;
  return getComputedStyle(probe).color;
}

function coloursOf(series, target) {
  const probe = target.appendChild(document.createElement("span"));
  const colours = {
    text: resolve("--tblr-secondary", probe),
    line: resolve("--chart-line", probe),
    series: series.map((one, at) => resolve(logic.colourOf(one.role, at), probe)),
  };
  probe.remove();
  return colours;
}

function readSource(figure) {
  const text = document.getElementById(figure.dataset.source)?.textContent;
  if (!text) return null;
  const { labels, series, marks = [] } = JSON.parse(text);
  const timed = logic.isTimed(labels);
  // Positions on the axis: seconds, or the indexes of names.
  const places = labels.map((label, at) => (timed ? times.secondOf(label) : at));
  return { text, labels, places, series, timed, marks };
}

const nameOf = (label, timed) => (timed ? times.nameOf(label) : label);
const isStacked = (figure) => figure.dataset.stacked !== undefined;

function timeAxis(labels) {
  return {
    incrs: logic.stepsOf(labels),
    // uPlot calls it with the plot, the marks, the axis, their space and their distance.
    values: (...given) => given[1].map((second) => times.markOf(second, given[4])),
  };
}

function nameAxis(labels) {
  return { values: (_plot, splits) => splits.map((at) => labels[at] ?? ""), splits: () => labels.map((_l, at) => at) };
}

function axesOf({ labels, timed }, colours) {
  const axis = {
    font: `11px ${getComputedStyle(document.body).fontFamily}`,
    stroke: colours.text,
    grid: { stroke: colours.line, width: 1 },
    ticks: { show: false },
  };
  const whole = (tick) => (Number.isInteger(tick) ? short.format(tick) : "");
  return [
    { ...axis, ...(timed ? timeAxis(labels) : nameAxis(labels)), size: 28, grid: { show: false } },
    { ...axis, size: 48, values: (_plot, ticks) => ticks.map(whole) },
  ];
}

function seriesOf(figure, { labels, series }, colours) {
  const bars = figure.dataset.chart === "bar";
  const opacity = logic.opacityOf(figure.dataset.chart, isStacked(figure));
  return series.map((one, at) => ({
    label: one.name,
    stroke: colours.series[at],
    fill: opacity === null ? undefined : logic.faded(colours.series[at], opacity),
    // A line around a layer without a value would hide the top of the layers below it.
    width: bars || isStacked(figure) ? 0 : 1.75,
    paths: bars ? uPlot.paths.bars({ size: [0.7, 40], radius: 0.15 }) : undefined,
    // A single value between times without values has no line, so it gets a point.
    points: { show: !bars && (labels.length === 1 || one.values.includes(null)), size: 4 },
  }));
}

function optionsOf(figure, data, colours, target) {
  const { labels, series, timed } = data;
  const roomy = figure.dataset.chart === "bar" || labels.length === 1;
  return {
    width: target.clientWidth,
    height: Number(figure.dataset.height ?? 220),
    legend: { show: false },
    padding: [8, 20, 0, 0],
    cursor: { y: false, points: { size: 7 }, drag: { x: false, y: false } },
    tzDate: zone ? (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone) : undefined,
    axes: axesOf(data, colours),
    scales: {
      x: { time: timed, range: roomy ? (_plot, low, high) => logic.widened(data, low, high) : undefined },
      y: { range: (_plot, _low, high) => logic.heightOf(high) },
    },
    series: [{}, ...seriesOf(figure, data, colours)],
    // Each area of a stack ends at the top of the one below it.
    bands: isStacked(figure) ? series.slice(1).map((_one, at) => ({ series: [at + 2, at + 1] })) : undefined,
    hooks: {
      setCursor: [(plot) => showValues(figure, data, plot.cursor.idx)],
      draw: [(plot) => drawMarks(plot, data, colours)],
    },
  };
}

function drawMarks({ ctx, bbox, valToPos }, { marks, places }, colours) {
  ctx.save();
  ctx.strokeStyle = colours.text;
  ctx.setLineDash([4, 4]);
  for (const at of marks) {
    const x = Math.round(valToPos(places[at], "x", true));
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

function makeLegend(data, colours) {
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

// The legend: sums of each series, or the values at the cursor.
function showValues(figure, data, index) {
  const legend = figure.querySelector(".chart-legend");
  if (!legend) return;
  const values = [...legend.querySelectorAll("strong")];
  const summed = figure.dataset.sums !== "none";
  data.series.forEach((one, at) => {
    values[at].textContent = logic.wordOf(logic.legendValue(one.values, index, summed), number);
  });
  legend.querySelector(".chart-at").textContent = index == null ? "" : nameOf(data.labels[index], data.timed);
}

function makeTable(data) {
  const details = document.createElement("details");
  details.className = "chart-table";
  const summary = document.createElement("summary");
  summary.textContent = say("as_table");
  details.append(summary);
  // Built on demand: a day by the minute has 1,440 rows.
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
    for (const one of series) row.insertCell().textContent = logic.wordOf(one.values[at], number);
  });
  box.append(table);
  return box;
}

function makeNone() {
  const none = document.createElement("p");
  none.className = "chart-none muted";
  none.textContent = say("no_data");
  return none;
}

function draw(figure) {
  const data = readSource(figure);
  const old = drawn.get(figure);
  if (!data || old?.text === data.text) return;
  const open = figure.querySelector(".chart-table")?.open;
  old?.plot?.destroy();
  for (const part of figure.querySelectorAll(".chart-legend, .chart-plot, .chart-table, .chart-none")) part.remove();
  if (data.labels.length) drawn.set(figure, { text: data.text, ...plotOf(figure, data, open) });
  else {
    figure.append(makeNone());
    drawn.set(figure, { text: data.text });
  }
}

function plotOf(figure, data, open) {
  const target = document.createElement("div");
  target.className = "chart-plot";
  target.setAttribute("aria-hidden", "true");
  figure.append(target);
  const colours = coloursOf(data.series, target);
  target.before(makeLegend(data, colours));
  const values = isStacked(figure) ? logic.stack(data.series) : data.series.map((one) => one.values);
  const plot = new uPlot(optionsOf(figure, data, colours, target), [data.places, ...values], target);
  if (figure.dataset.table !== "none") {
    const table = makeTable(data);
    figure.append(table);
    if (open) table.open = true;
  }
  showValues(figure, data, null);
  return { plot, target };
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
// Draws the charts again in the colours of the other theme.
new MutationObserver(drawAgain).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
