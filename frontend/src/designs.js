// The design editor: draws the mail while the person types, saves automatically, and never overwrites
// another person's version.
import { Autosave } from "./logic/saving.js";

const DRAW_MS = 500;
const RETRY_MS = 5000;
// Pause before a thumbnail is requested again, and the number of tries.
const BUSY_MS = 700;
const MOST_TRIES = 20;
// Width of a mail on a computer in pixels: the usual 600, with some margin.
const WIDE = 720;
// On narrower pages, mails are first shown as on a phone.
const PHONE = 480;
const WIDTHS = ["wide", "phone"];

export function bindDesigns(htmx) {
  for (const panel of document.querySelectorAll("[data-preview]")) bindPreview(panel);
  for (const form of document.querySelectorAll("form[data-autosave]")) bindSaving(form, htmx);
  for (const part of document.querySelectorAll("[data-text-part]")) bindText(part);
  document.addEventListener("input", mirror);
  for (const frame of document.querySelectorAll("iframe")) retryBusy(frame);
}

// A page has many thumbnails, but the server renders a few at a time, and answers "busy" (designs.places).
function retryBusy(frame) {
  let tries = 0;
  const look = () => {
    if (!frame.contentDocument?.body?.hasAttribute("data-busy") || tries >= MOST_TRIES) return;
    tries += 1;
    setTimeout(() => frame.contentWindow.location.reload(), BUSY_MS * (1 + Math.random()));
  };
  frame.addEventListener("load", look);
  if (frame.contentDocument?.readyState === "complete") look();
}

// Copies the field's text to another place of the page: the name in the heading.
function mirror(event) {
  if (!event.target.id) return;
  for (const shown of document.querySelectorAll(`[data-mirror="${event.target.id}"]`)) {
    shown.textContent = event.target.value;
  }
}

function bindPreview(panel) {
  const bar = panel.querySelector("form");
  fit(panel);
  const source = document.getElementById(panel.dataset.source ?? "");
  panel.addEventListener("click", (event) => {
    const person = event.target.closest("[data-person]");
    const width = event.target.closest("[data-width]");
    if (person) choosePerson(panel, bar, person);
    else if (width) showWidth(panel, width.dataset.width);
  });
  if (!source) {
    document.addEventListener("change", (event) => event.target.form === bar && bar.requestSubmit());
    return;
  }
  bar.addEventListener("submit", (event) => event.preventDefault());
  let timer = 0;
  const soon = (wait) => {
    clearTimeout(timer);
    timer = setTimeout(() => draw(panel, source, bar), wait);
  };
  source.addEventListener("input", () => soon(DRAW_MS));
  // The checkbox that loads images is outside the bar, in a part that htmx swaps.
  document.addEventListener("change", (event) => event.target.form === bar && soon(0));
}

function choosePerson(panel, bar, person) {
  bar.elements.contact.value = person.dataset.person;
  panel.querySelector("[data-person-name]").textContent = person.firstElementChild.textContent;
  const opener = panel.querySelector("[data-bs-toggle=dropdown]");
  opener.click();
  opener.focus();
  bar.elements.contact.dispatchEvent(new Event("change", { bubbles: true }));
}

// A computer's window is wider than the column, so the frame keeps its width and is scaled down.
function fit(panel) {
  const stage = panel.querySelector("[data-stage]");
  new ResizeObserver(() => {
    stage.style.setProperty("--scale", Math.min(stage.clientWidth / WIDE, 1));
  }).observe(stage);
  if (stage.clientWidth < PHONE) showWidth(panel, "phone");
}

function showWidth(panel, chosen) {
  for (const width of WIDTHS) {
    const button = panel.querySelector(`[data-width=${width}]`);
    button.classList.toggle("active", width === chosen);
    button.setAttribute("aria-pressed", width === chosen);
  }
  panel.classList.toggle("preview-phone", chosen === "phone");
}

// Posts the typed text into a new frame, which replaces the old one when it has loaded. So nothing
// flashes, the scroll position stays, and the browser's history gets no entry.
function draw(panel, source, bar) {
  const stage = panel.querySelector("[data-stage]");
  const old = stage.querySelector("iframe:not([data-coming])");
  stage.querySelector("[data-coming]")?.remove();
  const frame = old.cloneNode();
  frame.removeAttribute("src");
  frame.dataset.coming = "";
  frame.name = `preview-${Date.now()}`;
  stage.append(frame);
  const form = document.createElement("form");
  form.method = "post";
  form.enctype = "multipart/form-data";
  form.action = panel.dataset.preview;
  form.target = frame.name;
  for (const [name, value] of [...new FormData(source), ...new FormData(bar)]) {
    const input = document.createElement("textarea");
    input.name = name;
    input.value = value;
    form.append(input);
  }
  form.hidden = true;
  document.body.append(form);
  frame.addEventListener("load", () => {
    const top = old.contentWindow?.scrollY ?? 0;
    old.remove();
    delete frame.dataset.coming;
    frame.contentWindow.scrollTo(0, top);
  });
  form.submit();
  form.remove();
}

function bindSaving(form, htmx) {
  const state = document.getElementById("save-state");
  const saves = new Autosave();
  let retry = 0;
  const choosing = () => form.querySelector("[data-choice]");
  form.addEventListener("input", () => {
    saves.typed();
    if (!choosing()) state.textContent = state.dataset.typed;
  });
  form.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target !== form) return;
    const chooses = event.detail.requestConfig.triggeringEvent?.submitter?.name === "keep";
    if (saves.begins({ choosing: choosing(), chooses })) state.textContent = state.dataset.saving;
    else event.preventDefault();
  });
  form.addEventListener("htmx:afterRequest", (event) => {
    if (event.target !== form || !event.detail.successful) return;
    if (state.querySelector("[data-reload]")) {
      reload(form);
      return;
    }
    const saved = state.querySelector("[data-version]");
    if (saved) form.elements.version.value = saved.dataset.version;
    if (saves.leavesUnsaved(form.querySelector("[data-unsaved]") !== null)) form.dataset.dirty = "1";
    choosing()?.focus();
  });
  const again = (event) => {
    if (event.target !== form) return;
    state.textContent = state.dataset.failed;
    form.dataset.dirty = "1";
    clearTimeout(retry);
    retry = setTimeout(() => htmx.trigger(form, "submit"), RETRY_MS);
  };
  form.addEventListener("htmx:sendError", again);
  form.addEventListener("htmx:responseError", again);
}

function reload(form) {
  delete form.dataset.dirty;
  // The browser has kept the other version in the fields of this page.
  form.reset();
  location.reload();
}

// The plain text is made from the HTML, or written by hand, beginning with the generated text.
function bindText(part) {
  const made = part.querySelector("[data-made-text]");
  const area = part.querySelector("textarea");
  let written = area.value;
  const show = () => {
    for (const box of part.querySelectorAll("[data-when-made]")) box.hidden = !made.checked;
    for (const box of part.querySelectorAll("[data-when-written]")) box.hidden = made.checked;
  };
  show();
  made.addEventListener("input", (event) => event.stopPropagation());
  made.addEventListener("change", (event) => {
    event.stopPropagation();
    if (made.checked) written = area.value;
    area.value = made.checked ? "" : written || (part.querySelector("#made-text pre")?.textContent ?? "");
    area.dispatchEvent(new Event("draft"));
    area.dispatchEvent(new Event("input", { bubbles: true }));
    show();
  });
}
