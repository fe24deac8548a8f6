// A draft: the values of a form's fields, {name: text, or a list of the chosen values}. Fields are form controls or
// objects with the same properties.

const NEVER_KEPT = ["password", "file", "hidden", "submit", "button", "reset"];
const TICKED = ["checkbox", "radio"];

export function isKept(field) {
  if (!field.name || field.name === "csrfmiddlewaretoken") return false;
  // data-secret: a secret of several lines, such as a private key.
  return !NEVER_KEPT.includes(field.type) && field.dataset?.secret === undefined;
}

/** The values of the fields, as a draft. */
export function read(fields) {
  const values = {};
  for (const field of fields) {
    if (!isKept(field)) continue;
    if (TICKED.includes(field.type)) {
      values[field.name] ??= [];
      if (field.checked) values[field.name].push(field.value);
    } else if (field.multiple) {
      values[field.name] = [...field.selectedOptions].map((option) => option.value);
    } else values[field.name] = field.value;
  }
  return values;
}

/** Puts a draft's value into a field. Returns false if the draft has none for it. */
export function write(field, values) {
  const value = values[field.name];
  if (!isKept(field) || value === undefined) return false;
  if (TICKED.includes(field.type)) field.checked = value.includes(field.value);
  else if (field.multiple) {
    for (const option of field.options) option.selected = value.includes(option.value);
  } else field.value = value;
  return true;
}

// A newer version with the same text is this draft: it was saved when the page was closed.
function differs(draft, before) {
  const words = (values) => JSON.stringify({ ...values, version: "" });
  return words(draft) !== words(before);
}

/**
 * What to do with a draft when its form is shown again: "forget", "restore" or "leave". A form that came back
 * with errors has the typed values already.
 */
export function fateOf(draft, before, cameBack) {
  if (cameBack) return "forget";
  return draft && differs(draft, before) ? "restore" : "leave";
}

/**
 * Handles the note of a form that was sent before this page was shown: {key, viaLogin}. If the form arrived, its
 * draft can be forgotten; if the log-in page came between, the draft is kept. Gives the note for the next page, and
 * the key of the draft to forget.
 */
export function settle(sent, onLogin) {
  if (!sent) return { note: null, forget: null };
  if (onLogin) return { note: { ...sent, viaLogin: true }, forget: null };
  return { note: null, forget: sent.viaLogin ? null : sent.key };
}
