// Filters, arrow keys and the selection of tables.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isTyped, queryOf, saysChange, shownOf, stepOf, ticks } from "../src/logic/tables.js";

test("a filter that is empty is not in the address", () => {
  const entries = [
    ["q", ""],
    ["list", "3"],
    ["sort", "-added"],
    ["state", ""],
  ];
  assert.equal(queryOf(entries), "list=3&sort=-added");
  assert.equal(queryOf([["q", ""]]), "");
});

test("words of a filter are encoded, and a filter may be there twice", () => {
  const form = new FormData();
  form.append("q", "雁 & co");
  form.append("tag", "a");
  form.append("tag", "b");
  const query = new URLSearchParams(queryOf(form));
  assert.equal(query.get("q"), "雁 & co");
  assert.deepEqual(query.getAll("tag"), ["a", "b"]);
});

const CONTROLS = [
  [{ tagName: "INPUT", type: "search" }, true, false],
  [{ tagName: "INPUT", type: "text" }, true, false],
  [{ tagName: "INPUT", type: "date" }, true, true],
  [{ tagName: "INPUT", type: "checkbox" }, false, true],
  [{ tagName: "SELECT", type: "select-one" }, false, true],
];

for (const [control, typed, change] of CONTROLS) {
  test(`a filter by ${control.type} waits for a pause (${typed}), and ends with a change (${change})`, () => {
    assert.equal(isTyped(control), typed);
    assert.equal(saysChange(control), change);
  });
}

test("arrows alone lead from row to row", () => {
  assert.equal(stepOf({ key: "ArrowDown" }), 1);
  assert.equal(stepOf({ key: "ArrowUp" }), -1);
  assert.equal(stepOf({ key: "ArrowLeft" }), 0);
  for (const held of ["ctrlKey", "metaKey", "altKey"]) assert.equal(stepOf({ key: "ArrowDown", [held]: true }), 0);
});

test("the page's box ticks and unticks every row of the page, and no other page's", () => {
  assert.deepEqual(ticks({ boxes: [true, false], all: false }, "page", true), { boxes: [true, true], all: false });
  assert.deepEqual(ticks({ boxes: [true, true], all: true }, "page", false), { boxes: [false, false], all: false });
});

test("all of the result ticks the rows of this page; a row that is unticked ends it", () => {
  const all = ticks({ boxes: [true, false], all: true }, "other", true);
  assert.deepEqual(all, { boxes: [true, true], all: true });
  assert.deepEqual(ticks({ boxes: [true, false], all: true }, "row", false), { boxes: [true, false], all: false });
});

test("another control of the form changes no tick", () => {
  const before = { boxes: [true, false], all: false };
  assert.deepEqual(ticks(before, "other", true), before);
});

test("the page's box is ticked for all of its rows, and half for some", () => {
  assert.deepEqual(shownOf([false, false]), { chosen: 0, checked: false, indeterminate: false, offersAll: false });
  assert.deepEqual(shownOf([true, false]), { chosen: 1, checked: false, indeterminate: true, offersAll: false });
  assert.deepEqual(shownOf([true, true]), { chosen: 2, checked: true, indeterminate: false, offersAll: true });
  assert.equal(shownOf([]).checked, false);
});
