// Named Alpine components: Alpine's CSP build evaluates no inline expressions.
import { around } from "./logic/choices.js";
import { isShown } from "./logic/conditions.js";
import { composing } from "./typing.js";

export function registerComponents(Alpine) {
  // Tabs: buttons carry data-tab, panels data-panel; the first is open.
  Alpine.data("tabs", () => ({
    init() {
      this.show(location.hash.slice(1) || this.names()[0]);
    },
    names() {
      return [...this.$root.querySelectorAll("[data-tab]")].map((tab) => tab.dataset.tab);
    },
    pick(event) {
      this.show(event.currentTarget.dataset.tab);
    },
    move(event) {
      if (composing(event)) return;
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const names = this.names();
      const next = names[around(names.indexOf(event.currentTarget.dataset.tab) + step, names.length)];
      this.show(next);
      this.$root.querySelector(`[data-tab="${next}"]`).focus();
    },
    show(name) {
      const shown = this.names().includes(name) ? name : this.names()[0];
      for (const tab of this.$root.querySelectorAll("[data-tab]")) {
        const on = tab.dataset.tab === shown;
        tab.classList.toggle("active", on);
        tab.setAttribute("aria-selected", on);
        tab.tabIndex = on ? 0 : -1;
      }
      for (const panel of this.$root.querySelectorAll("[data-panel]")) {
        panel.hidden = panel.dataset.panel !== shown;
      }
    },
  }));

  // A frame shown at desktop or phone width.
  Alpine.data("preview", () => ({
    phone: false,
    desktop() {
      this.phone = false;
      this.mark();
    },
    mobile() {
      this.phone = true;
      this.mark();
    },
    mark() {
      this.$root.classList.toggle("preview-phone", this.phone);
      for (const button of this.$root.querySelectorAll("[data-width]")) {
        button.setAttribute("aria-pressed", (button.dataset.width === "phone") === this.phone);
        button.classList.toggle("active", (button.dataset.width === "phone") === this.phone);
      }
    },
  }));

  // Shows fields only while a control has one of the values: data-when="value other".
  Alpine.data("depends", () => ({
    init() {
      this.update();
    },
    update() {
      const valueOf = (name) => {
        const controls = `[name="${name}"]`;
        return (this.$root.querySelector(`${controls}:checked`) ?? this.$root.querySelector(controls))?.value;
      };
      for (const part of this.$root.querySelectorAll("[data-when]")) part.hidden = !isShown(part.dataset.when, valueOf);
    },
  }));

  // Copies data-text to the clipboard.
  Alpine.data("copy", () => ({
    done: false,
    async run() {
      await navigator.clipboard.writeText(this.$root.dataset.text);
      this.done = true;
    },
  }));
}
