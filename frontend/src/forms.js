// Forms that came back with errors: the first invalid field gets the focus. An error disappears when its field
// gets a possibly valid value, and comes back with the refused value.
// <div data-problems> holds the summary: <li data-problem="name of the field">.
import { isWrong } from "./logic/forms.js";

const CONTROLS = "input:not([type=hidden]), select, textarea";

export function bindForms() {
  focusFirst(document);
  document.addEventListener("input", mended);
  document.addEventListener("change", mended);
  document.addEventListener("draft", mended);
  document.addEventListener("click", follow);
  // The browser's own validation stops the form. Its message is shown beside the field, in our words if we have any.
  document.addEventListener("invalid", sayMissing, true);
  document.addEventListener("change", (event) => event.target.dataset?.missing && event.target.setCustomValidity(""));
  // A form that htmx inserts: a test send, or a form in a dialog.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.querySelector?.("[data-problems]")) focusFirst(event.target);
  });
  document.addEventListener("shown.bs.dropdown", (event) => {
    event.target.parentElement?.querySelector(".dropdown-menu.show input[type=search]")?.focus();
  });
}

function focusFirst(part) {
  const summary = part.querySelector("[data-problems]");
  if (!summary) return;
  const form = summary.closest("form") ?? part;
  const wrong = [...form.querySelectorAll("[aria-invalid=true]")].find((control) => !control.closest(".btn"));
  if (wrong) show(wrong);
  else summary.focus();
}

function sayMissing(event) {
  const control = event.target;
  if (control.dataset.missing && control.validity.valueMissing) control.setCustomValidity(control.dataset.missing);
}

// Opens the folded sections around a control, so that it can get the focus.
function show(control) {
  for (let fold = control.closest("details"); fold; fold = fold.parentElement?.closest("details")) fold.open = true;
  const panel = control.closest("[data-panel]");
  if (panel?.hidden) document.querySelector(`[data-tab="${panel.dataset.panel}"]`)?.click();
  control.focus();
}

function follow(event) {
  const link = event.target.closest("[data-problems] a[href^='#']");
  const control = link && document.getElementById(link.hash.slice(1));
  if (!control) return;
  event.preventDefault();
  show(control);
}

function mended(event) {
  const { form, name } = event.target;
  if (!name || !form?.querySelector("[data-problems]")) return;
  const controls = [...form.querySelectorAll(CONTROLS)].filter((one) => one.name === name);
  const wrong = isWrong(controls);
  sayBeside(event.target, controls, wrong);
  updateSummary(form, name, wrong);
}

// Shows or hides the error beside the field. A field without an element for errors isn't marked.
function sayBeside(control, controls, wrong) {
  const field = control.closest(".field");
  const list = document.getElementById(`id_${control.name}_error`) ?? field?.querySelector(".errorlist");
  if (list) list.hidden = !wrong;
  const marked = wrong && Boolean(list);
  for (const one of controls) mark(one, marked);
  field?.classList.toggle("has-errors", marked);
}

function mark(control, wrong) {
  control.classList.toggle("is-invalid", wrong);
  if (wrong) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

function updateSummary(form, name, wrong) {
  const summary = form.querySelector("[data-problems]");
  for (const line of summary.querySelectorAll("[data-problem]")) {
    if (line.dataset.problem === name) line.hidden = !wrong;
  }
  summary.hidden = !summary.querySelector("[data-problem]:not([hidden])");
}
