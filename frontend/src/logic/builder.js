// What a person types while the builder of segments fetches other controls for a condition.

/** The text that was typed into a box since a change: all of it, unless it continues the text before. */
export function typedSince(before, now) {
  return now.startsWith(before) ? now.slice(before.length) : now;
}

/**
 * The value of a new box. `old` is the box that it replaces: its value when the answer was asked for (`before`) and
 * `now`, and whether both mean the `same`. `value` is that of the answer.
 */
export function valueOf(value, old) {
  if (!old || old.before === old.now) return value;
  return old.same ? old.now : typedSince(old.before, old.now) || value;
}

/**
 * The place of an item, such as "r_0_2", after the item `removed` was removed; null if it was that item or is in it.
 */
export function placeAfter(place, removed) {
  const [at, gone] = [place.split("_"), removed.split("_")];
  const last = gone.length - 1;
  const beside = gone.slice(0, last).every((part, number) => part === at[number]);
  if (!beside || at.length <= last) return place;
  const [mine, its] = [Number(at[last]), Number(gone[last])];
  if (mine === its) return null;
  if (mine > its) at[last] = String(mine - 1);
  return at.join("_");
}

/** The value of the option that typed text chooses, as in a select that has the focus; null if there is none. */
export function optionFor(text, options) {
  const wanted = text.trim().toLowerCase();
  const found = options.find((option) => wanted && option.text.trim().toLowerCase().startsWith(wanted));
  return found?.value ?? null;
}
