// The tray of what runs in the background.

const BUSY_MS = 3_000;
const IDLE_MS = 30_000;

/** How many tasks run, and the keys of those that ended: as the tray shows them. `seen` were shown before. */
export function trayOf({ running, ended, seen }) {
  const known = new Set(seen);
  const fresh = ended.filter((key) => !known.has(key)).length;
  const count = running || fresh;
  return { count, hidden: !count, done: !running, wait: running ? BUSY_MS : IDLE_MS };
}
