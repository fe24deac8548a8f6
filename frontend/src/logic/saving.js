// The order of saves of forms that save by themselves.

// What a browser lets a page that is closed send, less the headers; a larger form asks before it is left.
const MOST_BYTES = 60_000;

/** A function that numbers the saves of one page: "<24 random letters of the page>.1", ".2", … */
export function numbering(random = Math.random) {
  const word = () => random().toString(36).slice(2, 10).padEnd(8, "0");
  const page = Array.from({ length: 3 }, word).join("");
  let number = 0;
  return () => `${page}.${++number}`;
}

/** The words of a form, to compare: files are not among them. `entries` are those of its FormData. */
export function wordsOf(entries) {
  return JSON.stringify([...entries].filter(([, value]) => typeof value === "string"));
}

/**
 * What the last words of a form become when its page is closed: "send"; "sent" where they went out before; "ask" where
 * a person has to choose first, or the browser would not send so much.
 */
export function fateOfWords(words, { sent, undecided }) {
  if (undecided) return "ask";
  if (sent === words) return "sent";
  return new TextEncoder().encode(words).length > MOST_BYTES ? "ask" : "send";
}

/** One form that saves by itself: which of its saves go out, and whether what was typed is saved by them. */
export class Autosave {
  #typed = false;

  typed() {
    this.#typed = true;
  }

  /** Whether a save goes out. While two versions wait for a choice, only the choice does. */
  begins({ choosing, chooses }) {
    if (choosing && !chooses) return false;
    this.#typed = false;
    return true;
  }

  /** Whether something is unsaved after a save succeeded: typed meanwhile, or refused by the server. */
  leavesUnsaved(refused) {
    return this.#typed || refused;
  }
}
