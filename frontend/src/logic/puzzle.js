// The puzzle of a sign-up form (signups/puzzles.py): a number with which the digest of "<signature>.<number>" begins with
// 16 zero bits. The signature is the end of the form's stamp.
import { begin } from "./sha256.js";

const LIMIT = 2 ** 16;
// A puzzle takes 65,536 tries on average; one in ten million takes more than this.
export const MOST = 1_100_000;

const signatureOf = (stamp) => stamp.slice(stamp.lastIndexOf(":") + 1);

/** Whether the number solves it. */
export const solves = (stamp, number) => begin(`${signatureOf(stamp)}.${number}`) < LIMIT;

/** The first number from `from` on, of `count`, that solves it; -1: none does. */
export function solution(stamp, from, count) {
  const signature = signatureOf(stamp);
  for (let number = from; number < from + count; number++) if (begin(`${signature}.${number}`) < LIMIT) return number;
  return -1;
}
