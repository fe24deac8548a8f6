// Relays and pools: draws the numbers of a custom warm-up as bars, and updates the shares of a pool.
import { isShown } from "./logic/conditions.js";
import { barsOf, daysOf, sharesOf } from "./logic/relays.js";
import { language } from "./words.js";

const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });

export function registerRelays(Alpine) {
  // Shows the fields of the chosen plan (as `depends` does) and draws the typed numbers.
  Alpine.data("warmup", () => ({
    init() {
      this.update();
      this.draw();
    },
    update() {
      const chosen = this.$root.querySelector("[name=warmup_plan]:checked")?.value ?? "";
      for (const part of this.$root.querySelectorAll("[data-when]")) {
        part.hidden = !chosen || !isShown(part.dataset.when, () => chosen);
      }
    },
    draw() {
      const svg = this.$root.querySelector("[data-curve]");
      const days = daysOf(this.$root.querySelector("[name=warmup_days]").value);
      svg.toggleAttribute("hidden", days === null);
      if (days) drawBars(svg, barsOf(days));
    },
  }));

  // Each relay's share of its tier, from the typed weights.
  Alpine.data("shares", () => ({
    init() {
      this.update();
    },
    update() {
      const lines = [...this.$root.querySelectorAll("[data-line]")].map(readLine);
      const shares = sharesOf(lines);
      lines.forEach(({ row, inside }, at) => {
        row.classList.toggle("left-aside", !inside);
        row.querySelector("[data-share]").textContent = shares[at] === null ? "–" : percent.format(shares[at]);
      });
    },
  }));
}

function readLine(row) {
  return {
    row,
    inside: row.querySelector("[type=checkbox]").checked,
    tier: row.querySelector("select").value,
    weight: Number(row.querySelector("[data-weight]").value) || 0,
  };
}

function drawBars(svg, { width, height, bars }) {
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  svg.replaceChildren(
    ...bars.map((place) => {
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      for (const [name, value] of Object.entries(place)) bar.setAttribute(name, value);
      return bar;
    }),
  );
}
