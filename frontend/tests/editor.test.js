// Merge fields that the code editor completes, and problems that it shows.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CompletionContext } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";
import { diagnosticsOf, mergeFields, nearestLine } from "../src/logic/editor.js";

const FIELDS = [
  { key: "first_name", label: "First name", insert: 'first_name|default:"friend"' },
  { key: "email", label: "Address" },
];

// The cursor stands at "¦".
function at(marked) {
  const pos = marked.indexOf("¦");
  const doc = marked.replace("¦", "");
  const state = EditorState.create({ doc });
  return { state, result: mergeFields(FIELDS)(new CompletionContext(state, pos, false)), pos };
}

// A view of which only the state changes.
function accept({ state, result, pos }, label) {
  const view = {
    state,
    dispatch(change) {
      this.state = this.state.update(change).state;
    },
  };
  result.options.find((option) => option.label === label).apply(view, null, result.from, pos);
  return { text: view.state.sliceDoc(), cursor: view.state.selection.main.head };
}

test("fields are completed inside of {{ }} only", () => {
  for (const open of ["{{¦", "{{ ¦", "{{- fir¦", "<p>{{ first¦"]) assert.ok(at(open).result, open);
  for (const other of ["¦", "Hello fir¦", "{% if fir¦", "{{ email }} fir¦", "{{ email|def¦"]) {
    assert.equal(at(other).result, null, other);
  }
});

test("the word that was begun is replaced, with the field's default", () => {
  const { text, cursor } = accept(at("Hello {{ fir¦ }}!"), "first_name");
  assert.equal(text, 'Hello {{ first_name|default:"friend" }}!');
  assert.equal(text.slice(cursor), " }}!");
});

test("a filter that stands behind it already is the default", () => {
  assert.equal(accept(at("{{ fir¦|upper }}"), "first_name").text, "{{ first_name|upper }}");
  assert.equal(accept(at("{{ fir¦ | upper }}"), "first_name").text, "{{ first_name | upper }}");
});

test("a field without a default is its key", () => {
  assert.equal(accept(at("{{ ¦ }}"), "email").text, "{{ email }}");
});

test("a problem marks its line; one of a line that is gone marks nothing", () => {
  const { doc } = EditorState.create({ doc: "one\ntwo\nthree" });
  const problems = [
    { line: 2, severity: "error", text: "Wrong." },
    { line: 4, severity: "error", text: "Gone." },
    { line: null, severity: "info", text: "Everywhere." },
  ];
  assert.deepEqual(diagnosticsOf(problems, doc), [{ from: 4, to: 7, severity: "error", message: "Wrong." }]);
});

test("a place leads to its line, or to the nearest", () => {
  const { doc } = EditorState.create({ doc: "one\ntwo" });
  assert.equal(nearestLine(doc, 2).text, "two");
  assert.equal(nearestLine(doc, 9).text, "two");
  assert.equal(nearestLine(doc, 0).text, "one");
});
