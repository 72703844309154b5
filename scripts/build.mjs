// @ts-check
/** Builds what runs: npm packages, the Rust addon, the Node bundles, the pages. Each only when its inputs changed. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { find, run, StepFailed } from "./command.mjs";
import { hashOf, isCurrent, markCurrent } from "./inputs.mjs";
import { ROOT } from "./root.mjs";

/** @typedef {{ name: string, build: (tell: (detail: string) => void) => Promise<void> }} Step */

/**
 * The npm packages, when what is installed differs from the lock.
 * @returns {Step | undefined}
 */
export function packagesStep() {
  if (packagesAreCurrent()) return undefined;
  return {
    name: "packages",
    async build() {
      const npm = find("npm");
      if (!npm)
        throw new StepFailed(
          "npm is missing: it comes with Node from nodejs.org; without it nothing can be built",
        );
      const { code, output } = await run(npm, ["ci", "--loglevel=error", "--no-progress"], { cwd: ROOT });
      if (code !== 0) throw new StepFailed(`npm ci failed:\n${output.split("\n").slice(0, 25).join("\n")}`);
    },
  };
}

/**
 * The Rust addon that moves packets. `withTests`: together with the crate's tests; one after the other most of the crates
 * that both use would be compiled twice, as the tests ask for more of them.
 * @param {{ withTests?: boolean }} [options]
 * @returns {Step | undefined}
 */
export function dataPlaneStep({ withTests = false } = {}) {
  return crateStep({
    name: "data plane (Rust)",
    targets: ["--lib", ...(withTests ? ["--tests"] : [])],
    stamp: "dataplane",
    crate: "drivers/dataplane",
    built: LIBRARY[process.platform] ?? "libstarmesh_dataplane.so",
    output: "drivers/dataplane/starmesh-dataplane.node",
  });
}

/**
 * The helper that changes the network for an engine without rights; Windows has none. `withTests`: together with its tests.
 * @param {{ withTests?: boolean }} [options]
 * @returns {Step | undefined}
 */
export function helperStep({ withTests = false } = {}) {
  if (process.platform === "win32") return undefined;
  return crateStep({
    name: "helper (Rust)",
    targets: ["--bins", ...(withTests ? ["--tests"] : [])],
    stamp: "helper",
    crate: "drivers/helper",
    built: "starmesh-helper",
    output: "drivers/helper/starmesh-helper",
  });
}

/**
 * @param {{ name: string, targets: readonly string[], stamp: string, crate: string, built: string, output: string }} options
 * @returns {Step | undefined}
 */
function crateStep({ name, targets, stamp, crate, built, output: path }) {
  const hash = hashOf([crate], (name) => /(\.rs|\.toml|Cargo\.lock)$/.test(name));
  if (isCurrent(stamp, hash, [path])) return undefined;
  return {
    name,
    async build(tell) {
      const target = await compile(crate, targets, tell);
      // Renamed into place, because a running node has the old file mapped.
      copyFileSync(join(target, "release", built), join(ROOT, `${path}.new`));
      renameSync(join(ROOT, `${path}.new`), join(ROOT, path));
      markCurrent(stamp, hash);
    },
  };
}

/**
 * Has cargo build some of a crate; answers the folder of what it built.
 * @param {string} crate
 * @param {readonly string[]} options
 * @param {(detail: string) => void} tell
 */
async function compile(crate, options, tell) {
  const cargo = cargoPath();
  if (!cargo) throw new StepFailed(NO_CARGO);
  const manifest = join(ROOT, crate, "Cargo.toml");
  const target = join(ROOT, crate, "target");
  const places = ["--manifest-path", manifest, "--target-dir", target];
  const { code, output } = await run(cargo, ["build", "--release", "--locked", ...options, ...places], {
    cwd: join(ROOT, crate),
    // Not the compiler's remarks, which stay as the latest line for minutes.
    heard: (line) => /^(Updating|Downloading|Blocking|Compiling) /.test(line) && tell(line),
  });
  if (/linker `\w+` not found/.test(output)) {
    throw new StepFailed(
      "a C linker is missing (Debian: apt install build-essential); without it nothing can carry packets",
    );
  }
  if (code !== 0) throw new StepFailed(`cargo build failed:\n${output}`);
  return target;
}

/**
 * The entries for Node and Electron.
 * @returns {Step | undefined}
 */
