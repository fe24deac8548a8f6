// Forms that save by themselves (htmx, after a pause): what was typed last goes out when the page is hidden or
// closed. Each save has a number of this page, so that two on their way are no conflict (pages/editors.py).

const SELF_SAVING = "form[data-autosave], form[data-compose]";
// What a browser lets a page that is closed send, less the headers; a larger form asks before it is left.
const MOST_BYTES = 60_000;

const page = Array.from({ length: 3 }, () => Math.random().toString(36).slice(2, 10).padEnd(8, "0")).join("");
const sent = new WeakMap();
let number = 0;

const nextNumber = () => `${page}.${++number}`;

export function bindSaving() {
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.target.matches(SELF_SAVING)) event.detail.headers["X-Editor"] = nextNumber();
  });
  addEventListener("pagehide", flushAll);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && flushAll());
}

function flushAll() {
  for (const form of document.querySelectorAll(SELF_SAVING)) if (form.dataset.dirty) flush(form);
}

/** Sends what the form holds; false where that is not possible, or a person has to choose first. */
export function flush(form) {
  if (!form.matches(SELF_SAVING) || form.querySelector("[data-choice]")) return false;
  if (document.querySelector("#conflict [data-save-over]")) return false;
  const data = new FormData(form);
  const words = JSON.stringify([...data].filter(([, value]) => typeof value === "string"));
  if (sent.get(form) === words) return true;
  if (new TextEncoder().encode(words).length > MOST_BYTES) return false;
  sent.set(form, words);
  const headers = { "HX-Request": "true", "X-Editor": nextNumber() };
  fetch(form.action, { method: "POST", body: data, headers, keepalive: true }).catch(() => sent.delete(form));
  return true;
}
