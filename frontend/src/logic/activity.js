// The tray of what runs in the background.

const BUSY_MS = 3_000;
const IDLE_MS = 30_000;

/** The number of running tasks, and the keys of finished ones, as the tray shows them. `seen`: keys shown before. */
export function trayOf({ running, ended, seen }) {
  const known = new Set(seen);
  const fresh = ended.filter((key) => !known.has(key)).length;
  const count = running || fresh;
  return { count, hidden: !count, done: !running, wait: running ? BUSY_MS : IDLE_MS };
}
