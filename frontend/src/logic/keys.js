// Maps keys to shortcuts.

const GO = { h: "home", p: "people", l: "lists", d: "designs", c: "campaigns" };
// Milliseconds after "g" in which its second key must follow.
const PATIENCE_MS = 1200;
const WITH_CTRL = { k: "palette", s: "save" };
const ALONE = { "?": "help", "/": "search" };

/**
 * A function (key event, busy) that gives {name, to}: "palette", "save", "help", "search", "go" to a page, or null.
 * While somebody types in a field or a dialog is open (busy), only those with Ctrl or Command count.
 */
export function shortcuts(now = Date.now) {
  let goSince = -Infinity;
  const alone = (key) => {
    if (key === "g") goSince = now();
    if (GO[key] && now() - goSince < PATIENCE_MS) return { name: "go", to: GO[key] };
    return { name: ALONE[key] ?? null };
  };
  return (event, busy) => {
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) return { name: WITH_CTRL[key] ?? null };
    return event.altKey || busy ? { name: null } : alone(key);
  };
}

/**
 * The button that saves a form: one with data-saves, or the first that submits it, as Enter does. A form with several
 * buttons sends which one was pressed, so that it is not enough to submit the form. Null: it has none.
 */
export function saverOf(form) {
  const buttons = [...form.elements].filter((one) => one.type === "submit" && !one.disabled);
  return buttons.find((one) => one.dataset.saves !== undefined) ?? buttons[0] ?? null;
}
