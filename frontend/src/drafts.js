// Nothing typed is lost: forms with data-draft="name" are kept in this browser until they are sent,
// and leaving a page with unsaved input asks. Passwords and files are never kept.

const KEEP = "draft:";
const skipped = (field) =>
  !field.name || ["password", "file", "hidden", "submit"].includes(field.type) || field.name === "csrfmiddlewaretoken";

export function keepDrafts() {
  for (const form of document.querySelectorAll("form[data-draft]")) bind(form);
  addEventListener("beforeunload", (event) => {
    if (document.querySelector("form[data-guard][data-dirty]")) event.preventDefault();
  });
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-guard]");
    if (form) form.dataset.dirty = "1";
  });
  document.addEventListener("submit", (event) => delete event.target.dataset.dirty);
}

function bind(form) {
  const key = KEEP + location.pathname + ":" + form.dataset.draft;
  const kept = JSON.parse(sessionStorage.getItem(key) ?? "null");
  // A form that came back with errors holds what was typed already.
  if (kept && form.dataset.bound === undefined) fill(form, kept);
  form.addEventListener("input", () => sessionStorage.setItem(key, JSON.stringify(read(form))));
  form.addEventListener("submit", () => sessionStorage.removeItem(key));
}

function read(form) {
  const values = {};
  for (const field of form.elements) {
    if (skipped(field)) continue;
    if (["checkbox", "radio"].includes(field.type)) {
      if (field.checked) (values[field.name] ??= []).push(field.value);
    } else values[field.name] = field.value;
  }
  return values;
}

function fill(form, values) {
  for (const field of form.elements) {
    if (skipped(field) || !(field.name in values)) continue;
    if (["checkbox", "radio"].includes(field.type)) {
      field.checked = values[field.name].includes(field.value);
    } else if (typeof values[field.name] === "string") field.value = values[field.name];
  }
}
