// Tables with check boxes: select this page, select all of the result, and the bar of actions.

export function bindTables() {
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-bulk]");
    if (!form) return;
    if (event.target.matches("[data-select-page]")) {
      for (const box of form.querySelectorAll("[name=pk]")) box.checked = event.target.checked;
    }
    if (!event.target.matches("[data-select-all]")) {
      const all = form.querySelector("[data-select-all]");
      if (all && event.target.matches("[name=pk], [data-select-page]")) all.checked = false;
    }
    update(form);
  });
  document.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = event.target.closest?.("tbody tr");
    if (!step || !row || event.target.matches("select, textarea, input:not([type=checkbox])")) return;
    let next = row;
    do next = step > 0 ? next.nextElementSibling : next.previousElementSibling;
    while (next && !next.querySelector("a, button, input"));
    if (next) {
      event.preventDefault();
      next.querySelector("a[href], button, input").focus();
    }
  });
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
  for (const bar of form.querySelectorAll("[data-bulk-bar]")) bar.hidden = chosen === 0 && !all;
  for (const count of form.querySelectorAll("[data-bulk-count]")) {
    count.textContent = all ? count.dataset.all : new Intl.NumberFormat(document.documentElement.lang).format(chosen);
  }
}
