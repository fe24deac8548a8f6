// The frame around every page: theme, sidebar, search, dialogues, toasts, shortcuts.

const typing = (element) => element.closest?.("input, textarea, select, [contenteditable], .cm-editor");

export function bindShell(htmx) {
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  document.addEventListener("submit", guardTwice);
  document.addEventListener("htmx:afterSwap", markToasts);
  document.addEventListener("htmx:responseError", (event) => sayFailure(event));
  document.addEventListener("htmx:sendError", (event) => sayFailure(event));
  markToasts();
  markTheme();
  showZone();
}

function onClick(event) {
  const opener = event.target.closest("[data-dialog]");
  if (opener) return open(opener.dataset.dialog, event);
  if (event.target.closest("[data-close]")) return event.target.closest("dialog")?.close();
  if (event.target.tagName === "DIALOG") return event.target.close(); // on the backdrop
  const theme = event.target.closest("[data-theme]");
  if (theme) {
    window.applyTheme(theme.dataset.theme);
    markTheme();
  }
  if (event.target.closest("[data-sidebar]")) {
    const small = document.documentElement.classList.toggle("sidebar-small");
    localStorage.setItem("sidebar", small ? "small" : "");
  }
  const dismiss = event.target.closest("[data-dismiss]");
  if (dismiss) dismiss.closest(".toast, .alert")?.remove();
}

function open(id, event) {
  const dialog = document.getElementById(id);
  if (!dialog) return;
  event?.preventDefault();
  dialog.showModal();
  dialog.querySelector("[autofocus], input")?.focus();
}

const SHORTCUTS = { h: "home", c: "campaigns", p: "contacts", d: "designs" };
let pending = false;

function onKey(event) {
  if ((event.ctrlKey || event.metaKey) && event.key === "k") return open("palette", event);
  if (event.target.closest?.("#palette")) return movePalette(event);
  if (typing(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "?") return open("shortcuts", event);
  if (event.key === "/") {
    const search = document.querySelector("main input[type=search]");
    if (search) {
      event.preventDefault();
      search.focus();
    }
  }
  if (event.key === "g") {
    pending = true;
    setTimeout(() => (pending = false), 1000);
  } else if (pending && SHORTCUTS[event.key]) {
    document.querySelector(`[data-nav="${SHORTCUTS[event.key]}"]`)?.click();
  }
}

function movePalette(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const items = [...document.querySelectorAll("#palette input, #palette a")];
  const next = items[items.indexOf(document.activeElement) + step];
  if (next) {
    event.preventDefault();
    next.focus();
  }
}

// A second press of a button must not do it twice.
function guardTwice(event) {
  const form = event.target;
  if (form.method === "get" || form.hasAttribute("hx-post") || form.dataset.again !== undefined) return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 5000);
}

function markToasts() {
  for (const toast of document.querySelectorAll(".toast:not([data-seen])")) {
    toast.dataset.seen = "1";
    // Errors stay until they are closed.
    if (toast.dataset.stay === undefined) setTimeout(() => toast.remove(), 10000);
  }
}

function markTheme() {
  for (const button of document.querySelectorAll("[data-theme]")) {
    const on = button.dataset.theme === document.documentElement.dataset.themeChoice;
    button.classList.toggle("active", on);
    button.setAttribute("aria-pressed", on);
  }
}

function sayFailure(event) {
  const box = document.getElementById("connection");
  if (!box) return;
  box.hidden = false;
  // Live parts ask again by themselves; the notice goes with the first answer.
  document.addEventListener("htmx:afterOnLoad", () => (box.hidden = true), { once: true });
}

// A form that asks for a time zone begins with the browser's.
function showZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const select of document.querySelectorAll("select[data-guess-zone]")) {
    if ([...select.options].some((option) => option.value === zone)) select.value = zone;
  }
}
