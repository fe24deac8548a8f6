// The composer: sections save automatically (htmx); all their forms share one version.

let lastField = null;

export function bindComposer() {
  const composer = document.getElementById("composer");
  if (!composer) return;
  for (const foot of composer.querySelectorAll("[data-plain]")) foot.classList.add("visually-hidden");
  document.body.addEventListener("saved", (event) => setVersion(event.detail.version));
  document.addEventListener("htmx:afterSettle", markErrors);
  document.addEventListener("htmx:afterRequest", keepGuard);
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("#subject input[type=text]")) lastField = event.target;
  });
  document.addEventListener("change", (event) => {
    const picker = event.target.closest?.("[data-insert-field]");
    if (picker?.value) insertField(picker);
  });
  document.addEventListener("click", onClick);
  addEventListener("hashchange", openFromHash);
  openFromHash();
}

function setVersion(version) {
  for (const input of document.querySelectorAll("form input[name=version]")) input.value = version;
}

// A control is invalid if its element for errors has content.
function markErrors() {
  for (const list of document.querySelectorAll("#composer [data-errors-of]")) {
    const wrong = list.children.length > 0;
    for (const control of list.closest("form").querySelectorAll(`[name="${list.dataset.errorsOf}"]`)) {
      control.classList.toggle("is-invalid", wrong);
      if (wrong) {
        control.setAttribute("aria-invalid", "true");
        control.setAttribute("aria-describedby", list.id);
      } else control.removeAttribute("aria-invalid");
    }
  }
}

// Input that was refused, or that conflicts with another person's save, counts as unsaved.
function keepGuard(event) {
  const form = event.target.closest?.("form[data-compose]");
  if (!form) return;
  const unsaved = form.querySelector(".errorlist li") || document.querySelector("#conflict [data-save-over]");
  if (unsaved || !event.detail.successful) form.dataset.dirty = "1";
}

function insertField(picker) {
  const target = lastField ?? document.getElementById(picker.dataset.insertField);
  target.setRangeText(picker.value, target.selectionStart, target.selectionEnd, "end");
  picker.value = "";
  target.focus();
  target.dispatchEvent(new Event("input", { bubbles: true }));
}

function onClick(event) {
  const show = event.target.closest("[data-open-section]");
  if (show) {
    event.preventDefault();
    openSection(show.dataset.openSection);
  }
  const over = event.target.closest("[data-save-over]");
  if (over) {
    setVersion(over.dataset.saveOver);
    for (const form of document.querySelectorAll("form[data-compose][data-dirty]")) window.htmx.trigger(form, "submit");
  }
  if (event.target.closest("[data-leave]")) {
    for (const form of document.querySelectorAll("form[data-compose]")) delete form.dataset.dirty;
  }
}

function openFromHash() {
  openSection(location.hash.slice(1));
}

function openSection(key) {
  const section = document.getElementById(key);
  if (!section?.matches("details.composer-section")) return;
  section.open = true;
  section.scrollIntoView({ block: "start" });
  section.querySelector("form :is(input:not([type=hidden]), select, textarea)")?.focus({ preventScroll: true });
}
