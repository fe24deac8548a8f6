// Shortcuts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { saverOf, shortcuts } from "../src/logic/keys.js";

const press = (shortcutOf, key, more = {}, busy = false) => shortcutOf({ key, ...more }, busy).name;

test("Ctrl or Command with K and S work while somebody types, in capitals, too", () => {
  const shortcutOf = shortcuts();
  assert.equal(press(shortcutOf, "k", { ctrlKey: true }, true), "palette");
  assert.equal(press(shortcutOf, "K", { metaKey: true }, true), "palette");
  assert.equal(press(shortcutOf, "s", { ctrlKey: true }, true), "save");
  assert.equal(press(shortcutOf, "p", { ctrlKey: true }), null);
});

test("letters are letters while somebody types", () => {
  const shortcutOf = shortcuts();
  for (const key of ["?", "/", "g", "h"]) assert.equal(press(shortcutOf, key, {}, true), null, key);
  assert.equal(press(shortcutOf, "h"), null);
});

test("? shows the shortcuts, / goes to the search field", () => {
  const shortcutOf = shortcuts();
  assert.equal(press(shortcutOf, "?", { shiftKey: true }), "help");
  assert.equal(press(shortcutOf, "/"), "search");
  assert.equal(press(shortcutOf, "/", { altKey: true }), null);
});

test("G and a letter go to a page, for a moment", () => {
  let now = 1000;
  const shortcutOf = shortcuts(() => now);
  press(shortcutOf, "g");
  now += 1199;
  assert.deepEqual(shortcutOf({ key: "c" }, false), { name: "go", to: "campaigns" });
  press(shortcutOf, "g");
  now += 1200;
  assert.equal(press(shortcutOf, "c"), null);
});

test("a letter alone, or one that means no page, goes nowhere", () => {
  const shortcutOf = shortcuts();
  assert.equal(press(shortcutOf, "c"), null);
  press(shortcutOf, "g");
  assert.equal(press(shortcutOf, "x"), null);
});

test("Saving presses the button that saves, as Enter would, or the one that is marked", () => {
  const button = (more = {}) => ({ type: "submit", dataset: {}, disabled: false, ...more });
  const field = { type: "text", dataset: {} };
  const [first, marked] = [button(), button({ dataset: { saves: "" } })];
  assert.equal(saverOf({ elements: [field, button({ disabled: true }), first, button()] }), first);
  assert.equal(saverOf({ elements: [first, marked] }), marked);
  assert.equal(saverOf({ elements: [field] }), null);
});
