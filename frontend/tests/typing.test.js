// Keys that an input method composes a word with are not the page's.
import assert from "node:assert/strict";
import { test } from "node:test";
import { composing, onKey } from "../src/typing.js";

function keydown(more) {
  return Object.assign(new Event("keydown"), { key: "Enter", keyCode: 13, isComposing: false }, more);
}

test("a word that is being composed keeps its keys, in older browsers, too", () => {
  assert.equal(composing(keydown({ isComposing: true })), true);
  assert.equal(composing(keydown({ keyCode: 229 })), true);
  assert.equal(composing(keydown()), false);
});

test("handlers hear keys of no composition", () => {
  const target = new EventTarget();
  const heard = [];
  onKey(target, (event) => heard.push(event.key));
  target.dispatchEvent(keydown({ key: "Escape", isComposing: true }));
  target.dispatchEvent(keydown({ key: "ArrowDown", keyCode: 229 }));
  target.dispatchEvent(keydown({ key: "Enter" }));
  assert.deepEqual(heard, ["Enter"]);
});
