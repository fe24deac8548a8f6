// The order of saves of forms that save by themselves.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Autosave, fateOfWords, numbering, wordsOf } from "../src/logic/saving.js";

test("saves of a page have its random word and grow", () => {
  const next = numbering();
  const [page, first] = next().split(".");
  assert.match(page, /^[a-z0-9]{24}$/);
  assert.equal(first, "1");
  assert.equal(next(), `${page}.2`);
  assert.equal(next(), `${page}.3`);
  assert.notEqual(numbering()().split(".")[0], page);
});

test("a random number with few digits still gives a whole word", () => {
  assert.equal(numbering(() => 0)(), `${"0".repeat(24)}.1`);
  assert.equal(numbering(() => 0.5)(), `${"i0000000".repeat(3)}.1`);
});

test("the server takes such a number", async () => {
  const source = await readFile(new URL("../../pages/editors.py", import.meta.url), "utf8");
  const pattern = /re\.compile\(r"(.+?)"\)/.exec(source)[1];
  assert.match(numbering()(), new RegExp(`^(?:${pattern})$`));
});

test("files are no words", () => {
  const form = new FormData();
  form.append("subject", "Hello");
  form.append("file", new File(["x"], "x.png"));
  assert.equal(wordsOf(form), '[["subject","Hello"]]');
});

const FATES = [
  ["new words", { words: "b", sent: "a", undecided: false }, "send"],
  ["the first words", { words: "a", sent: undefined, undecided: false }, "send"],
  ["words that went out", { words: "a", sent: "a", undecided: false }, "sent"],
  ["a choice that is open", { words: "a", sent: "a", undecided: true }, "ask"],
  ["as much as a browser sends", { words: "x".repeat(60_000), sent: undefined, undecided: false }, "send"],
  ["more than a browser sends", { words: "x".repeat(60_001), sent: undefined, undecided: false }, "ask"],
  ["more bytes than letters", { words: "雁".repeat(20_001), sent: undefined, undecided: false }, "ask"],
];

for (const [what, { words, ...more }, fate] of FATES) {
  test(`when the page is closed with ${what}: ${fate}`, () => assert.equal(fateOfWords(words, more), fate));
}

test("what is typed while a save is under way is unsaved after it", () => {
  const saves = new Autosave();
  saves.typed();
  assert.ok(saves.begins({ choosing: false, chooses: false }));
  assert.equal(saves.leavesUnsaved(false), false);
  assert.ok(saves.begins({ choosing: false, chooses: false }));
  saves.typed();
  assert.equal(saves.leavesUnsaved(false), true);
  assert.ok(saves.begins({ choosing: false, chooses: false }));
  assert.equal(saves.leavesUnsaved(false), false);
});

test("what the server refused is unsaved", () => {
  const saves = new Autosave();
  saves.begins({ choosing: false, chooses: false });
  assert.equal(saves.leavesUnsaved(true), true);
});

test("while two versions wait for a choice, only the choice is sent, and nothing typed is lost", () => {
  const saves = new Autosave();
  saves.typed();
  assert.equal(saves.begins({ choosing: true, chooses: false }), false);
  assert.equal(saves.leavesUnsaved(false), true);
  assert.equal(saves.begins({ choosing: true, chooses: true }), true);
  assert.equal(saves.leavesUnsaved(false), false);
});
