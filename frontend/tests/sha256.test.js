// SHA-256 against node's own.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { begin } from "../src/logic/sha256.js";

test("texts of every length around a block have the digest of the standard", () => {
  for (let length = 0; length < 200; length++) {
    const text = "abcdefghij".repeat(20).slice(0, length);
    assert.equal(begin(text), createHash("sha256").update(text).digest().readUInt32BE(0), `${length}`);
  }
});
