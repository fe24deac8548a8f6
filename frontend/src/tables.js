// Tables: filters apply while the person types, arrow keys move between rows, and rows are selected for bulk actions.
import { isTyped, queryOf, saysChange, shownOf, stepOf, ticks } from "./logic/tables.js";
import { onKey } from "./typing.js";
import { number, say } from "./words.js";

const PAUSE_MS = 250;

export function bindTables(htmx) {
  bindFilters(htmx);
  onKey(document, moveRow);
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-bulk]");
    if (form) select(form, event.target);
  });
  document.addEventListener("click", selectOnly);
  document.addEventListener("htmx:afterSettle", updateAll);
  addEventListener("pageshow", updateAll);
  updateAll();
}

// <form class="filters" data-filters="id of the element with the results">
function bindFilters(htmx) {
  let timer = 0;
  const apply = (form) => {
    clearTimeout(timer);
    const query = queryOf(new FormData(form));
    const target = `#${form.dataset.filters}`;
    const url = location.pathname + (query ? `?${query}` : "");
    htmx.ajax("GET", url, { target, select: target, swap: "outerHTML", push: url, source: form });
  };
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-filters]");
    if (!form || !isTyped(event.target)) return;
    clearTimeout(timer);
    timer = setTimeout(() => apply(form), PAUSE_MS);
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-filters]");
    if (form && saysChange(event.target)) apply(form);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-filters]")) return;
    event.preventDefault();
    apply(event.target);
  });
}

function moveRow(event) {
  const step = stepOf(event);
  if (!step) return;
  const row = event.target.closest?.("tbody tr");
  const next = row ? nextRow(event.target, row, step) : firstRow(event.target, step);
  const target = next?.querySelector("td.main a[href]") ?? next?.querySelector("a[href], button, input");
  if (!target) return;
  event.preventDefault();
  target.focus();
}

// The next focusable row. Fields and menus inside a row use the arrow keys themselves.
function nextRow(focused, row, step) {
  if (focused.matches("select, textarea, input:not([type=checkbox])") || focused.closest(".dropdown-menu")) return null;
  let next = row;
  do next = step > 0 ? next.nextElementSibling : next.previousElementSibling;
  while (next && !next.querySelector("a[href], button, input"));
  return next;
}

// Arrow down in the search field goes to the first row.
function firstRow(focused, step) {
  const search = step > 0 && focused.matches("main input[type=search]");
  return search ? document.querySelector("main table tbody tr") : null;
}

const boxesOf = (form) => [...form.querySelectorAll("[name=pk]")];
const allOf = (form) => form.querySelector("[data-select-all]");

function kindOf(changed) {
  if (changed.matches("[data-select-page]")) return "page";
  return changed.matches("[name=pk]") ? "row" : "other";
}

function select(form, changed) {
  const rows = boxesOf(form);
  const all = allOf(form);
  const now = { boxes: rows.map((box) => box.checked), all: Boolean(all?.checked) };
  const after = ticks(now, kindOf(changed), changed.checked);
  rows.forEach((box, at) => {
    box.checked = after.boxes[at];
  });
  if (all) all.checked = after.all;
  update(form);
}

// <button data-select-only> in a row: the action applies to this row only.
function selectOnly(event) {
  const button = event.target.closest("form[data-bulk] [data-select-only]");
  if (!button) return;
  const form = button.closest("form");
  const all = allOf(form);
  if (all) all.checked = false;
  for (const box of boxesOf(form)) box.checked = box.closest("tr") === button.closest("tr");
  update(form);
}

function updateAll() {
  for (const form of document.querySelectorAll("form[data-bulk]")) update(form);
}

function update(form) {
  const shown = shownOf(boxesOf(form).map((box) => box.checked));
  const page = form.querySelector("[data-select-page]");
  if (page) {
    page.checked = shown.checked;
    page.indeterminate = shown.indeterminate;
  }
  for (const bar of form.querySelectorAll("[data-bulk-bar], [data-bulk-actions]")) bar.hidden = !shown.chosen;
  for (const row of form.querySelectorAll("[data-bulk-all]")) row.hidden = !shown.offersAll;
  for (const count of form.querySelectorAll("[data-bulk-count]")) {
    count.textContent = allOf(form)?.checked
      ? say("all_selected", { n: count.dataset.all })
      : say("selected", { n: number.format(shown.chosen) });
  }
}
