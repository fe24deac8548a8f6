// Where an item of an ordered list comes to.
import assert from "node:assert/strict";
import { test } from "node:test";
import { placeAfter, placeAt, stepOfKey } from "../src/logic/ordering.js";

test("an item moves by one place and never beyond the ends", () => {
  assert.equal(placeAfter(1, -1, 3), 0);
  assert.equal(placeAfter(0, -1, 3), 0);
  assert.equal(placeAfter(1, 1, 3), 2);
  assert.equal(placeAfter(2, 1, 3), 2);
});

test("Alt with an arrow moves, and an arrow alone does not", () => {
  assert.equal(stepOfKey({ key: "ArrowUp", altKey: true }), -1);
  assert.equal(stepOfKey({ key: "ArrowDown", altKey: true }), 1);
  assert.equal(stepOfKey({ key: "ArrowDown", altKey: false }), 0);
  assert.equal(stepOfKey({ key: "ArrowDown", altKey: true, ctrlKey: true }), 0);
  assert.equal(stepOfKey({ key: "a", altKey: true }), 0);
});

test("a dragged item is dropped before the first one whose middle is below the pointer", () => {
  assert.equal(placeAt(5, [10, 30, 50]), 0);
  assert.equal(placeAt(31, [10, 30, 50]), 2);
  assert.equal(placeAt(60, [10, 30, 50]), -1);
});
