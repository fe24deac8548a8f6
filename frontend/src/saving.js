// Forms that save automatically (htmx, after a pause). The last input is sent when the page is hidden or closed.
// Each save has the page's id and a number, so that two saves of one page are no conflict (pages/editors.py).
import { fateOfWords, numbering, wordsOf } from "./logic/saving.js";

const SELF_SAVING = "form[data-autosave], form[data-compose]";

const sent = new WeakMap();
const nextNumber = numbering();

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

/** Sends the form's input. Returns false if that is impossible, or if a person has to choose first. */
export function flush(form) {
  if (!form.matches(SELF_SAVING)) return false;
  const undecided = Boolean(
    form.querySelector("[data-choice]") ?? document.querySelector("#conflict [data-save-over]"),
  );
  const data = new FormData(form);
  const words = wordsOf(data);
  const fate = fateOfWords(words, { sent: sent.get(form), undecided });
  if (fate === "send") {
    sent.set(form, words);
    const headers = { "HX-Request": "true", "X-Editor": nextNumber() };
    fetch(form.action, { method: "POST", body: data, headers, keepalive: true }).catch(() => sent.delete(form));
  }
  return fate !== "ask";
}
