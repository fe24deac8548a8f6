/**
 * Whether data-when="name value other" shows its part: the control `name` has one of the values. `valueOf(name)` is
 * undefined if the control doesn't exist.
 */
export function isShown(when, valueOf) {
  const [name, ...values] = when.split(" ");
  return values.includes(valueOf(name) ?? "");
}
