// A warm-up's numbers as bars, and the shares of a pool.

const MOST_DAYS = 365;
const BAR = 6;
const GAP = 2;
const HEIGHT = 48;
const LEAST = 2;

/** The mails of each day, from text that separates them by commas or blanks; null if it can't be read. */
export function daysOf(text) {
  const days = text
    .split(/[\s,;，；、]+/)
    .filter(Boolean)
    .map(Number);
  const wrong = !days.length || days.length > MOST_DAYS || days.some((count) => !(count > 0));
  return wrong ? null : days;
}

/** The drawing of a curve: {width, height, bars: [{x, y, width, height}]}. A power below 1 keeps small first days visible. */
export function barsOf(days) {
  const most = Math.max(...days);
  const bars = days.map((count, at) => {
    const height = Math.max(LEAST, Math.round(HEIGHT * (count / most) ** 0.4));
    return { x: at * BAR, y: HEIGHT - height, width: BAR - GAP, height };
  });
  return { width: days.length * BAR, height: HEIGHT, bars };
}

/** Each line's share of its tier; null if it has none. A line is {inside, tier, weight}. */
export function sharesOf(lines) {
  const whole = {};
  for (const { inside, tier, weight } of lines) if (inside) whole[tier] = (whole[tier] ?? 0) + weight;
  return lines.map(({ inside, tier, weight }) => (inside && whole[tier] > 0 ? weight / whole[tier] : null));
}
