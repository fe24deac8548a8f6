// Keyboard shortcuts of every page; parts/shortcuts.html lists them.
import { openDialog } from "./dialogs.js";
import { onKey } from "./typing.js";

const GO = { h: "home", p: "people", l: "lists", d: "designs", c: "campaigns" };
// How long after "g" its second key counts, in milliseconds.
const PATIENCE = 1200;

const types = (element) => element.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");

export function bindKeys() {
  let goSince = 0;
  onKey(document, (event) => {
    const key = event.key.toLowerCase();
    if ((event.ctrlKey || event.metaKey) && key === "k") {
      event.preventDefault();
      openDialog("palette");
      return;
    }
    if ((event.ctrlKey || event.metaKey) && key === "s") {
      save(event);
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || types(event.target)) return;
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "?") openDialog("shortcuts");
    else if (key === "/") focusSearch(event);
    else if (key === "g") goSince = Date.now();
    else if (Date.now() - goSince < PATIENCE && GO[key]) {
      document.querySelector(`[data-nav="${GO[key]}"]`)?.click();
    }
  });
}

function save(event) {
  const form = document.querySelector("form[data-save]");
  if (!form) return;
  event.preventDefault();
  form.requestSubmit();
}

function focusSearch(event) {
  const search = document.querySelector("main input[type=search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
}
