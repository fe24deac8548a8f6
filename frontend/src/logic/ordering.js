// The order of a list whose items a person moves.

/** Where the item at `at` comes to: one place up (-1) or down (1), within a list of `length`. */
export const placeAfter = (at, step, length) => Math.min(Math.max(at + step, 0), length - 1);

/** The step of a key that moves an item: Alt with an arrow; 0 for other keys. */
export function stepOfKey({ key, altKey, ctrlKey, metaKey }) {
  if (!altKey || ctrlKey || metaKey) return 0;
  return { ArrowUp: -1, ArrowDown: 1 }[key] ?? 0;
}

/** The item before which a dragged one is dropped: the first whose middle is below the pointer. -1: at the end. */
export const placeAt = (y, middles) => middles.findIndex((middle) => y < middle);
