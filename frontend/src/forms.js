// Forms that came back with errors: the first wrong field has the focus, and an error goes as soon as its field
// was changed to what can be right. The value that was refused brings the error back.
// <div data-problems> holds the summary: <li data-problem="name of the field">.

const CONTROLS = "input:not([type=hidden]), select, textarea";

export function bindForms() {
  focusFirst(document);
  document.addEventListener("input", mended);
  document.addEventListener("change", mended);
  document.addEventListener("draft", mended);
  document.addEventListener("click", follow);
  // The browser's own message stands beside the field and nothing is sent: with our words, if there are any.
  document.addEventListener("invalid", sayMissing, true);
  document.addEventListener("change", (event) => event.target.dataset?.missing && event.target.setCustomValidity(""));
  // A form that htmx puts in: a test send, a form in a dialog.
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

// Opens what it is folded into, so that it can have the focus.
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
  const control = event.target;
  const form = control.form;
  if (!control.name || !form?.querySelector("[data-problems]")) return;
  const controls = [...form.querySelectorAll(CONTROLS)].filter((one) => one.name === control.name);
  const wrong = controls.every(unchanged) || controls.some((one) => !one.validity.valid);
  const list =
    document.getElementById(`id_${control.name}_error`) ?? control.closest(".field")?.querySelector(".errorlist");
  if (list) list.hidden = !wrong;
  for (const one of controls) mark(one, wrong && Boolean(list));
  control.closest(".field")?.classList.toggle("has-errors", wrong && Boolean(list));
  updateSummary(form, control.name, wrong);
}

function mark(control, wrong) {
  control.classList.toggle("is-invalid", wrong);
  if (wrong) control.setAttribute("aria-invalid", "true");
  else control.removeAttribute("aria-invalid");
}

// As the server sent it back.
function unchanged(control) {
  if (control.tagName === "SELECT")
    return [...control.options].every((option) => option.selected === option.defaultSelected);
  if (["checkbox", "radio"].includes(control.type)) return control.checked === control.defaultChecked;
  return control.value === control.defaultValue;
}

function updateSummary(form, name, wrong) {
  const summary = form.querySelector("[data-problems]");
  for (const line of summary.querySelectorAll("[data-problem]")) {
    if (line.dataset.problem === name) line.hidden = !wrong;
  }
  summary.hidden = !summary.querySelector("[data-problem]:not([hidden])");
}
