// Bundles src/ into dist/ with hashed names, makes one sprite of the icons that icons.txt names, and
// writes dist/manifest.json: {"app.js": "app-ABC.js", ...}, which the template tag `bundle` reads.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
mkdirSync("dist");

const entries = ["app", "theme", "editor", "charts", "upload", "public"];
const result = await build({
  entryPoints: entries.map((name) => (name === "public" ? "src/public.css" : `src/${name}.js`)),
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  outdir: "dist",
  entryNames: "[name]-[hash]",
  loader: { ".svg": "dataurl" },
  metafile: true,
  logLevel: "warning",
});

const manifest = {};
for (const [path, output] of Object.entries(result.metafile.outputs)) {
  const source = output.entryPoint ?? path.replace(/-[A-Z0-9]{8}(?=\.css$)/, "");
  const extension = path.endsWith(".css") ? ".css" : ".js";
  manifest[basename(source).replace(/\.(js|css)$/, "") + extension] = basename(path);
}

const names = readFileSync("icons.txt", "utf8").split(/\s+/).filter(Boolean);
const symbols = names.map((name) => {
  const svg = readFileSync(`node_modules/@tabler/icons/icons/outline/${name}.svg`, "utf8");
  const inner = svg.replace(/^[\s\S]*?<svg[^>]*>/, "").replace(/<\/svg>\s*$/, "");
  return `<symbol id="${name}" viewBox="0 0 24 24">${inner.replace(/\s+/g, " ")}</symbol>`;
});
const sprite = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>`;
const hash = createHash("sha256").update(sprite).digest("hex").slice(0, 8).toUpperCase();
manifest["icons.svg"] = `icons-${hash}.svg`;
writeFileSync(`dist/${manifest["icons.svg"]}`, sprite);
writeFileSync("dist/manifest.json", JSON.stringify(manifest, null, 1));
