// Files in pieces, against a server on a free port that keeps what arrives.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, beforeEach, test } from "node:test";
import { keyOf, patiently, PAUSES, PIECE, poster, sendFile } from "../src/logic/upload.js";

const PAGE = "/w/goose/imports/new/";
const LOST = "The connection was lost.";

class Storage extends Map {
  getItem = (key) => this.get(key) ?? null;
  setItem = (key, value) => this.set(key, value);
  removeItem = (key) => this.delete(key);
}

let server;
let root;
let received;
let requests;
// What the next requests for pieces get instead of an answer.
let faults;
// How many bytes of a piece are kept.
let most;

async function bodyOf(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

const answers = {
  "/begin": () => ({ upload: `${root}/piece`, finish: `${root}/finish`, columns: "/imports/7/?growing=1" }),
  "/piece": (url, body) => {
    const at = Number(url.searchParams.get("offset"));
    if (at === received.length) received = Buffer.concat([received, body.subarray(0, most)]);
    return { next: received.length };
  },
  "/finish": () => ({ next: "/imports/7/" }),
};

async function handle(request, response) {
  const url = new URL(request.url, root);
  const body = await bodyOf(request);
  requests.push({ path: url.pathname, offset: url.searchParams.get("offset"), size: body.length, request });
  const fault = url.pathname === "/piece" && body.length ? faults.shift() : undefined;
  if (fault === "cut") return response.destroy();
  if (fault === "log in") return response.writeHead(200, { "Content-Type": "text/html" }).end("<form>");
  if (fault) return response.writeHead(fault.status).end(JSON.stringify({ error: fault.error }));
  const answer = answers[url.pathname]?.(url, body);
  return response.writeHead(answer ? 200 : 404).end(JSON.stringify(answer ?? {}));
}

before(async () => {
  server = createServer(handle);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  root = `http://127.0.0.1:${server.address().port}`;
});

after(() => server.close());

beforeEach(() => {
  received = Buffer.alloc(0);
  requests = [];
  faults = [];
  most = PIECE;
});

function upload(file, storage = new Storage()) {
  const seen = { offsets: [], columns: [], waits: [], done: false, storage };
  const shown = {
    begun: (url) => seen.columns.push(url),
    progress: (offset) => seen.offsets.push(offset),
    done: () => {
      seen.done = true;
    },
  };
  const key = keyOf(PAGE, file);
  const to = { key, begin: `${root}/begin`, post: poster("secret", LOST), storage, shown };
  const wait = async (ms) => seen.waits.push(ms);
  return { seen, key, sent: sendFile(file, to, wait) };
}

const fileOf = (size) => new File([Buffer.alloc(size, "a,b\n")], "people.csv", { lastModified: 5 });
const pieces = () => requests.filter((one) => one.path === "/piece");

test("a file arrives whole, in pieces of 4 MB", async () => {
  const file = fileOf(2 * PIECE + 10);
  const { seen, sent } = upload(file);
  assert.equal(await sent, "/imports/7/");
  assert.deepEqual(received, Buffer.from(await file.arrayBuffer()));
  assert.deepEqual(
    pieces().map((one) => one.size),
    [PIECE, PIECE, 10],
  );
  assert.deepEqual(seen.offsets, [0, PIECE, 2 * PIECE]);
  assert.ok(seen.done);
  assert.equal(seen.storage.size, 0);
  // The columns are shown once, while the other pieces are sent; not for a file of one piece.
  assert.deepEqual(seen.columns, ["/imports/7/?growing=1"]);
  const short = upload(fileOf(PIECE));
  await short.sent;
  assert.deepEqual(short.seen.columns, []);
});

test("each request carries the form's token", async () => {
  await upload(fileOf(3)).sent;
  assert.deepEqual(new Set(requests.map((one) => one.request.headers["x-csrftoken"])), new Set(["secret"]));
});

test("an empty file has no pieces, and is finished", async () => {
  assert.equal(await upload(fileOf(0)).sent, "/imports/7/");
  assert.equal(pieces().length, 0);
});

test("a lost connection costs one piece, which is sent again after a pause", async () => {
  faults = [undefined, "cut"];
  const file = fileOf(PIECE + 10);
  const { seen, sent } = upload(file);
  await sent;
  assert.deepEqual(
    pieces().map((one) => one.offset),
    ["0", String(PIECE), String(PIECE)],
  );
  assert.deepEqual(seen.waits, [PAUSES[0]]);
  assert.equal(received.length, file.size);
});

test("the server says where it goes on, also within a piece", async () => {
  most = 100;
  const file = fileOf(250);
  await upload(file).sent;
  assert.deepEqual(
    pieces().map((one) => one.offset),
    ["0", "100", "200"],
  );
  assert.deepEqual(received, Buffer.from(await file.arrayBuffer()));
});

test("a server that fails is tried again with growing pauses, and then the upload is kept for later", async () => {
  faults = Array.from({ length: 5 }, () => ({ status: 503 }));
  const storage = new Storage();
  const { seen, key, sent } = upload(fileOf(10), storage);
  await assert.rejects(sent, { message: LOST, final: false });
  assert.deepEqual(seen.waits, PAUSES);
  assert.ok(storage.has(key));
});

test("the same file goes on at its next byte", async () => {
  const storage = new Storage();
  const file = fileOf(PIECE + 10);
  faults = [undefined, ...Array.from({ length: 5 }, () => "cut")];
  await assert.rejects(upload(file, storage).sent, { message: LOST });
  requests = [];
  assert.equal(await upload(file, storage).sent, "/imports/7/");
  assert.deepEqual(
    requests.map(({ path, offset, size }) => [path, offset, size]),
    [
      ["/piece", "0", 0],
      ["/piece", String(PIECE), 10],
      ["/finish", null, 0],
    ],
  );
  assert.deepEqual(received, Buffer.from(await file.arrayBuffer()));
});

test("an upload that the server no longer knows begins anew", async () => {
  const storage = new Storage();
  const file = fileOf(10);
  const gone = { upload: `${root}/gone`, finish: `${root}/gone` };
  storage.setItem(keyOf(PAGE, file), JSON.stringify(gone));
  assert.equal(await upload(file, storage).sent, "/imports/7/");
  assert.equal(received.length, 10);
});

test("a refusal is final: it is not tried again, and the file is forgotten", async () => {
  faults = [{ status: 409, error: "The file is larger than 1 MB." }];
  const storage = new Storage();
  const { seen, sent } = upload(fileOf(10), storage);
  await assert.rejects(sent, { message: "The file is larger than 1 MB.", final: true });
  assert.deepEqual(seen.waits, []);
  assert.equal(storage.size, 0);
});

test("the log-in page instead of an answer loses nothing", async () => {
  faults = Array.from({ length: 5 }, () => "log in");
  const storage = new Storage();
  const { key, sent } = upload(fileOf(10), storage);
  await assert.rejects(sent, { message: LOST, final: false });
  assert.ok(storage.has(key));
  assert.deepEqual(
    requests.filter((one) => one.path === "/finish"),
    [],
  );
});

test("a file has another key on another page, after a change, and under another name", () => {
  const file = { name: "a.csv", size: 3, lastModified: 5 };
  const keys = [
    keyOf("/w/a/", file),
    keyOf("/w/b/", file),
    keyOf("/w/a/", { ...file, lastModified: 6 }),
    keyOf("/w/a/", { ...file, size: 4 }),
    keyOf("/w/a/", { ...file, name: "b.csv" }),
  ];
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(keyOf("/w/a/", { ...file }), keys[0]);
});

test("patience ends with the last attempt's error", async () => {
  let attempts = 0;
  const attempt = async () => {
    attempts += 1;
    throw new Error(`attempt ${attempts}`);
  };
  await assert.rejects(
    patiently(attempt, async () => {}),
    { message: "attempt 5" },
  );
});
