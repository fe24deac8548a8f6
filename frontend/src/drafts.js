// Nothing typed is lost. <form data-draft="name"> is kept in this browser over a reload, a crash and a
// log-out; <form data-guard> asks before the page is left with unsaved input. Passwords and files are
// never kept.
import { flush } from "./saving.js";
import { say } from "./words.js";

const PAUSE_MS = 300;
const SENT = "draft-sent";
const keyOf = (form) => `draft:${location.pathname}:${form.dataset.draft}`;

function kept(field) {
  return (
    field.name &&
    field.name !== "csrfmiddlewaretoken" &&
    !["password", "file", "hidden", "submit", "button", "reset"].includes(field.type)
  );
}

export function keepDrafts() {
  settle();
  for (const form of document.querySelectorAll("form[data-draft]")) bind(form);
  document.addEventListener("input", (event) => {
    const form = event.target.form?.closest?.("form[data-guard]");
    if (form) form.dataset.dirty = "1";
  });
  document.addEventListener("submit", (event) => delete event.target.dataset.dirty);
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target.closest?.("form[data-guard]");
    if (form && event.detail.successful) delete form.dataset.dirty;
  });
  addEventListener("beforeunload", (event) => {
    const unsaved = [...document.querySelectorAll("form[data-guard][data-dirty]")];
    // What is wrong is kept on the page alone: the person is asked.
    const stays = unsaved.filter((form) => !flush(form) || form.querySelector(".errorlist li"));
    if (stays.length) event.preventDefault();
  });
}

// A form was sent before this page came: here it arrived, or the log-in page came between.
function settle() {
  const sent = JSON.parse(sessionStorage.getItem(SENT) ?? "null");
  if (!sent) return;
  if (document.querySelector("input[type=password]")) {
    sessionStorage.setItem(SENT, JSON.stringify({ ...sent, viaLogin: true }));
    return;
  }
  sessionStorage.removeItem(SENT);
  if (!sent.viaLogin) localStorage.removeItem(sent.key);
}

function bind(form) {
  const key = keyOf(form);
  const draft = JSON.parse(localStorage.getItem(key) ?? "null");
  const before = read(form);
  // A form that came back with errors holds what was typed already.
  if (form.querySelector(".is-invalid, .errorlist")) localStorage.removeItem(key);
  else if (draft && differs(draft, before)) {
    fill(form, draft);
    offerDiscard(form, key, before);
    if (form.dataset.guard !== undefined) form.dataset.dirty = "1";
  }
  let timer = 0;
  const keep = () => {
    timer = 0;
    localStorage.setItem(key, JSON.stringify(read(form)));
    form.dataset.kept = "1";
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    delete form.dataset.kept;
    timer = setTimeout(keep, PAUSE_MS);
  });
  // The last words before the page is closed.
  addEventListener("pagehide", () => timer && keep());
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    timer = 0;
    localStorage.setItem(key, JSON.stringify(read(form)));
    sessionStorage.setItem(SENT, JSON.stringify({ key }));
  });
  form.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful || event.detail.elt !== form) return;
    clearTimeout(timer);
    timer = 0;
    localStorage.removeItem(key);
    sessionStorage.removeItem(SENT);
  });
}

// A newer version with the same words is what was typed, saved when the page was closed.
function differs(draft, before) {
  const words = (values) => JSON.stringify({ ...values, version: "" });
  return words(draft) !== words(before);
}

function offerDiscard(form, key, before) {
  const note = document.createElement("div");
  note.className = "draft-note";
  note.setAttribute("role", "status");
  const text = document.createElement("span");
  text.textContent = say("restored");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-sm";
  button.textContent = say("discard");
  button.addEventListener("click", () => {
    localStorage.removeItem(key);
    fill(form, before);
    delete form.dataset.dirty;
    note.remove();
  });
  note.append(text, button);
  form.prepend(note);
}

function read(form) {
  const values = {};
  for (const field of form.elements) {
    if (!kept(field)) continue;
    if (["checkbox", "radio"].includes(field.type)) {
      values[field.name] ??= [];
      if (field.checked) values[field.name].push(field.value);
    } else if (field.multiple) {
      values[field.name] = [...field.selectedOptions].map((option) => option.value);
    } else values[field.name] = field.value;
  }
  return values;
}

function fill(form, values) {
  for (const field of form.elements) {
    const value = values[field.name];
    if (!kept(field) || value === undefined) continue;
    if (["checkbox", "radio"].includes(field.type)) field.checked = value.includes(field.value);
    else if (field.multiple) {
      for (const option of field.options) option.selected = value.includes(option.value);
    } else field.value = value;
    field.dispatchEvent(new Event("draft", { bubbles: true }));
  }
  form.dispatchEvent(new Event("change", { bubbles: true }));
}
