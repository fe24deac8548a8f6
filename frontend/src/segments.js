// The builder of segments. A changed choice fetches the controls that belong to it, and these replace those of the
// condition. Nothing that a person types in the meantime is lost: what is in a field goes into the new one, and after
// Tab a waiting box takes the text until the new controls are there.
import { optionFor, placeAfter, valueOf } from "./logic/builder.js";
import { onKey } from "./typing.js";

const CONTROLS = "input:not([type=hidden]), select, textarea";
const CHOICES = ".segment-controls select[hx-post]";

// The field in which an input method composes a word now.
let composed = null;

export function bindBuilder() {
  const builder = document.getElementById("builder");
  if (!builder) return;
  const waiting = new Map();
  builder.addEventListener("change", (event) => {
    if (event.target.matches(CHOICES)) begin(event.target, waiting);
  });
  onKey(builder, (event) => event.key === "Tab" && !event.shiftKey && tab(event, waiting));
  builder.addEventListener("compositionstart", (event) => (composed = event.target));
  builder.addEventListener("compositionend", () => (composed = null));
  builder.addEventListener("htmx:beforeRequest", (event) => (event.target.before = textsOf(builder)));
  builder.addEventListener("htmx:beforeSwap", (event) => swap(event, builder, waiting));
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("form[data-languages]")) return;
    event.preventDefault();
    speak(event.target, event.submitter, builder);
  });
  for (const name of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) {
    builder.addEventListener(name, (event) => giveUp(event.target, waiting));
  }
}

// In another language the form shows itself again with all that was built.
async function speak(languages, choice, builder) {
  try {
    await fetch(languages.action, {
      method: "POST",
      body: new URLSearchParams(new FormData(languages, choice)),
      redirect: "manual",
    });
  } catch {
    languages.submit();
    return;
  }
  const again = document.createElement("input");
  Object.assign(again, { type: "hidden", name: "do", value: "show" });
  builder.append(again);
  delete builder.dataset.dirty;
  builder.submit();
}

const conditionOf = (element) => element.closest(".segment-condition");
const controlsOf = (condition) => [...condition.querySelectorAll(`.segment-controls :is(${CONTROLS})`)];

// Waiting -----------------------------------------------------------------------------------------

// From the change of a choice until its answer, its condition waits. `parts`: texts that were ended by Tab.
function begin(choice, waiting) {
  const { id } = conditionOf(choice);
  const { box = null, parts = [] } = waiting.get(id) ?? {};
  waiting.set(id, { choice: choice.id, box, parts });
}

function tab(event, waiting) {
  const state = waiting.get(conditionOf(event.target)?.id);
  if (!state) return;
  if (event.target === state.box) {
    event.preventDefault();
    state.parts.push(state.box.value);
    state.box.value = "";
  } else if (event.target.id === state.choice) {
    event.preventDefault();
    showBox(event.target, state);
  }
}

function showBox(choice, state) {
  state.box?.remove();
  state.box = document.createElement("input");
  state.box.className = "form-control";
  state.box.autocomplete = "off";
  state.box.setAttribute("aria-label", choice.closest("[data-waiting]").dataset.waiting);
  for (let next = choice.nextElementSibling; next; next = next.nextElementSibling) next.hidden = true;
  choice.after(state.box);
  state.box.focus();
}

function giveUp(element, waiting) {
  const condition = conditionOf(element);
  const state = waiting.get(condition?.id);
  if (!state) return;
  waiting.delete(condition.id);
  if (!state.box) return;
  const [first] = [...state.parts, state.box.value];
  state.box.remove();
  const choice = document.getElementById(state.choice);
  for (let next = choice.nextElementSibling; next; next = next.nextElementSibling) next.hidden = false;
  const control = controlsOf(condition)[controlsOf(condition).indexOf(choice) + 1];
  if (control && first) control.value = first;
  control?.focus();
}

// The answer --------------------------------------------------------------------------------------

function textsOf(builder) {
  const found = {};
  for (const control of builder.querySelectorAll(".segment-controls :is(input, select, textarea), .segment-word")) {
    found[control.id || control.name] = control.value;
  }
  return found;
}

