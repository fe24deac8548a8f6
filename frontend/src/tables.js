// Tables: filters that work while one types, rows by arrow keys, and the selection for bulk actions.
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

// <form class="filters" data-filters="id of what the results are in">
function bindFilters(htmx) {
  let timer = 0;
  const apply = (form) => {
    clearTimeout(timer);
    const filled = [...new FormData(form)].filter(([, value]) => value !== "");
    const query = new URLSearchParams(filled).toString();
    const target = `#${form.dataset.filters}`;
    const url = location.pathname + (query ? `?${query}` : "");
    htmx.ajax("GET", url, { target, select: target, swap: "outerHTML", push: url, source: form });
  };
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-filters]");
    if (!form || event.target.type === "checkbox" || event.target.tagName === "SELECT") return;
    clearTimeout(timer);
    timer = setTimeout(() => apply(form), PAUSE_MS);
  });
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-filters]");
    if (form && event.target.type !== "search" && event.target.type !== "text") apply(form);
  });
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-filters]")) return;
    event.preventDefault();
    apply(event.target);
  });
}

function moveRow(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
  let row = event.target.closest?.("tbody tr");
  if (row) {
    if (event.target.matches("select, textarea, input:not([type=checkbox])")) return;
    if (event.target.closest(".dropdown-menu")) return;
    do row = step > 0 ? row.nextElementSibling : row.previousElementSibling;
    while (row && !row.querySelector("a[href], button, input"));
  } else if (event.target.matches("main input[type=search]") && step > 0) {
    row = document.querySelector("main table tbody tr");
  }
  const target = row?.querySelector("td.main a[href]") ?? row?.querySelector("a[href], button, input");
  if (!target) return;
  event.preventDefault();
  target.focus();
}

function select(form, changed) {
  const boxes = [...form.querySelectorAll("[name=pk]")];
  if (changed.matches("[data-select-page]")) for (const box of boxes) box.checked = changed.checked;
  const all = form.querySelector("[data-select-all]");
  if (all && changed.matches("[name=pk], [data-select-page]")) all.checked = false;
  if (all?.checked) for (const box of boxes) box.checked = true;
  update(form);
}

// <button data-select-only> in a row: what follows is about this row alone.
function selectOnly(event) {
  const button = event.target.closest("form[data-bulk] [data-select-only]");
  if (!button) return;
  const form = button.closest("form");
  const all = form.querySelector("[data-select-all]");
  if (all) all.checked = false;
  for (const box of form.querySelectorAll("[name=pk]")) box.checked = box.closest("tr") === button.closest("tr");
  update(form);
}

function updateAll() {
  for (const form of document.querySelectorAll("form[data-bulk]")) update(form);
}

function update(form) {
  const boxes = [...form.querySelectorAll("[name=pk]")];
  const chosen = boxes.filter((box) => box.checked).length;
  const page = form.querySelector("[data-select-page]");
  if (page) {
    page.checked = chosen > 0 && chosen === boxes.length;
    page.indeterminate = chosen > 0 && chosen < boxes.length;
  }
  const all = form.querySelector("[data-select-all]")?.checked;
  for (const bar of form.querySelectorAll("[data-bulk-bar], [data-bulk-actions]")) bar.hidden = chosen === 0;
  for (const row of form.querySelectorAll("[data-bulk-all]")) row.hidden = chosen < boxes.length;
  for (const count of form.querySelectorAll("[data-bulk-count]")) {
    count.textContent = all
      ? say("all_selected", { n: count.dataset.all })
      : say("selected", { n: number.format(chosen) });
  }
}
