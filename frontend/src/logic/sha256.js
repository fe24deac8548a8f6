// SHA-256 (FIPS 180-4), at once: the browser's own answers later, and not on pages without https.
const primes = [];
for (let one = 2; primes.length < 64; one++) if (primes.every((prime) => one % prime)) primes.push(one);
// The first 32 bits of the fractional part of a root.
const bits = (root) => Math.floor((root - Math.floor(root)) * 2 ** 32) | 0;
const K = Int32Array.from(primes, (prime) => bits(Math.cbrt(prime)));
const START = Int32Array.from(primes.slice(0, 8), (prime) => bits(Math.sqrt(prime)));
const words = new Int32Array(64);

const turned = (word, by) => (word >>> by) | (word << (32 - by));

/** The first 32 bits of the digest of an ASCII text, as an unsigned number. */
export function begin(text) {
  const length = (((text.length + 8) >> 6) + 1) << 6;
  const bytes = new Uint8Array(length);
  for (let at = 0; at < text.length; at++) bytes[at] = text.charCodeAt(at);
  bytes[text.length] = 0x80;
  const view = new DataView(bytes.buffer);
  view.setUint32(length - 4, text.length * 8);
  const state = START.slice();
  for (let at = 0; at < length; at += 64) take(state, view, at);
  return state[0] >>> 0;
}

function take(state, view, at) {
  spread(view, at);
  // One by one, as an array for each round takes twice the time.
  let [a, b, c, d, e, f, g, h] = state;
  for (let t = 0; t < 64; t++) {
    const sum = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const one = (h + sum + ((e & f) ^ (~e & g)) + K[t] + words[t]) | 0;
    const two = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  state[0] += a;
  state[1] += b;
  state[2] += c;
  state[3] += d;
  state[4] += e;
  state[5] += f;
  state[6] += g;
  state[7] += h;
}

function spread(view, at) {
  for (let t = 0; t < 16; t++) words[t] = view.getInt32(at + t * 4);
  for (let t = 16; t < 64; t++) {
    const [near, far] = [words[t - 2], words[t - 15]];
    const one = turned(near, 17) ^ turned(near, 19) ^ (near >>> 10);
    const two = turned(far, 7) ^ turned(far, 18) ^ (far >>> 3);
    words[t] = words[t - 16] + two + words[t - 7] + one;
  }
}
