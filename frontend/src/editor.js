// <textarea data-editor="html|text"> becomes CodeMirror, kept in step with the textarea, which is what
// the form sends. A select[data-insert-into="id"] inserts merge fields at the cursor.
import { EditorView, basicSetup } from "codemirror";
import { html } from "@codemirror/lang-html";
import { setDiagnostics } from "@codemirror/lint";

const editors = new Map();

function mount(area) {
  const view = new EditorView({
    doc: area.value,
    extensions: [
      basicSetup,
      ...(area.dataset.editor === "html" ? [html()] : []),
      EditorView.lineWrapping,
      EditorView.cspNonce.of(document.querySelector("meta[name=csp-nonce]").content),
      EditorView.contentAttributes.of({ "aria-label": area.labels[0]?.textContent.trim() ?? area.name }),
      EditorView.updateListener.of((update) => {
        if (!update.docChanged) return;
        area.value = view.state.sliceDoc();
        area.dispatchEvent(new Event("input", { bubbles: true }));
      }),
    ],
  });
  area.hidden = true;
  area.after(view.dom);
  editors.set(area.id, view);
}

function mark(area, problems) {
  const view = editors.get(area.id);
  if (!view) return;
  const diagnostics = problems
    .filter((problem) => problem.line && problem.line <= view.state.doc.lines)
    .map((problem) => {
      const line = view.state.doc.line(problem.line);
      return { from: line.from, to: line.to, severity: problem.severity, message: problem.text };
    });
  view.dispatch(setDiagnostics(view.state, diagnostics));
}

function markAll() {
  for (const script of document.querySelectorAll("script[data-problems-for]")) {
    const area = document.getElementById(script.dataset.problemsFor);
    if (area) mark(area, JSON.parse(script.textContent));
  }
}

for (const area of document.querySelectorAll("textarea[data-editor]")) mount(area);
markAll();
document.addEventListener("htmx:afterSettle", markAll);
document.addEventListener("change", (event) => {
  const picker = event.target.closest("[data-insert-into]");
  if (!picker || !picker.value) return;
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
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "s") {
    const form = document.querySelector("form[data-save]");
    if (form) {
      event.preventDefault();
      form.requestSubmit();
    }
  }
});
