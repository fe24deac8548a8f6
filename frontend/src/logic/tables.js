// Filters, rows and the selection of a table.

/** The non-empty filters as the query of a URL; "" if all are empty. */
export function queryOf(entries) {
  return new URLSearchParams([...entries].filter(([, value]) => value !== "")).toString();
}

/** Whether a control's text is typed, so that the filter waits for a pause. */
export function isTyped(control) {
  return control.tagName !== "SELECT" && control.type !== "checkbox";
}

/** Whether a control applies on "change": all but text fields, which send "input" for each letter. */
export const saysChange = (control) => control.type !== "search" && control.type !== "text";

/** The rows that an arrow key moves by: 1, -1, or 0 for other keys. */
export function stepOf({ key, ctrlKey, metaKey, altKey }) {
  if (ctrlKey || metaKey || altKey) return 0;
  return { ArrowDown: 1, ArrowUp: -1 }[key] ?? 0;
}

/**
 * The selection after a control was changed: "page" (the box of all rows of this page), "row" or "other". `boxes` are
 * the rows' checkboxes; `all` is the checkbox of the whole result, including other pages.
 */
export function ticks({ boxes, all }, changed, ticked) {
  if (changed === "page") return { boxes: boxes.map(() => ticked), all: false };
  if (changed === "row") return { boxes, all: false };
  return { boxes: boxes.map((box) => box || all), all };
}

/** The state of the page's checkbox, and the bars to show. */
export function shownOf(boxes) {
  const chosen = boxes.filter(Boolean).length;
  return {
    chosen,
    checked: chosen > 0 && chosen === boxes.length,
    indeterminate: chosen > 0 && chosen < boxes.length,
    // The whole result can be selected when the whole page is.
    offersAll: chosen === boxes.length,
  };
}
