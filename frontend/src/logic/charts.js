// A chart's data, {"labels": [ISO times or names], "series": [{"name", "values", "role"}]}, and its drawing.

const ROLES = {
  accepted: "--chart-green",
  delivered: "--chart-green",
  opened: "--chart-blue",
  machine_opened: "--chart-brand",
  clicked: "--chart-violet",
  machine_clicked: "--chart-grey",
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
// Seconds between two marks of a time axis. No chart counts by the second.
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 4, 6, 8, 12].map((n) => n * HOUR),
  ...[1, 2, 3, 5, 7, 10, 15, 30, 60, 90, 120, 180, 365].map((n) => n * DAY),
];
const DAYS = STEPS.filter((step) => step >= DAY);
// A day is an hour shorter or longer where clocks change.
const SHORTEST_DAY_MS = 22 * HOUR * 1000;
const NONE = "–";

/** The colour's name: that of the role, or the next neutral one. */
export const colourOf = (role, at) => ROLES[role] ?? PLAIN[at % PLAIN.length];

/** Whether the labels are times, not names. */
export function isTimed(labels) {
  return labels.length > 0 && /^\d{4}-/.test(labels[0]) && !Number.isNaN(Date.parse(labels[0]));
}

// A label of a whole day is "2026-05-01".
const isDay = (label) => label?.length === 10;

// The offset of the zone from UTC at a given time, in milliseconds.
function offsetOf(zone) {
  const fields = ["year", "month", "day", "hour", "minute", "second"].map((name) => [name, "numeric"]);
  const wall = new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", ...Object.fromEntries(fields) });
  return (ms) => {
    const at = Object.fromEntries(wall.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
    return Date.UTC(at.year, at.month - 1, at.day, at.hour, at.minute, at.second) - ms;
  };
}

// Midnight of the zone, in milliseconds: a bare date alone would be read as midnight of UTC.
function midnight(label, offset) {
  const utc = Date.parse(label);
  return utc - offset(utc - offset(utc));
}

/** Times in the reader's locale and zone: nameOf(label), markOf(second, step), and secondOf(label), its place. */
export function timesOf(locale, zone) {
  const format = (options) => new Intl.DateTimeFormat(locale, { timeZone: zone, ...options });
  const clock = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const day = format({ month: "short", day: "numeric" });
  const moment = format({ dateStyle: "medium", timeStyle: "short" });
  const offset = offsetOf(zone);
  const timeOf = (label) => (isDay(label) ? midnight(label, offset) : Date.parse(label));
  return {
    nameOf: (label) => (isDay(label) ? day : moment).format(timeOf(label)),
    markOf: (second, step) => (step >= DAY ? day : clock).format(second * 1000),
    secondOf: (label) => timeOf(label) / 1000,
  };
}

/** The possible steps of marks on a time axis. With one value per day, marks show no hours. */
export function stepsOf(labels) {
  const daily = labels.length > 1 && Date.parse(labels[1]) - Date.parse(labels[0]) >= SHORTEST_DAY_MS;
  return daily || isDay(labels[0]) ? DAYS : STEPS;
}

/** Each series plus the series before it, for stacked areas and bars. */
export function stack(series) {
  const below = [];
  return series.map((one) =>
    one.values.map((value, at) => {
      below[at] = (below[at] ?? 0) + (value ?? 0);
      return below[at];
    }),
  );
}

/** The value axis: from 0 to a little above the highest value, and at least to 4, so that marks are whole numbers. */
export function heightOf(highest) {
  return [0, Math.max((highest ?? 0) * 1.08, 4)];
}

/**
 * The range of the horizontal axis, with space for half a bar at both ends. Around a single position the space is
 * half a day, five minutes or half a name; uPlot's own range would end years away from it.
 */
export function widened({ labels, places, timed }, low, high) {
  if (labels.length > 1) {
    const half = (high - low) / (labels.length - 1) / 2;
    return [low - half, high + half];
  }
  const whole = isDay(labels[0]) ? DAY : 10 * MINUTE;
  const half = timed ? whole / 2 : 0.5;
  return [places[0] - half, places[0] + half];
}

/** The legend's number: the value at `index`; without one the sum, or the last value if sums are meaningless. */
export function legendValue(values, index, summed) {
  if (index != null) return values[index];
  return summed ? values.reduce((total, value) => total + (value ?? 0), 0) : values.at(-1);
}

/** A value as text. A missing value is not 0. */
export const wordOf = (value, format) => (value == null ? NONE : format.format(value));

/** The opacity of the fill below a series; null without a fill. */
export function opacityOf(kind, stacked) {
  if (kind === "bar" || stacked) return 0.85;
  return kind === "area" ? 0.16 : null;
}

/** "rgb(1, 2, 3)" with an opacity. */
export const faded = (rgb, opacity) => rgb.replace("rgb(", "rgba(").replace(")", `, ${opacity})`);
