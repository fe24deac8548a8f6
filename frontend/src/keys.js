// Keyboard shortcuts of every page; parts/shortcuts.html lists them.
import { openDialog } from "./dialogs.js";
import { saverOf, shortcuts } from "./logic/keys.js";
import { onKey } from "./typing.js";

const types = (element) => element.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");

export function bindKeys() {
  const shortcutOf = shortcuts();
  onKey(document, (event) => {
    const busy = Boolean(types(event.target) ?? document.querySelector("dialog[open]"));
    const { name, to } = shortcutOf(event, busy);
    if (name === "palette") {
      event.preventDefault();
      openDialog("palette");
    } else if (name === "save") save(event);
    else if (name === "help") openDialog("shortcuts");
    else if (name === "search") focusSearch(event);
    else if (name === "go") document.querySelector(`[data-nav="${to}"]`)?.click();
  });
}

function save(event) {
  const form = document.querySelector("form[data-save]");
  if (!form) return;
  event.preventDefault();
  form.requestSubmit(saverOf(form));
}

function focusSearch(event) {
  const search = document.querySelector("main input[type=search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select();
}
