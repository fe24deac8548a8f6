// When a control that was wrong is no longer marked.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isWrong } from "../src/logic/forms.js";

const text = (value, valid = true) => ({
  tagName: "INPUT",
  type: "email",
  value,
  defaultValue: "goose@",
  validity: { valid },
});
const radio = (checked, defaultChecked) => ({
  tagName: "INPUT",
  type: "radio",
  checked,
  defaultChecked,
  validity: { valid: true },
});
const select = (...options) => ({
  tagName: "SELECT",
  options: options.map(([selected, defaultSelected]) => ({ selected, defaultSelected })),
  validity: { valid: true },
});

test("the refused value is wrong, another one that can be right is not", () => {
  assert.equal(isWrong([text("goose@")]), true);
  assert.equal(isWrong([text("goose@pond.example")]), false);
});

test("a value that cannot be right stays wrong", () => {
  assert.equal(isWrong([text("goose@@", false)]), true);
});

test("of several controls with a name one that changed is enough", () => {
  assert.equal(isWrong([radio(true, true), radio(false, false)]), true);
  assert.equal(isWrong([radio(false, true), radio(true, false)]), false);
});

test("of several boxes one that was ticked is enough", () => {
  const box = (checked) => ({ ...radio(checked, false), type: "checkbox" });
  assert.equal(isWrong([box(false), box(false), box(false)]), true);
  assert.equal(isWrong([box(false), box(true), box(false)]), false);
});

test("a select is wrong while it is as it came back", () => {
  assert.equal(isWrong([select([true, true], [false, false])]), true);
  assert.equal(isWrong([select([false, true], [true, false])]), false);
});
