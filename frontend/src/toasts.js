// Toasts: those of the page, those in responses to htmx, and network errors.
import { say } from "./words.js";

// How long a toast stays, and Undo with it.
const STAY_MS = 10_000;
const STAYING = ["error", "warning"];

export function bindToasts() {
  for (const note of document.querySelectorAll(".note")) expire(note);
  document.addEventListener("click", (event) => {
    event.target.closest("[data-dismiss]")?.closest(".note, .alert")?.remove();
  });
  document.body.addEventListener("toasts", (event) => {
    for (const one of event.detail.value ?? []) showToast(one);
  });
  document.addEventListener("htmx:responseError", (event) => failed(event.detail.xhr));
  document.addEventListener("htmx:sendError", () => connection(false));
  document.addEventListener("htmx:afterOnLoad", () => connection(true));
}

function expire(note) {
  if (note.dataset.stay !== undefined) return;
  let left = setTimeout(() => note.remove(), STAY_MS);
  // The toast stays while the pointer is over it.
  note.addEventListener("pointerenter", () => clearTimeout(left));
  note.addEventListener("pointerleave", () => {
    left = setTimeout(() => note.remove(), STAY_MS / 2);
  });
}

/** Shows a message: {level, text, undo: URL that undoes the action}. */
export function showToast({ level = "info", text, undo = "" }) {
  const note = document.createElement("div");
  note.className = `note note-${level}`;
  if (STAYING.includes(level)) note.dataset.stay = "";
  const said = document.createElement("span");
  said.className = "note-words";
  said.textContent = text;
  note.append(said);
  if (undo) note.append(undoForm(undo));
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn-close";
  close.dataset.dismiss = "";
  close.setAttribute("aria-label", say("close"));
  note.append(close);
  document.getElementById("toasts").append(note);
  expire(note);
}

function undoForm(url) {
  const form = document.createElement("form");
  form.method = "post";
  form.action = url;
  const token = document.createElement("input");
  token.type = "hidden";
  token.name = "csrfmiddlewaretoken";
  token.value = JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];
  const button = document.createElement("button");
  button.className = "btn btn-sm";
  button.textContent = say("undo");
  form.append(token, button);
  return form;
}

function failed(request) {
  const known = { 403: "forbidden", 404: "gone" }[request.status];
  const reference = request.getResponseHeader("X-Request-Id") ?? "";
  showToast({ level: "error", text: say(known ?? "failed", { reference }) });
}

// Live parts retry automatically. The notice disappears with the first answer.
function connection(there) {
  const notice = document.getElementById("connection");
  if (notice) notice.hidden = there;
}
