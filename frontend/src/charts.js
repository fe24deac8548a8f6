// <figure data-chart="line|bar" data-source="id of json_script"> with
// {"labels": [ISO times], "series": [{"name", "values", "role"}]}. The table below it says the same.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

const ROLES = {
  accepted: "--tblr-green",
  delivered: "--tblr-green",
  contacts: "--tblr-primary",
  opened: "--tblr-primary",
  clicked: "--tblr-purple",
  bounced: "--tblr-orange",
  failed: "--tblr-red",
  unsubscribed: "--tblr-yellow",
};
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const drawn = new Map();

function draw(figure) {
  const source = document.getElementById(figure.dataset.source);
  if (!source) return;
  const text = source.textContent;
  if (drawn.get(figure)?.text === text) return;
  drawn.get(figure)?.plot.destroy();
  const { labels, series } = JSON.parse(text);
  const target = figure.querySelector("[data-plot]");
  const axis = { stroke: css("--tblr-secondary"), grid: { stroke: css("--tblr-border-color"), width: 1 } };
  const number = new Intl.NumberFormat(document.documentElement.lang);
  const bars = figure.dataset.chart === "bar" ? uPlot.paths.bars({ size: [0.7, 48] }) : undefined;
  const plot = new uPlot(
    {
      width: target.clientWidth,
      height: Number(figure.dataset.height ?? 220),
      legend: { live: true },
      cursor: { y: false },
      axes: [axis, { ...axis, values: (_, ticks) => ticks.map((tick) => number.format(tick)), size: 60 }],
      scales: { y: { range: (_, low, high) => [0, Math.max(high * 1.05, 1)] } },
      series: [
        { value: (_, time) => (time ? new Date(time * 1000).toLocaleString(document.documentElement.lang) : "–") },
        ...series.map((one) => {
          const colour = css(ROLES[one.role] ?? "--tblr-primary");
          return {
            label: one.name,
            stroke: colour,
            fill: colour + (bars ? "cc" : "1f"),
            width: 2,
            paths: bars,
            points: { show: labels.length < 40 && !bars },
            value: (_, value) => (value == null ? "–" : number.format(value)),
          };
        }),
      ],
    },
    [labels.map((label) => Date.parse(label) / 1000), ...series.map((one) => one.values)],
    target,
  );
  drawn.set(figure, { plot, text });
}

const drawAll = () => document.querySelectorAll("figure[data-chart]").forEach(draw);
drawAll();
document.addEventListener("htmx:afterSettle", drawAll);
addEventListener("resize", () => {
  for (const [figure, { plot }] of drawn) {
    plot.setSize({ width: figure.querySelector("[data-plot]").clientWidth, height: plot.height });
  }
});
new MutationObserver(() => {
  for (const one of drawn.values()) one.text = "";
  drawAll();
}).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
