// <button data-dialog="id"> opens <dialog id="id">; data-close, Escape and the backdrop close it.

export function openDialog(id) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return null;
  dialog.showModal();
  focusFirst(dialog);
  dialog.dispatchEvent(new CustomEvent("opened", { bubbles: true }));
  return dialog;
}

const FIELDS = "input:not([type=hidden]), select, textarea, button";

function focusFirst(dialog) {
  (dialog.querySelector("[autofocus]") ?? dialog.querySelector(FIELDS))?.focus();
}

export function bindDialogs() {
  // The content of a dialog was loaded. The focus moves only if it is not in the dialog yet.
  document.addEventListener("htmx:afterSettle", (event) => {
    const dialog = event.target.closest?.("dialog[open]");
    if (dialog && document.activeElement === dialog) focusFirst(dialog);
  });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) {
      event.preventDefault();
      openDialog(opener.dataset.dialog);
    } else if (event.target.closest("[data-close]")) {
      event.target.closest("dialog")?.close();
    } else if (event.target.tagName === "DIALOG" && onBackdrop(event)) {
      event.target.close();
    }
  });
}

function onBackdrop(event) {
  const box = event.target.getBoundingClientRect();
  const { clientX: x, clientY: y } = event;
  return x < box.left || x > box.right || y < box.top || y > box.bottom;
}
