// <ol data-order>: items are moved by buttons named "up" and "down", by Alt with an arrow key, or dragged. The order of the
// items in the page is what the form sends. An item may have an order of its own inside of it.
import { placeAfter, placeAt, stepOfKey } from "./logic/ordering.js";
import { onKey } from "./typing.js";
import { say } from "./words.js";

const STEPS = { up: -1, down: 1 };

export function bindOrdering() {
  document.addEventListener("click", onClick);
  onKey(document, (event) => {
    const item = itemOf(event.target);
    const step = item ? stepOfKey(event) : 0;
    if (!step) return;
    event.preventDefault();
    move(item, step, event.target);
  });
  bindDragging();
}

const itemOf = (element) => element.closest?.("[data-order] > *") ?? null;

function onClick(event) {
  const button = event.target.closest("[data-order] button[name]");
  const step = button ? (STEPS[button.name] ?? 0) : 0;
  if (!step) return;
  event.preventDefault();
  move(itemOf(button), step, button);
}

function move(item, step, focused) {
  const items = [...item.parentElement.children];
  const to = placeAfter(items.indexOf(item), step, items.length);
  if (items[to] !== item) items[to][step < 0 ? "before" : "after"](item);
  focused.focus();
  tell(item);
}

// A form that saves the order by itself listens to "moved".
function tell(item) {
  item.dispatchEvent(new CustomEvent("moved", { bubbles: true }));
  const said = item.closest("form")?.querySelector("[data-order-said]");
  if (!said) return;
  const items = [...item.parentElement.children];
  said.textContent = say("moved", {
    name: item.querySelector("[data-order-name], .form-check-label").textContent.trim(),
    place: items.indexOf(item) + 1,
    count: items.length,
  });
}

// An addition for the mouse: an item is dragged by its grip.
function bindDragging() {
  let dragged = null;
  document.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-order] .grip");
    if (!grip || event.button !== 0) return;
    event.preventDefault();
    dragged = itemOf(grip);
    dragged.classList.add("dragged");
  });
  document.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    const others = [...dragged.parentElement.children].filter((item) => item !== dragged);
    const middles = others.map((item) => {
      const box = item.getBoundingClientRect();
      return box.top + box.height / 2;
    });
    const at = placeAt(event.clientY, middles);
    if (at < 0) dragged.parentElement.append(dragged);
    else others[at].before(dragged);
  });
  for (const name of ["pointerup", "pointercancel"]) {
    document.addEventListener(name, () => {
      if (!dragged) return;
      dragged.classList.remove("dragged");
      tell(dragged);
      dragged = null;
    });
  }
}
