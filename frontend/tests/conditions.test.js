// Parts that are shown while a control has a value.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isShown } from "../src/logic/conditions.js";

const form = (name) => ({ envelope: "verp", when: "" })[name];

test("a part is shown for each of its values", () => {
  assert.equal(isShown("envelope verp fixed", form), true);
  assert.equal(isShown("envelope fixed verp", form), true);
  assert.equal(isShown("envelope from", form), false);
});

test("a part of a value is no value, and the control's name is none", () => {
  assert.equal(isShown("envelope ver", form), false);
  assert.equal(
    isShown("verp envelope", () => "verp"),
    false,
  );
});

test("a control that is not there shows nothing", () => {
  assert.equal(isShown("gone verp", form), false);
  assert.equal(isShown("when later", form), false);
});
