// What is typed in the builder of segments while it fetches other controls.
import assert from "node:assert/strict";
import { test } from "node:test";
import { optionFor, placeAfter, valueOf } from "../src/logic/builder.js";

test("A box keeps what was typed since the answer was asked for", () => {
  assert.equal(valueOf("1", undefined), "1");
  assert.equal(valueOf("30", { before: "30", now: "30", same: true }), "30");
  assert.equal(valueOf("30", { before: "30", now: "305", same: true }), "305");
  assert.equal(valueOf("30", { before: "30", now: "", same: true }), "");
});

test("A box with another meaning gets only what was typed since", () => {
  assert.equal(valueOf("", { before: "30", now: "307", same: false }), "7");
  assert.equal(valueOf("", { before: "30", now: "7", same: false }), "7");
  assert.equal(valueOf("1", { before: "30", now: "30", same: false }), "1");
});

test("Items after a removed one move up", () => {
  assert.equal(placeAfter("r_2", "r_1"), "r_1");
  assert.equal(placeAfter("r_2_4", "r_1"), "r_1_4");
  assert.equal(placeAfter("r_0", "r_1"), "r_0");
  assert.equal(placeAfter("r_1_0", "r_1"), null);
  assert.equal(placeAfter("r_3_2", "r_1_0"), "r_3_2");
  assert.equal(placeAfter("r_1_2", "r_1_0"), "r_1_1");
  assert.equal(placeAfter("r", "r_0"), "r");
});

test("Typed text chooses the option that begins with it", () => {
  const options = [
    { text: "Choose…", value: "" },
    { text: "is between", value: "between" },
  ];
  assert.equal(optionFor("Is B", options), "between");
  assert.equal(optionFor("", options), null);
  assert.equal(optionFor("x", options), null);
});
