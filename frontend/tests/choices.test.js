// The palette's hits and the tabs: arrows go round.
import assert from "node:assert/strict";
import { test } from "node:test";
import { around } from "../src/logic/choices.js";

test("an index goes on at the other end", () => {
  assert.equal(around(3, 3), 0);
  assert.equal(around(-1, 3), 2);
  assert.equal(around(1, 3), 1);
});

test("the choice stays within fewer hits than before", () => {
  assert.equal(around(9, 4), 1);
  assert.equal(around(-9, 4), 3);
});

test("without hits there is no choice to go to", () => {
  assert.equal(around(1, 0), 0);
  assert.equal(around(-1, 0), 0);
});
