// Copies the pinned npm packages named in package.json into this folder, one folder per library and version,
// and writes SHA256SUMS. Run with `npm ci --ignore-scripts && npm run vendor`; the result is committed.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const target = dirname(fileURLToPath(import.meta.url));
const modules = join(target, "..", "..", "..", "node_modules");

const firaWeights = [400, 500, 600];
const firaFiles = firaWeights.flatMap((weight) =>
  ["latin", "latin-ext"].map((subset) => `files/fira-sans-${subset}-${weight}-normal.woff2`),
);

const libraries = [
  { package: "@kern-ux/native", folder: "kern-ux", files: { "dist/kern.min.css": "kern.min.css", "LICENSE.md": "LICENSE.md" } },
  {
    package: "leaflet",
    folder: "leaflet",
    files: {
      "dist/leaflet.js": "leaflet.js",
      "dist/leaflet.css": "leaflet.css",
      "dist/images": "images",
      LICENSE: "LICENSE",
    },
  },
  { package: "htmx.org", folder: "htmx", files: { "dist/htmx.min.js": "htmx.min.js", LICENSE: "LICENSE" } },
  {
    package: "@fontsource/fira-sans",
    folder: "fira-sans",
    files: { ...Object.fromEntries(firaFiles.map((file) => [file, file])), LICENSE: "LICENSE" },
    stylesheet: "fira-sans.css",
  },
];

// The unicode ranges are those the package itself publishes for its subsets.
function firaStylesheet(root) {
  const ranges = JSON.parse(readFileSync(join(root, "unicode.json"), "utf8"));
  return firaWeights
    .flatMap((weight) =>
      ["latin-ext", "latin"].map(
        (subset) => `@font-face {
  font-family: "Fira Sans";
  font-style: normal;
  font-weight: ${weight};
  font-display: swap;
  src: url("files/fira-sans-${subset}-${weight}-normal.woff2") format("woff2");
  unicode-range: ${ranges[subset]};
}
`,
      ),
    )
    .join("");
}

function filesBelow(folder) {
  return readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    .flatMap((path) => (statSync(path).isDirectory() ? filesBelow(path) : [path]));
}

// A reference to a source map that is not shipped stops the manifest static files storage.
function withoutSourceMap(path) {
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.replace(/\n?(\/\/|\/\*)# sourceMappingURL=.*$/m, "").replace(/\s*$/, "\n"));
}

for (const library of libraries) {
  const root = join(modules, library.package);
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  for (const name of readdirSync(target).filter((name) => name.startsWith(`${library.folder}-`))) {
    if (/^\d/.test(name.slice(library.folder.length + 1))) rmSync(join(target, name), { recursive: true });
  }
  const folder = join(target, `${library.folder}-${version}`);
  for (const [from, to] of Object.entries(library.files)) {
    mkdirSync(dirname(join(folder, to)), { recursive: true });
    cpSync(join(root, from), join(folder, to), { recursive: true });
  }
  if (library.stylesheet) writeFileSync(join(folder, library.stylesheet), firaStylesheet(root));
  filesBelow(folder).filter((path) => /\.(css|js)$/.test(path)).forEach(withoutSourceMap);
}

const sums = filesBelow(target)
  .filter((path) => !["SHA256SUMS", "copy.mjs"].includes(relative(target, path)))
  .map((path) => `${createHash("sha256").update(readFileSync(path)).digest("hex")}  ${relative(target, path)}\n`);
writeFileSync(join(target, "SHA256SUMS"), sums.join(""));
