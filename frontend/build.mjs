// Bundles src/ into dist/ with hashed names, draws the icon sprite, and says in
// dist/manifest.json which file each bundle's name stands for (read by pages/bundles.py).
import { createHash } from "node:crypto";
import { copyFile, mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.dirname(HERE);
const DIST = path.join(HERE, "dist");
const ICONS = path.join(HERE, "node_modules/@tabler/icons/icons");
// Files of earlier builds stay this long, for servers that still run with them.
const KEEP_MS = 24 * 3600 * 1000;

const BUNDLES = ["theme.js", "app.js", "editor.js", "charts.js", "upload.js", "signup.js", "public.css"];

async function bundle() {
  const result = await build({
    absWorkingDir: HERE,
    entryPoints: BUNDLES.map((name) => `src/${name}`),
    outdir: "dist",
    entryNames: "[name]-[hash]",
    chunkNames: "chunk-[hash]",
    assetNames: "asset-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    minify: true,
    target: "es2023",
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });
  const bundles = {};
  for (const [file, output] of Object.entries(result.metafile.outputs)) {
    if (!output.entryPoint) continue;
    const name = path.basename(output.entryPoint);
    bundles[name] = { [path.extname(file).slice(1)]: path.basename(file) };
    if (output.cssBundle) bundles[name].css = path.basename(output.cssBundle);
  }
  return { bundles, files: Object.keys(result.metafile.outputs).map((f) => path.basename(f)) };
}

async function* sources(directory, extension) {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.name.startsWith(".") || ["node_modules", "var", "dist"].includes(entry.name)) continue;
    const full = path.join(directory, entry.name);
    if (entry.isDirectory()) yield* sources(full, extension);
    else if (entry.name.endsWith(extension)) yield full;
  }
}

// Names from icons.txt and from every `{% icon "name" %}` and icon="name" in the sources.
async function iconNames() {
  const names = new Set((await readFile(path.join(HERE, "icons.txt"), "utf8")).split(/\s+/).filter(Boolean));
  for (const extension of [".html", ".py"]) {
    for await (const file of sources(ROOT, extension)) {
      const text = await readFile(file, "utf8");
      for (const match of text.matchAll(/\bicon[ =]["']([a-z0-9-]+)["']/g)) names.add(match[1]);
    }
  }
  return [...names].sort();
}

async function drawIcon(name) {
  const filled = name.endsWith("-filled");
  const file = path.join(ICONS, filled ? "filled" : "outline", `${filled ? name.slice(0, -7) : name}.svg`);
  const svg = await readFile(file, "utf8").catch(() => null);
  if (svg === null) return null;
  const inner = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
  const paint = filled
    ? 'fill="currentColor"'
    : 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"';
  return `<symbol id="${name}" viewBox="0 0 24 24" ${paint}>${inner.replace(/\s*\n\s*/g, "")}</symbol>`;
}

async function sprite() {
  const drawn = [];
  const missing = [];
  for (const name of await iconNames()) {
    const symbol = await drawIcon(name);
    if (symbol) drawn.push([name, symbol]);
    else missing.push(name);
  }
  if (missing.length) console.warn(`icons that Tabler doesn't have: ${missing.join(", ")}`);
  const text = `<svg xmlns="http://www.w3.org/2000/svg">${drawn.map(([, s]) => s).join("")}</svg>`;
  const file = `icons-${createHash("sha256").update(text).digest("hex").slice(0, 8).toUpperCase()}.svg`;
  await writeFile(path.join(DIST, file), text);
  return { file, names: drawn.map(([name]) => name) };
}

// Files that keep their name: addresses that others know, such as the favicon's.
async function copyStatic() {
  const names = await readdir(path.join(HERE, "static"));
  for (const name of names) await copyFile(path.join(HERE, "static", name), path.join(DIST, name));
  return names;
}

async function compress(file) {
  const full = path.join(DIST, file);
  const data = await readFile(full);
  if (data.length < 1024) return [];
  await writeFile(`${full}.gz`, gzipSync(data, { level: 9 }));
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9 };
  await writeFile(`${full}.br`, brotliCompressSync(data, { params }));
  return [`${file}.gz`, `${file}.br`];
}

async function sweep(current) {
  const limit = Date.now() - KEEP_MS;
  for (const name of await readdir(DIST)) {
    const full = path.join(DIST, name);
    if (!current.has(name) && (await stat(full)).mtimeMs < limit) await rm(full);
  }
}

await mkdir(DIST, { recursive: true });
const { bundles, files } = await bundle();
const icons = await sprite();
const current = new Set(["manifest.json", ...files, icons.file, ...(await copyStatic())]);
for (const file of [...files, icons.file]) for (const made of await compress(file)) current.add(made);
const draft = path.join(DIST, `manifest.${process.pid}`);
await writeFile(draft, JSON.stringify({ bundles, icons }, null, 1));
await rename(draft, path.join(DIST, "manifest.json"));
await sweep(current);
console.log(`front end: ${files.length} files, ${icons.names.length} icons`);
