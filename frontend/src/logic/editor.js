// Merge fields and problems in the code editor. States and contexts are CodeMirror's. Works without a page.

// Inserts the field with its default, unless a filter follows already.
function textOf(field, behind) {
  const filtered = /^\s*\|/.test(behind);
  return filtered ? field.key : (field.insert ?? field.key);
}

function complete(view, field, from, to) {
  const insert = textOf(field, view.state.sliceDoc(to, to + 20));
  view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + insert.length } });
}

/** A source of completions, [{key, label, insert}], inside {{ }} only. */
export function mergeFields(fields) {
  const options = fields.map((field) => ({
    label: field.key,
    detail: field.label,
    type: "variable",
    apply: (view, _completion, from, to) => complete(view, field, from, to),
  }));
  return (context) => {
    const open = context.matchBefore(/\{\{-?\s*\w*$/);
    if (!open) return null;
    const word = context.matchBefore(/\w*$/);
    return { from: word ? word.from : context.pos, options };
  };
}

/** CodeMirror's diagnostics of problems, [{line, severity, text}]; those of missing lines are left out. */
export function diagnosticsOf(problems, doc) {
  return problems
    .filter((problem) => problem.line && problem.line <= doc.lines)
    .map((problem) => {
      const line = doc.line(problem.line);
      return { from: line.from, to: line.to, severity: problem.severity, message: problem.text };
    });
}

/** The line with this number, or the nearest existing line. */
export function nearestLine(doc, number) {
  return doc.line(Math.min(Math.max(number, 1), doc.lines));
}
