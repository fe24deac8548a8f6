// The tray of background tasks. It polls often while a task runs, seldom otherwise, and never while
// the page is hidden. Finished tasks are counted until the person has seen them.
import { trayOf } from "./logic/activity.js";

// Pause before checking again whether the page is visible.
const HIDDEN_MS = 3_000;
const SEEN = "activity-seen";

export function bindActivity(htmx) {
  const tray = document.querySelector("[data-activity]");
  if (!tray) return;
  const list = tray.querySelector("#activity-tasks");
  const badge = tray.querySelector(".activity-count");
  let timer = 0;

  const seen = () => JSON.parse(localStorage.getItem(SEEN) ?? "[]");
  const ended = () => [...list.querySelectorAll("[data-ended]")].map((task) => task.dataset.task);

  function show() {
    const running = Number(list.querySelector("[data-running]")?.dataset.running ?? 0);
    const shown = trayOf({ running, ended: ended(), seen: seen() });
    badge.textContent = shown.count;
    badge.hidden = shown.hidden;
    badge.classList.toggle("is-done", shown.done);
    clearTimeout(timer);
    timer = setTimeout(ask, shown.wait);
  }

  function ask() {
    if (document.hidden) timer = setTimeout(ask, HIDDEN_MS);
    else htmx.trigger(document.body, "activity");
  }

  list.addEventListener("htmx:afterSwap", show);
  list.addEventListener("htmx:sendError", show);
  tray.addEventListener("shown.bs.dropdown", () => {
    ask();
    localStorage.setItem(SEEN, JSON.stringify(ended()));
    show();
  });
}
