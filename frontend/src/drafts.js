// Keeps typed text. The input of <form data-draft="name"> stays in this browser after a reload, a crash
// or a log-out. <form data-guard> asks before the person leaves with unsaved input. Passwords and files
// are never kept.
import { fateOf, read, settle, write } from "./logic/drafts.js";
import { flush } from "./saving.js";
import { say } from "./words.js";

const PAUSE_MS = 300;
const SENT = "draft-sent";
const keyOf = (form) => `draft:${location.pathname}:${form.dataset.draft}`;

export function keepDrafts() {
  settleSent();
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
    // Invalid input can't be saved, so the person is asked before leaving.
    const stays = unsaved.filter((form) => !flush(form) || form.querySelector(".errorlist li"));
    if (stays.length) event.preventDefault();
  });
}

function settleSent() {
  const sent = JSON.parse(sessionStorage.getItem(SENT) ?? "null");
  const { note, forget } = settle(sent, document.querySelector("input[type=password]") !== null);
  if (note) sessionStorage.setItem(SENT, JSON.stringify(note));
  else sessionStorage.removeItem(SENT);
  if (forget) localStorage.removeItem(forget);
}

function bind(form) {
  const key = keyOf(form);
  restore(form, key);
  let timer = 0;
  const keep = () => {
    timer = 0;
    localStorage.setItem(key, JSON.stringify(read(form.elements)));
    form.dataset.kept = "1";
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    delete form.dataset.kept;
    timer = setTimeout(keep, PAUSE_MS);
  });
  // Stores the last input before the page is closed.
  addEventListener("pagehide", () => timer && keep());
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    timer = 0;
    localStorage.setItem(key, JSON.stringify(read(form.elements)));
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

function restore(form, key) {
  const draft = JSON.parse(localStorage.getItem(key) ?? "null");
  const before = read(form.elements);
  const fate = fateOf(draft, before, form.querySelector(".is-invalid, .errorlist") !== null);
  if (fate === "forget") localStorage.removeItem(key);
  if (fate !== "restore") return;
  fill(form, draft);
  offerDiscard(form, key, before);
  if (form.dataset.guard !== undefined) form.dataset.dirty = "1";
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

function fill(form, values) {
  for (const field of form.elements) {
    if (write(field, values)) field.dispatchEvent(new Event("draft", { bubbles: true }));
  }
  form.dispatchEvent(new Event("change", { bubbles: true }));
}
