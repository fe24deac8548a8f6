// Sends a file in pieces, each confirmed by the server. A lost connection costs one piece. The page's storage
// keeps the upload of each file, so that the same file continues where it stopped.

export const PIECE = 4 * 1024 * 1024;
// Pauses before a lost piece is sent again, in milliseconds.
export const PAUSES = [500, 2000, 5000, 10_000];
const OCTETS = "application/octet-stream";

/** The server could not be reached, failed, or refused. A refusal is final. */
export class UploadError extends Error {
  constructor(text, final) {
    super(text);
    this.final = final;
  }
}

/** A key for the file: the same after a reload, but different on another page. */
export function keyOf(page, file) {
  return `upload:${page}:${file.name}:${file.size}:${file.lastModified}`;
}

/** A function post(url, body, type) that gives the server's answer, an object; `lost`: the error's text without an answer. */
export function poster(token, lost) {
  return async (url, body, type) => {
    const headers = { "Content-Type": type, "X-CSRFToken": token };
    const response = await fetch(url, { method: "POST", body, headers }).catch(() => null);
    const answer = await response?.json().catch(() => null);
    if (!response?.ok) {
      throw new UploadError(answer?.error ?? lost, response !== null && response.status < 500);
    }
    // The answer is a page, for example the log-in page. The pieces that arrived are still there.
    if (!answer) throw new UploadError(lost, false);
    return answer;
  };
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Retries after growing pauses, except after a refusal. */
export async function patiently(attempt, wait = sleep) {
  for (const pause of PAUSES) {
    try {
      return await attempt();
    } catch (error) {
      if (error.final) throw error;
      await wait(pause);
    }
  }
  return attempt();
}

// The target of the pieces: an interrupted upload of this file, at its next byte, or a new upload.
async function beginning(file, { key, begin, post, storage }) {
  const kept = JSON.parse(storage.getItem(key) ?? "null");
  if (kept) {
    try {
      const { next } = await post(`${kept.upload}?offset=0`, "", OCTETS);
      return { ...kept, offset: next };
    } catch (error) {
      if (!error.final) throw error;
      storage.removeItem(key);
    }
  }
  const begun = await post(begin, JSON.stringify({ name: file.name, size: file.size }), "application/json");
  storage.setItem(key, JSON.stringify(begun));
  return { ...begun, offset: 0 };
}

/**
 * Sends a file and returns the URL of the next page. `to` has begin (URL), key, post, storage,
 * shown.progress(bytes) and shown.done(); perhaps shown.begun(url of the columns so far), which is called once, when the
 * first piece of a longer file is there. The upload of a refused file is forgotten: it would be refused again.
 */
export async function sendFile(file, to, wait = sleep) {
  const { key, post, storage, shown } = to;
  try {
    const begun = await beginning(file, to);
    let { offset } = begun;
    let told = false;
    while (offset < file.size) {
      shown.progress(offset);
      const at = offset;
      const piece = file.slice(at, at + PIECE);
      const answer = await patiently(() => post(`${begun.upload}?offset=${at}`, piece, OCTETS), wait);
      offset = answer.next;
      if (!told && offset < file.size) {
        told = true;
        shown.begun?.(begun.columns);
      }
    }
    shown.done();
    const { next } = await post(begun.finish, "", "text/plain");
    storage.removeItem(key);
    return next;
  } catch (error) {
    if (error.final) storage.removeItem(key);
    throw error;
  }
}
