// The tray of what runs in the background: asks often while something runs, seldom otherwise, and
// never while nobody looks. What ended is counted until it was seen.

const BUSY_MS = 3_000;
const IDLE_MS = 30_000;
const SEEN = "activity-seen";

export function bindActivity(htmx) {
  const tray = document.querySelector("[data-activity]");
  if (!tray) return;
  const list = tray.querySelector("#activity-tasks");
  const badge = tray.querySelector(".activity-count");
  let timer = 0;

  const seen = () => new Set(JSON.parse(localStorage.getItem(SEEN) ?? "[]"));
  const ended = () => [...list.querySelectorAll("[data-ended]")].map((task) => task.dataset.task);

  function show() {
    const running = Number(list.querySelector("[data-running]")?.dataset.running ?? 0);
    const known = seen();
    const fresh = ended().filter((key) => !known.has(key)).length;
    badge.textContent = running || fresh;
    badge.hidden = !(running || fresh);
    badge.classList.toggle("is-done", !running);
    clearTimeout(timer);
    timer = setTimeout(ask, running ? BUSY_MS : IDLE_MS);
  }

  function ask() {
    if (document.hidden) timer = setTimeout(ask, BUSY_MS);
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
