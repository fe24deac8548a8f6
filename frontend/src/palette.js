// The search (Ctrl-K): the server finds, the arrow keys choose, Enter opens. The focus stays in the field.
import { around } from "./logic/choices.js";
import { onKey } from "./typing.js";

export function bindPalette(htmx) {
  const palette = document.getElementById("palette");
  if (!palette) return;
  const input = palette.querySelector("input");
  const hits = () => [...palette.querySelectorAll("a[role=option]")];
  let chosen = 0;

  function choose(index) {
    const all = hits();
    chosen = around(index, all.length);
    all.forEach((hit, at) => hit.setAttribute("aria-selected", at === chosen));
    const hit = all[chosen];
    if (hit) {
      input.setAttribute("aria-activedescendant", hit.id);
      hit.scrollIntoView({ block: "nearest" });
    } else input.removeAttribute("aria-activedescendant");
  }

  palette.addEventListener("opened", () => {
    input.select();
    htmx.trigger(input, "open-palette");
  });
  palette.addEventListener("htmx:afterSwap", () => choose(0));
  onKey(input, (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      choose(chosen + step);
    } else if (event.key === "Enter") {
      event.preventDefault();
      hits()[chosen]?.click();
    }
  });
}
