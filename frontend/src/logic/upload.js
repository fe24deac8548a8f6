// A file is sent in pieces, each confirmed by the server. A lost connection costs one piece. The page's storage
// keeps where the pieces of a file go, so that the same file goes on where it stopped.

export const PIECE = 4 * 1024 * 1024;
// Before a piece that was lost is sent again, in milliseconds.
export const PAUSES = [500, 2000, 5000, 10_000];
const OCTETS = "application/octet-stream";

/** A server that was not reached, that failed, or that refused; a refusal is final. */
export class UploadError extends Error {
  constructor(text, final) {
    super(text);
    this.final = final;
  }
}

/** The same file has the same key after a reload, and another one on another page. */
export function keyOf(page, file) {
  return `upload:${page}:${file.name}:${file.size}:${file.lastModified}`;
}

/** A function post(url, body, type) that gives the server's answer, an object; `lost` is said where there is none. */
export function poster(token, lost) {
  return async (url, body, type) => {
    const headers = { "Content-Type": type, "X-CSRFToken": token };
    const response = await fetch(url, { method: "POST", body, headers }).catch(() => null);
    const answer = await response?.json().catch(() => null);
    if (!response?.ok) {
      throw new UploadError(answer?.error ?? lost, response !== null && response.status < 500);
    }
    // A page instead of an answer: the log-in page, for instance. What has arrived is still there.
    if (!answer) throw new UploadError(lost, false);
    return answer;
  };
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Tries again after growing pauses; a refusal is not tried again. */
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

// Where the pieces go: an upload of this file that was cut off, at its next byte, or a new one.
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
 * Sends a file and gives the address of the next page. `to` holds begin (URL), key, post, storage, and
 * shown.progress(bytes) and shown.done(). A file that was refused is forgotten: it would be refused again.
 */
export async function sendFile(file, to, wait = sleep) {
  const { key, post, storage, shown } = to;
  try {
    const begun = await beginning(file, to);
    let { offset } = begun;
    while (offset < file.size) {
      shown.progress(offset);
      const at = offset;
      const piece = file.slice(at, at + PIECE);
      const answer = await patiently(() => post(`${begun.upload}?offset=${at}`, piece, OCTETS), wait);
      offset = answer.next;
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
