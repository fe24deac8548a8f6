// The puzzle of sign-up forms.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { solution, solves } from "../src/logic/puzzle.js";

test("a solution has a digest that begins with 16 zero bits, and a number below has none", () => {
  const number = solution("signed:stamp", 0, 1_100_000);
  assert.ok(number >= 0);
  assert.equal(createHash("sha256").update(`stamp.${number}`).digest().readUInt16BE(0), 0);
  assert.ok(solves("stamp", number));
  assert.equal(solution("stamp", 0, number), -1);
});

test("another stamp has another solution", () => {
  const number = solution("stamp", 0, 1_100_000);
  assert.ok(!solves("another", number));
});
