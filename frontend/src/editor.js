// <textarea data-editor="html|text"> becomes CodeMirror, kept in step with the textarea, which is what
// the form sends. data-fields names a json_script [{"key", "label"}] completed inside {{ }}.
// <select data-insert-into="id"> inserts its value at the cursor, also of plain fields.
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { html, htmlLanguage } from "@codemirror/lang-html";
import { forEachDiagnostic, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { basicSetup } from "codemirror";
import { diagnosticsOf, mergeFields, nearestLine } from "./logic/editor.js";

const editors = new Map();
// Changes while an editor is being set up are not the person's.
let mounting = false;

// The colours come from the theme (mail.css), so the dark theme needs no second style.
const colours = HighlightStyle.define([
  { tag: [tags.tagName, tags.keyword], color: "var(--code-tag)" },
  { tag: [tags.attributeName, tags.propertyName], color: "var(--code-name)" },
  { tag: [tags.attributeValue, tags.string, tags.number, tags.unit, tags.color], color: "var(--code-value)" },
  { tag: [tags.comment, tags.documentMeta, tags.angleBracket], color: "var(--code-quiet)" },
]);

const look = EditorView.theme({
  "&": { height: "100%" },
  ".cm-gutters": {
    backgroundColor: "transparent",
    color: "var(--code-quiet)",
    border: "none",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--code-line)" },
  ".cm-cursor": { borderLeftColor: "var(--tblr-body-color)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--code-selected)",
  },
  ".cm-tooltip, .cm-panels": {
    backgroundColor: "var(--tblr-bg-surface)",
    color: "var(--tblr-body-color)",
    borderColor: "var(--tblr-border-color)",
  },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    backgroundColor: "var(--brand)",
    color: "var(--on-brand)",
  },
});

// The editor's own words in the reader's language (designs.editorwords).
function phrases() {
  const source = document.getElementById("editor-phrases");
  return source ? JSON.parse(source.textContent) : {};
}

function fieldsOf(area) {
  const source = document.getElementById(area.dataset.fields ?? "");
  return source ? JSON.parse(source.textContent) : [];
}

function extensionsOf(area) {
  const complete = mergeFields(fieldsOf(area));
  const isHtml = area.dataset.editor === "html";
  const label = area.labels?.[0]?.textContent.trim() || area.getAttribute("aria-label") || area.name;
  return [
    basicSetup,
    EditorState.phrases.of(phrases()),
    isHtml
      ? [html({ autoCloseTags: false }), htmlLanguage.data.of({ autocomplete: complete })]
      : EditorView.contentAttributes.of({ spellcheck: "true" }),
    syntaxHighlighting(colours),
    look,
    EditorView.lineWrapping,
    EditorView.cspNonce.of(document.querySelector("meta[name=csp-nonce]").content),
    EditorView.contentAttributes.of({
      "aria-label": label,
      tabindex: "0",
      ...(area.getAttribute("aria-describedby") && { "aria-describedby": area.getAttribute("aria-describedby") }),
    }),
    EditorView.updateListener.of((update) => {
      if (!update.docChanged) return;
      area.value = update.state.sliceDoc();
      if (mounting) return;
      area.dispatchEvent(new Event("input", { bubbles: true }));
    }),
  ];
}

// The text before merge tags were converted: the editor's undo restores it.
function before(area) {
  const source = document.getElementById(`before-${area.id}`);
  return source ? JSON.parse(source.textContent) : area.value;
}

function replace(view, text) {
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
}

function mount(area) {
  if (editors.has(area.id)) return;
  const view = new EditorView({ doc: before(area), extensions: extensionsOf(area) });
  const now = area.value;
  if (before(area) !== now) {
    mounting = true;
    replace(view, now);
    mounting = false;
  }
  area.hidden = true;
  area.after(view.dom);
  editors.set(area.id, view);
  // A restored draft or another script has changed the textarea.
  area.addEventListener("draft", () => {
    if (view.state.sliceDoc() !== area.value) replace(view, area.value);
  });
  for (const name of area.labels ?? []) name.addEventListener("click", () => view.focus());
}

function mark(area, problems) {
  const view = editors.get(area.id);
  if (!view) return;
  const diagnostics = diagnosticsOf(problems, view.state.doc);
  let shown = 0;
  forEachDiagnostic(view.state, () => {
    shown += 1;
  });
  if (shown || diagnostics.length) view.dispatch(setDiagnostics(view.state, diagnostics));
}

function markAll() {
  for (const script of document.querySelectorAll("script[data-problems-for]")) {
    const area = document.getElementById(script.dataset.problemsFor);
    if (area) mark(area, JSON.parse(script.textContent));
  }
}

function insert(picker) {
  const target = document.getElementById(picker.dataset.insertInto);
  const view = editors.get(target.id);
  if (view) {
    view.dispatch(view.state.replaceSelection(picker.value));
    view.focus();
  } else {
    target.setRangeText(picker.value, target.selectionStart, target.selectionEnd, "end");
    target.dispatchEvent(new Event("input", { bubbles: true }));
    target.focus();
  }
  picker.value = "";
}

function mountAll() {
  for (const area of document.querySelectorAll("textarea[data-editor]")) mount(area);
  markAll();
}

// <button data-goto="textarea id" data-line="12"> leads to the line, or to the field.
function goTo(place) {
  const target = document.getElementById(place.dataset.goto);
  const panel = target.closest("[data-panel]");
  if (panel?.hidden) document.querySelector(`[data-tab="${panel.dataset.panel}"]`)?.click();
  const view = editors.get(target.id);
  if (!view || view.dom.offsetParent === null) {
    target.focus();
    return;
  }
  const line = nearestLine(view.state.doc, Number(place.dataset.line));
  view.dispatch({
    selection: { anchor: line.from },
    effects: EditorView.scrollIntoView(line.from, { y: "center" }),
  });
  view.focus();
}

mountAll();
document.addEventListener("htmx:afterSettle", mountAll);
document.addEventListener("click", (event) => {
  const place = event.target.closest("[data-goto]");
  if (place) goTo(place);
});
document.addEventListener("change", (event) => {
  const picker = event.target.closest?.("[data-insert-into]");
  if (picker?.value) insert(picker);
});
