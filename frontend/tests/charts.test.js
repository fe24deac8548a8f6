// Scales, marks, sums and words of charts.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as charts from "../src/logic/charts.js";

const DAY = 86_400;
const HOUR = 3600;

test("labels that begin with a year are times; names and nothing are not", () => {
  assert.equal(charts.isTimed(["2026-05-01T10:00:00+00:00"]), true);
  assert.equal(charts.isTimed(["2026-05-01", "2026-05-02"]), true);
  assert.equal(charts.isTimed(["Relay 2026"]), false);
  assert.equal(charts.isTimed(["2026-nonsense"]), false);
  assert.equal(charts.isTimed([]), false);
});

test("with a value a day no mark names an hour, also where clocks change", () => {
  const smallest = (labels) => Math.min(...charts.stepsOf(labels));
  assert.equal(smallest(["2026-05-01", "2026-05-02"]), DAY);
  assert.equal(smallest(["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"]), DAY);
  assert.equal(smallest(["2026-05-01T10:00:00Z", "2026-05-01T11:00:00Z"]), 60);
  assert.equal(smallest(["2026-05-01"]), DAY);
  assert.equal(smallest(["2026-05-01T10:00:00Z"]), 60);
});

test("marks never stand less than a minute apart, and grow", () => {
  const steps = charts.stepsOf([]);
  assert.deepEqual(
    steps,
    steps.toSorted((a, b) => a - b),
  );
  assert.equal(steps.at(-1), 365 * DAY);
});

test("marks and names are in the reader's zone", () => {
  const shanghai = charts.timesOf("en-GB", "Asia/Shanghai");
  const midnight = Date.parse("2026-05-01T16:00:00Z") / 1000;
  assert.equal(shanghai.markOf(midnight, HOUR), "00:00");
  assert.equal(shanghai.markOf(midnight, DAY), "2 May");
  assert.match(shanghai.nameOf("2026-05-01T16:05:00Z"), /^2 May 2026, 00:05$/);
});

const DAYS = [
  ["UTC", "2026-05-01T00:00:00Z"],
  ["Asia/Shanghai", "2026-04-30T16:00:00Z"],
  ["America/New_York", "2026-05-01T04:00:00Z"],
  ["Asia/Kathmandu", "2026-04-30T18:15:00Z"],
];

for (const [zone, midnight] of DAYS) {
  test(`a label that is a day stands at its midnight in ${zone}, and its name has no time`, () => {
    const times = charts.timesOf("en-GB", zone);
    assert.equal(times.secondOf("2026-05-01") * 1000, Date.parse(midnight));
    assert.equal(times.nameOf("2026-05-01"), "1 May");
  });
}

test("midnight is right on the days on which clocks change", () => {
  const seconds = ["2026-03-29", "2026-03-30", "2026-10-25", "2026-10-26"].map(
    charts.timesOf("en", "Europe/Berlin").secondOf,
  );
  assert.deepEqual(
    seconds.map((second) => new Date(second * 1000).toISOString()),
    ["2026-03-28T23:00:00.000Z", "2026-03-29T22:00:00.000Z", "2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"],
  );
});

test("a label with a time stands at its second", () => {
  assert.equal(charts.timesOf("en", "Asia/Shanghai").secondOf("1970-01-01T00:02:30Z"), 150);
});

test("stacked series add up, and a gap adds nothing", () => {
  const series = [{ values: [1, null, 3] }, { values: [10, 20, null] }, { values: [100, 200, 300] }];
  assert.deepEqual(charts.stack(series), [
    [1, 0, 3],
    [11, 20, 3],
    [111, 220, 303],
  ]);
  assert.deepEqual(series[0].values, [1, null, 3]);
});

test("the value axis begins at nothing, and has room above the highest value", () => {
  assert.deepEqual(charts.heightOf(100), [0, 108]);
  assert.deepEqual(charts.heightOf(1), [0, 4]);
  assert.deepEqual(charts.heightOf(null), [0, 4]);
});

test("bars have room for half of one at both ends", () => {
  const names = { labels: ["a", "b", "c"], places: [0, 1, 2], timed: false };
  assert.deepEqual(charts.widened(names, 0, 2), [-0.5, 2.5]);
  const days = { labels: ["2026-05-01", "2026-05-02", "2026-05-03"], places: [0, DAY, 2 * DAY], timed: true };
  assert.deepEqual(charts.widened(days, 0, 2 * DAY), [-DAY / 2, 2.5 * DAY]);
});

test("a value that is alone has room around it: half a day, five minutes, or half a name", () => {
  // For one point uPlot proposes to end a thousand days later.
  const around = (label, timed) => {
    const [low, high] = charts.widened({ labels: [label], places: [7], timed }, 7, 7 + 1000 * DAY);
    return [low - 7, high - 7];
  };
  assert.deepEqual(around("2026-05-01", true), [-DAY / 2, DAY / 2]);
  assert.deepEqual(around("2026-05-01T10:00:00Z", true), [-300, 300]);
  assert.deepEqual(around("a", false), [-0.5, 0.5]);
});

test("the legend says the value at the cursor, or the sum, or the last where sums mean nothing", () => {
  const values = [1, null, 5];
  assert.equal(charts.legendValue(values, null, true), 6);
  assert.equal(charts.legendValue(values, null, false), 5);
  assert.equal(charts.legendValue(values, 0, true), 1);
  assert.equal(charts.legendValue(values, 1, true), null);
  assert.equal(charts.legendValue([], null, true), 0);
});

test("a value that is missing is a dash, and nothing is 0", () => {
  const format = new Intl.NumberFormat("en");
  assert.equal(charts.wordOf(null, format), "–");
  assert.equal(charts.wordOf(undefined, format), "–");
  assert.equal(charts.wordOf(0, format), "0");
  assert.equal(charts.wordOf(12345, format), "12,345");
});

test("a role has its colour; others take turns", () => {
  assert.equal(charts.colourOf("failed", 0), "--chart-red");
  assert.equal(charts.colourOf("delivered", 3), charts.colourOf("accepted", 0));
  const plain = [0, 1, 2, 3, 4].map((at) => charts.colourOf(undefined, at));
  assert.equal(new Set(plain).size, 5);
  assert.equal(charts.colourOf(undefined, 5), plain[0]);
});

test("lines have no ground; areas upon each other are stronger than one alone", () => {
  assert.equal(charts.opacityOf("line", false), null);
  assert.ok(charts.opacityOf("line", true) > charts.opacityOf("area", false));
  assert.equal(charts.opacityOf("bar", true), charts.opacityOf("bar", false));
  assert.equal(charts.faded("rgb(1, 2, 3)", 0.4), "rgba(1, 2, 3, 0.4)");
});
