// A warm-up's numbers and the shares of a pool.
import assert from "node:assert/strict";
import { test } from "node:test";
import { barsOf, daysOf, sharesOf } from "../src/logic/relays.js";

test("numbers may be separated by commas of both scripts, blanks and lines", () => {
  assert.deepEqual(daysOf("50, 100;200\n400，800；1600、3200"), [50, 100, 200, 400, 800, 1600, 3200]);
  assert.deepEqual(daysOf(" 50 "), [50]);
});

for (const wrong of ["", " ,", "50, many", "50, 0", "50, -1", Array(366).fill("5").join(" ")]) {
  test(`no curve: ${JSON.stringify(wrong.slice(0, 12))}`, () => assert.equal(daysOf(wrong), null));
}

test("a year of days is a curve", () => assert.equal(daysOf(Array(365).fill("5").join(" ")).length, 365));

test("the highest bar fills the drawing, and a low one can be seen", () => {
  const { width, height, bars } = barsOf([1, 1_000_000]);
  assert.equal(bars[1].height, height);
  assert.ok(bars[0].height >= 2);
  assert.ok(bars.every((bar) => bar.y + bar.height === height && bar.x + bar.width <= width));
});

test("a hundredth of the highest number is more than a line", () => {
  const { height, bars } = barsOf([100, 10_000]);
  assert.ok(bars[0].height > height / 10);
});

test("bars grow with their numbers", () => {
  const heights = barsOf([50, 100, 400, 1600]).bars.map((bar) => bar.height);
  assert.deepEqual(
    heights,
    [...new Set(heights)].toSorted((a, b) => a - b),
  );
});

const line = (tier, weight, inside = true) => ({ tier, weight, inside });

test("shares are parts of a tier, and make a whole", () => {
  assert.deepEqual(sharesOf([line("1", 1), line("1", 3), line("2", 7)]), [0.25, 0.75, 1]);
});

test("a relay outside of the pool has no share and takes none", () => {
  assert.deepEqual(sharesOf([line("1", 2), line("1", 6, false)]), [1, null]);
});

test("without any weight there is no share", () => {
  assert.deepEqual(sharesOf([line("1", 0), line("1", 0)]), [null, null]);
});
