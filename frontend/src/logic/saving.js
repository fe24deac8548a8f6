// The order of saves of forms that save automatically.

// Bytes that browsers let a closing page send, without headers. A larger form asks before the person leaves.
const MOST_BYTES = 60_000;

/** A function that numbers the saves of one page: "<24 random letters of the page>.1", ".2", … */
export function numbering(random = Math.random) {
  const word = () => random().toString(36).slice(2, 10).padEnd(8, "0");
  const page = Array.from({ length: 3 }, word).join("");
  let number = 0;
  return () => `${page}.${++number}`;
}

/** The text of a form, for comparing, without files. `entries`: those of its FormData. */
export function wordsOf(entries) {
  return JSON.stringify([...entries].filter(([, value]) => typeof value === "string"));
}

/**
 * What to do with the last input of a form when its page is closed: "send"; "sent" if it was sent before; "ask" if a
 * person has to choose first, or if the browser would not send so much.
 */
export function fateOfWords(words, { sent, undecided }) {
  if (undecided) return "ask";
  if (sent === words) return "sent";
  return new TextEncoder().encode(words).length > MOST_BYTES ? "ask" : "send";
}

/** A form that saves automatically: decides which saves are sent, and whether the typed input is saved. */
export class Autosave {
  #typed = false;

  typed() {
    this.#typed = true;
  }

  /** Whether a save may be sent. While two versions wait for a choice, only the choice is sent. */
  begins({ choosing, chooses }) {
    if (choosing && !chooses) return false;
    this.#typed = false;
    return true;
  }

  /** Whether input is still unsaved after a save: it was typed in the meantime, or the server refused it. */
  leavesUnsaved(refused) {
    return this.#typed || refused;
  }
}
