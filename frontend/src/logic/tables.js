// Filters, rows and the selection of a table.

/** The filters as an address's query, without those that are empty; "" without any. */
export function queryOf(entries) {
  return new URLSearchParams([...entries].filter(([, value]) => value !== "")).toString();
}

/** Whether a control's text is typed, so that the filter waits for a pause. */
export function isTyped(control) {
  return control.tagName !== "SELECT" && control.type !== "checkbox";
}

/** Whether a control says by "change" that it is done: all but fields that say "input" at each letter. */
export const saysChange = (control) => control.type !== "search" && control.type !== "text";

/** How many rows an arrow key leads on: 1, -1, or 0 for other keys. */
export function stepOf({ key, ctrlKey, metaKey, altKey }) {
  if (ctrlKey || metaKey || altKey) return 0;
  return { ArrowDown: 1, ArrowUp: -1 }[key] ?? 0;
}

/**
 * The selection after a control was changed: "page" (the box of all rows of this page), "row" or "other". `boxes` are
 * the rows' ticks; `all` is the tick of all of the result, on further pages, too.
 */
export function ticks({ boxes, all }, changed, ticked) {
  if (changed === "page") return { boxes: boxes.map(() => ticked), all: false };
  if (changed === "row") return { boxes, all: false };
  return { boxes: boxes.map((box) => box || all), all };
}

/** What is shown of the rows' ticks: the state of the page's box, and which bars. */
export function shownOf(boxes) {
  const chosen = boxes.filter(Boolean).length;
  return {
    chosen,
    checked: chosen > 0 && chosen === boxes.length,
    indeterminate: chosen > 0 && chosen < boxes.length,
    // All of the result can be chosen once all of the page are.
    offersAll: chosen === boxes.length,
  };
}