function swap(event, builder, waiting) {
  const part = event.target;
  if (!event.detail.shouldSwap || !part.closest("#tree")) return;
  const asker = event.detail.requestConfig.elt;
  if (composed && part.contains(composed)) {
    event.detail.shouldSwap = false;
    composed.addEventListener("compositionend", () => (asker.matches(CHOICES) ? tell(asker) : asker.click()));
    return;
  }
  const now = textsOf(builder);
  const removed = /^remove:(.+)$/.exec(asker.value ?? "")?.[1];
  const { activeElement } = document;
  const focused = activeElement !== asker && part.contains(activeElement) ? activeElement.id : "";
  const typed = { before: asker.before ?? now, now, removed, focused };
  const state = waiting.get(part.id);
  waiting.delete(part.id);
  const settled = ({ target }) => {
    if (target.id !== part.id && target.parentElement?.id !== part.id) return;
    builder.removeEventListener("htmx:afterSettle", settled);
    keep(document.getElementById(part.id), typed);
    if (state?.box) goOn(document.getElementById(part.id), state, waiting);
  };
  builder.addEventListener("htmx:afterSettle", settled);
}

// What was typed since the request goes into the new controls, and the focus to where it was.
function keep(part, { before, now, removed, focused }) {
  for (const [id, value] of Object.entries(now)) {
    const control = controlAfter(part, id, removed);
    if (!control) continue;
    if (before[id] !== undefined && before[id] !== value) {
      const same = control.tagName === "SELECT" || boxesOf(id, now) === boxesOf(control.id, textsOf(part));
      const text = valueOf(control.value, { before: before[id], now: value, same });
      if (text !== control.value) put(control, text);
    }
    if (focused === id && document.activeElement !== control) focusAt(control, value);
  }
}

// "value_r_0_2" is the box of that place, or the second one of "r_0"; then nothing else is in "r_0". So is "value_r_0_3".
function controlAfter(part, id, removed) {
  const [, word, place] = /^([a-z]+)_(r[_\d]*)$/.exec(id) ?? [];
  if (!word || word === "boxes") return null;
  const moved = removed ? placeAfter(place, removed) : place;
  const control = moved && document.getElementById(`${word}_${moved}`);
  return control && part.contains(control) ? control : null;
}

function boxesOf(id, texts) {
  const place = id.replace(/^[a-z]+_/, "");
  return texts[`boxes_${place}`] ?? texts[`boxes_${place.replace(/_[23]$/, "")}`];
}

function put(control, value) {
  if (control.tagName === "SELECT" && ![...control.options].some((option) => option.value === value)) return;
  control.value = value;
  tell(control);
}

function tell(control) {
  control.dispatchEvent(new Event("input", { bubbles: true }));
  control.dispatchEvent(new Event("change", { bubbles: true }));
}

// The texts of the waiting box go into the controls after the choice, in their order.
function goOn(condition, state, waiting) {
  const texts = [...state.parts, state.box.value];
  const controls = controlsOf(condition);
  let number = controls.findIndex((control) => control.id === state.choice) + 1;
  while (texts.length > 0 && number < controls.length) {
    const control = controls[number];
    const text = texts.shift();
    if (control.matches(CHOICES)) {
      const value = optionFor(text, [...control.options]);
      if (value !== null && value !== control.value) {
        put(control, value);
        control.focus();
        if (texts.length > 0) wait(control, texts, waiting);
        return;
      }
    } else if (text) put(control, text);
    if (texts.length === 0) focusAt(control, text);
    number += 1;
  }
  if (texts.length > 0) condition.querySelector("button").focus();
}

// The change of this choice fetches other controls again.
function wait(choice, texts, waiting) {
  const state = waiting.get(conditionOf(choice).id);
  showBox(choice, state);
  state.box.value = texts.pop();
  state.parts = texts;
}

function focusAt(control, text) {
  control.focus();
  if (text && control.setSelectionRange) control.setSelectionRange(control.value.length, control.value.length);
  else control.select?.();
}
