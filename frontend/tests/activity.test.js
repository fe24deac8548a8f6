// The count at the tray of what runs in the background.
import assert from "node:assert/strict";
import { test } from "node:test";
import { trayOf } from "../src/logic/activity.js";

test("what runs is counted first, and asked for often", () => {
  const tray = trayOf({ running: 2, ended: ["a", "b", "c"], seen: [] });
  assert.deepEqual(tray, { count: 2, hidden: false, done: false, wait: 3000 });
});

test("what ended is counted until it was seen", () => {
  const tray = trayOf({ running: 0, ended: ["a", "b"], seen: ["a"] });
  assert.deepEqual(tray, { count: 1, hidden: false, done: true, wait: 30_000 });
});

test("nothing new is not shown", () => {
  assert.equal(trayOf({ running: 0, ended: ["a"], seen: ["a", "old"] }).hidden, true);
  assert.equal(trayOf({ running: 0, ended: [], seen: [] }).hidden, true);
});
