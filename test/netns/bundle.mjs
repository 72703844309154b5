// @ts-check
/** Programs of the tests that run on their own: bundled when they are needed. */
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's folder, found also from inside a bundle. */
export const root = projectAbove(dirname(fileURLToPath(import.meta.url)));

/**
 * Bundles a TypeScript program of the project, named from its top; answers the path of what Node can run.
 * @param {string} entry
 */
export async function bundle(entry) {
  const { build } = await import("esbuild");
  const outfile = join(root, "out/test", `${basename(entry, ".ts")}.mjs`);
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    packages: "external",
    external: ["*.node"],
    logLevel: "silent",
  });
  return outfile;
}

/**
 * @param {string} folder
 * @returns {string}
 */
function projectAbove(folder) {
  if (existsSync(join(folder, "package.json"))) return folder;
  if (dirname(folder) === folder) throw new Error("this file lies in no project");
  return projectAbove(dirname(folder));
}
