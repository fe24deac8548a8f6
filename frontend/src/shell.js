// The frame of every page: theme, sidebar, and protection against sending a form twice.
import { onKey } from "./typing.js";

const root = document.documentElement;

export function bindShell() {
  document.addEventListener("click", onClick);
  document.addEventListener("submit", guardTwice);
  // The person came back from the next page: the forms may be sent again.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  });
  onKey(document, (event) => {
    if (event.key === "Escape" && root.classList.contains("menu-open")) toggleMenu(false);
  });
  markTheme();
  guessZone();
}

function onClick(event) {
  const theme = event.target.closest("[data-theme]");
  if (theme) {
    window.chooseTheme(theme.dataset.theme);
    markTheme();
  }
  if (event.target.closest("[data-sidebar]")) {
    const small = root.classList.toggle("sidebar-small");
    localStorage.setItem("sidebar", small ? "small" : "wide");
  }
  if (event.target.closest("[data-menu]")) toggleMenu(!root.classList.contains("menu-open"));
}

// The off-canvas menu of narrow windows.
function toggleMenu(open) {
  root.classList.toggle("menu-open", open);
  const button = document.querySelector(".topbar [data-menu]");
  button?.setAttribute("aria-expanded", open);
  if (open) document.querySelector("#sidebar [aria-current], #sidebar a")?.focus();
  else button?.focus();
}

function markTheme() {
  for (const button of document.querySelectorAll("[data-theme]")) {
    const on = button.dataset.theme === root.dataset.themeChoice;
    button.classList.toggle("active", on);
    button.setAttribute("aria-pressed", on);
  }
}

// A second click on a button must not send the form twice.
function guardTwice(event) {
  const form = event.target;
  if (event.defaultPrevented || form.method === "get" || form.method === "dialog") return;
  if (form.hasAttribute("hx-post") || form.dataset.again !== undefined) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "1";
  setTimeout(() => delete form.dataset.sent, 5000);
}

// A new form with a time zone starts with the browser's zone.
function guessZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (const select of document.querySelectorAll("select[data-guess-zone]")) {
    if ([...select.options].some((option) => option.value === zone)) select.value = zone;
  }
}
