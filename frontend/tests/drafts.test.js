// What a draft keeps of a form, and what becomes of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fateOf, isKept, read, settle, write } from "../src/logic/drafts.js";

const text = (name, value, more = {}) => ({ type: "text", name, value, ...more });
const tick = (type, name, value, checked) => ({ type, name, value, checked });

function selectOf(name, values, chosen) {
  const options = values.map((value) => ({ value, selected: chosen.includes(value) }));
  return {
    type: "select-multiple",
    name,
    multiple: true,
    options,
    get selectedOptions() {
      return options.filter((option) => option.selected);
    },
  };
}

test("passwords, files, hidden fields, buttons and nameless fields are never kept", () => {
  for (const type of ["password", "file", "hidden", "submit", "button", "reset"]) {
    assert.equal(isKept({ type, name: "x" }), false, type);
  }
  assert.equal(isKept({ type: "text", name: "" }), false);
  assert.equal(isKept({ type: "text", name: "csrfmiddlewaretoken" }), false);
  assert.equal(isKept({ type: "textarea", name: "key", dataset: { secret: "" } }), false);
  assert.equal(isKept({ type: "textarea", name: "key", dataset: {} }), true);
  assert.equal(isKept({ type: "email", name: "address" }), true);
  assert.deepEqual(read([text("password", "secret", { type: "password" }), text("name", "Goose")]), { name: "Goose" });
});

test("what was typed and chosen comes back as it was", () => {
  const typed = [
    text("subject", "Hello"),
    tick("checkbox", "lists", "1", true),
    tick("checkbox", "lists", "2", false),
    tick("radio", "when", "now", false),
    tick("radio", "when", "later", true),
    selectOf("tags", ["a", "b", "c"], ["a", "c"]),
  ];
  const draft = read(typed);
  assert.deepEqual(draft, { subject: "Hello", lists: ["1"], when: ["later"], tags: ["a", "c"] });

  const fresh = [
    text("subject", ""),
    tick("checkbox", "lists", "1", false),
    tick("checkbox", "lists", "2", true),
    tick("radio", "when", "now", true),
    tick("radio", "when", "later", false),
    selectOf("tags", ["a", "b", "c"], ["b"]),
  ];
  for (const field of fresh) assert.ok(write(field, JSON.parse(JSON.stringify(draft))));
  assert.deepEqual(read(fresh), draft);
});

test("boxes that were all unticked stay unticked", () => {
  const draft = read([tick("checkbox", "lists", "1", false)]);
  const box = tick("checkbox", "lists", "1", true);
  write(box, draft);
  assert.equal(box.checked, false);
});

test("a field that the draft does not know, and one that is never kept, stay as they are", () => {
  const added = text("reply_to", "a@b.example");
  assert.equal(write(added, { subject: "Hello" }), false);
  assert.equal(added.value, "a@b.example");
  const version = text("version", "9", { type: "hidden" });
  assert.equal(write(version, { version: "3" }), false);
  assert.equal(version.value, "9");
});

const FATES = [
  ["nothing was kept", null, { name: "" }, false, "leave"],
  ["other words were kept", { name: "Goose" }, { name: "" }, false, "restore"],
  ["the same words were kept", { name: "Goose" }, { name: "Goose" }, false, "leave"],
  [
    "the same words were saved as a newer version",
    { name: "Goose", version: "1" },
    { name: "Goose", version: "2" },
    false,
    "leave",
  ],
  ["other words in a newer version", { name: "Duck", version: "1" }, { name: "Goose", version: "2" }, false, "restore"],
  ["the form came back with errors", { name: "Goose" }, { name: "Goose!" }, true, "forget"],
];

for (const [what, draft, before, cameBack, fate] of FATES) {
  test(`a draft when ${what}: ${fate}`, () => assert.equal(fateOf(draft, before, cameBack), fate));
}

test("a form that arrived has no draft; one that met the log-in page keeps it", () => {
  assert.deepEqual(settle(null, false), { note: null, forget: null });
  assert.deepEqual(settle({ key: "draft:1" }, false), { note: null, forget: "draft:1" });
  const atLogin = settle({ key: "draft:1" }, true);
  assert.deepEqual(atLogin, { note: { key: "draft:1", viaLogin: true }, forget: null });
  assert.deepEqual(settle(atLogin.note, false), { note: null, forget: null });
});
