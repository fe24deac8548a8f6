// What the scripts say.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fillIn, localeOfDates } from "../src/logic/words.js";

test("names are replaced, as often as they stand there", () => {
  assert.equal(fillIn("{done} of {total} MB, {done}", { done: "1.5", total: "12" }), "1.5 of 12 MB, 1.5");
  assert.equal(fillIn("已选 {n} 个", { n: 0 }), "已选 0 个");
});

test("a name without a value is nothing, and braces without a name stay", () => {
  assert.equal(fillIn("Reference: {reference}.", {}), "Reference: .");
  assert.equal(fillIn("{{ }}", {}), "{{ }}");
});

test("a value is put in as it is", () => {
  assert.equal(fillIn("{name}", { name: "$& {other}" }), "$& {other}");
});

test("dates have the day first in English; other languages keep theirs", () => {
  assert.equal(localeOfDates("en"), "en-GB");
  assert.equal(localeOfDates("zh-Hans"), "zh-Hans");
});