export function bundlesStep() {
  const hash = hashOf(["src-main", "src-shared", "drivers", "package.json", "scripts/build.mjs"], (name) =>
    /\.(ts|json|mjs)$/.test(name),
  );
  if (isCurrent("bundles", hash, [...ENTRIES.map((name) => `out/${name}.js`), "out/preload.cjs"]))
    return undefined;
  return {
    name: "bundles",
    async build() {
      const { build } = await import("esbuild");
      /** @type {import("esbuild").BuildOptions} */
      const common = {
        absWorkingDir: ROOT,
        bundle: true,
        platform: "node",
        target: "node20",
        outdir: "out",
        external: ["electron", "koffi", "libsql", "selfsigned", "*.node"],
        logLevel: "silent",
        legalComments: "none",
      };
      try {
        const { metafile } = await build({
          ...common,
          metafile: true,
          entryPoints: SERVING.map((name) => `src-main/${name}.ts`),
          format: "esm",
          banner: { js: REQUIRE },
          // The command line loads the engine only when it runs one.
          splitting: true,
          chunkNames: "chunk-[hash]",
        });
        removeOldChunks(new Set(Object.keys(metafile.outputs)));
        // Whole in one file: packed, it lies in the archive whose hash the program knows, and the others beside it.
        await build({
          ...common,
          entryPoints: ["src-main/app.ts"],
          format: "esm",
          banner: { js: REQUIRE },
        });
        await build({
          ...common,
          entryPoints: ["src-main/shell/preload.ts"],
          format: "cjs",
          outExtension: { ".js": ".cjs" },
        });
      } catch (error) {
        throw new StepFailed(`bundling failed:\n${error instanceof Error ? error.message : error}`);
      }
      chmodSync(join(ROOT, "out/cli.js"), 0o755);
      markCurrent("bundles", hash);
    },
  };
}

/**
 * The pages, for the window and for browsers.
 * @returns {Step | undefined}
 */
export function pagesStep() {
  const hash = hashOf(["src-renderer", "src-shared", "resources", "package.json", "vite.config.ts"]);
  if (isCurrent("pages", hash, ["out/renderer/index.html"])) return undefined;
  return {
    name: "pages",
    async build() {
      const vite = join(ROOT, "node_modules/vite/bin/vite.js");
      // Built beside and put in place at once: a page that is open, or being opened, never misses its files.
      const next = join(ROOT, "out/renderer.next");
      const args = [vite, "build", "--logLevel", "warn", "--outDir", next, "--emptyOutDir"];
      const { code, output } = await run(process.execPath, args, { cwd: ROOT });
      if (code !== 0) throw new StepFailed(`building the pages failed:\n${output}`);
      rmSync(join(ROOT, "out/renderer"), { recursive: true, force: true });
      renameSync(next, join(ROOT, "out/renderer"));
      markCurrent("pages", hash);
    },
  };
}

/** What to say where there is no cargo. */
export const NO_CARGO = "Rust is missing: install it from rustup.rs; without it nothing can carry packets";

/** Where cargo lies, also when the search path does not know it (a fresh rustup, sudo). */
export function cargoPath() {
  return find("cargo", [join(process.env["CARGO_HOME"] ?? join(homedir(), ".cargo"), "bin")]);
}

/**
 * Removes the chunks of earlier builds, but not at once: a node that still runs may load one late.
 * @param {ReadonlySet<string>} current
 */
function removeOldChunks(current) {
  for (const name of readdirSync(join(ROOT, "out"))) {
    const path = join(ROOT, "out", name);
    if (!name.startsWith("chunk-") || current.has(`out/${name}`)) continue;
    if (Date.now() - statSync(path).mtimeMs > HOUR_MILLIS) rmSync(path);
  }
}

function packagesAreCurrent() {
  const installed = join(ROOT, "node_modules/.package-lock.json");
  if (!existsSync(installed)) return false;
  const wanted = readLock(join(ROOT, "package-lock.json"));
  const present = readLock(installed);
  return Object.entries(wanted).every(([path, entry]) => {
    const found = present[path];
    // An optional package is one for another system.
    return path === "" || (found ? found.version === entry.version : entry.optional === true);
  });
}

/**
 * @param {string} path
 * @returns {Record<string, { version?: string, optional?: boolean }>}
 */
function readLock(path) {
  return JSON.parse(readFileSync(path, "utf8")).packages;
}

const HOUR_MILLIS = 3_600_000;
/** What runs as plain Node. */
const SERVING = ["cli", "daemon"];
const ENTRIES = [...SERVING, "app"];

/** @type {Readonly<Record<string, string>>} */
const LIBRARY = { darwin: "libstarmesh_dataplane.dylib", win32: "starmesh_dataplane.dll" };

/** Packages written for CommonJS ask for Node's own modules by `require`, which an ES module has to make itself. */
const REQUIRE =
  'import { createRequire as createRequireOfBundle } from "node:module"; const require = createRequireOfBundle(import.meta.url);';
