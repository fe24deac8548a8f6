// <form data-inplace>: the form of a value in the place of the value. Enter saves (in a field of several lines Ctrl-Enter),
// leaving saves what was changed, and Escape gives up. The server answers with the value, or with the form and its error.
import { onKey } from "./typing.js";

// Forms as they were opened: {form: its fields as text}.
const opened = new WeakMap();

export function bindInPlace(htmx) {
  document.addEventListener("htmx:load", ({ target }) => {
    const form = target.matches?.("[data-inplace]") ? target : target.querySelector?.("[data-inplace]");
    if (form) open(form);
  });
  onKey(document, (event) => {
    const form = event.target.closest?.("[data-inplace]");
    if (form && event.key === "Escape") giveUp(event, form);
    if (form && event.key === "Enter") save(event, form);
  });
  document.addEventListener("focusout", (event) => {
    const form = event.target.closest?.("[data-inplace]");
    // A window that loses the focus has not left the form.
    if (form && document.hasFocus() && !form.contains(event.relatedTarget)) leave(form);
  });
  // Some browsers give no focus to what is clicked.
  document.addEventListener("pointerdown", (event) => {
    const form = event.target.closest?.("[data-inplace] [data-cancel]")?.closest("form");
    if (form) form.dataset.done = "yes";
  });
  // A form that is replaced loses the focus, too.
  document.addEventListener("htmx:beforeRequest", ({ target }) => {
    if (target.matches?.("[data-inplace]")) target.dataset.done = "yes";
  });
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    document.addEventListener(name, ({ target }) => delete target.closest?.("[data-inplace]")?.dataset.done);
  }
  document.addEventListener("htmx:afterSwap", ({ target }) => {
    if (!target.dataset?.refocus) return;
    delete target.dataset.refocus;
    if (!target.querySelector("[data-inplace]")) target.querySelector("a[href]")?.focus();
  });

  // A refused value stays in its form until it is changed or given up.
  function leave(form) {
    if (form.dataset.done || !form.isConnected) return;
    if (textOf(form) !== opened.get(form)) form.requestSubmit();
    else if (!form.querySelector(".has-errors, .alert")) cancel(form);
  }

  function cancel(form) {
    form.dataset.done = "yes";
    htmx.trigger(form.querySelector("[data-cancel]"), "click");
  }

  function giveUp(event, form) {
    event.preventDefault();
    event.stopPropagation();
    form.parentElement.dataset.refocus = "yes";
    cancel(form);
  }
}

const textOf = (form) => new URLSearchParams(new FormData(form)).toString();

function open(form) {
  opened.set(form, textOf(form));
  // After an error the focus may be elsewhere already.
  if (document.activeElement && document.activeElement !== document.body) return;
  const control = form.querySelector("input:not([type=hidden]), select, textarea");
  control?.focus();
  control?.select?.();
}

// Enter in a button or a link is theirs.
function save(event, form) {
  const several = event.target.matches("textarea") && !event.ctrlKey && !event.metaKey;
  if (several || event.target.matches("button, a")) return;
  event.preventDefault();
  form.parentElement.dataset.refocus = "yes";
  form.requestSubmit();
}
