// Relays and pools: a warm-up's own numbers as bars, and the shares of a pool while they are typed.
import { language } from "./words.js";

const percent = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
const BAR = 6;
const HEIGHT = 48;

export function registerRelays(Alpine) {
  // Shows what belongs to the chosen plan (as `depends` does) and draws the numbers that are typed.
  Alpine.data("warmup", () => ({
    init() {
      this.update();
      this.draw();
    },
    update() {
      const chosen = this.$root.querySelector("[name=warmup_plan]:checked")?.value ?? "";
      for (const part of this.$root.querySelectorAll("[data-when]")) {
        part.hidden = !part.dataset.when.split(" ").slice(1).includes(chosen) || !chosen;
      }
    },
    draw() {
      const svg = this.$root.querySelector("[data-curve]");
      const typed = this.$root.querySelector("[name=warmup_days]").value;
      const days = typed
        .split(/[\s,;，；、]+/)
        .filter(Boolean)
        .map(Number);
      const wrong = !days.length || days.length > 365 || days.some((count) => !(count > 0));
      svg.toggleAttribute("hidden", wrong);
      if (!wrong) drawBars(svg, days);
    },
  }));

  // Each relay's part of its tier, from the weights that are typed.
  Alpine.data("shares", () => ({
    init() {
      this.update();
    },
    update() {
      const lines = [...this.$root.querySelectorAll("[data-line]")].map(readLine);
      const whole = {};
      for (const { inside, tier, weight } of lines) if (inside) whole[tier] = (whole[tier] ?? 0) + weight;
      for (const { row, inside, tier, weight } of lines) {
        row.classList.toggle("left-aside", !inside);
        const shown = inside && whole[tier] > 0;
        row.querySelector("[data-share]").textContent = shown ? percent.format(weight / whole[tier]) : "–";
      }
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

function drawBars(svg, days) {
  const most = Math.max(...days);
  svg.setAttribute("viewBox", `0 0 ${days.length * BAR} ${HEIGHT}`);
  svg.setAttribute("width", days.length * BAR);
  svg.setAttribute("height", HEIGHT);
  svg.replaceChildren(
    ...days.map((count, at) => {
      const height = Math.max(2, Math.round(HEIGHT * (count / most) ** 0.4));
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      for (const [name, value] of Object.entries({ x: at * BAR, y: HEIGHT - height, width: BAR - 2, height })) {
        bar.setAttribute(name, value);
      }
      return bar;
    }),
  );
}
