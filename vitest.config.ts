import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** One project per kind of test. What needs root, a browser or Electron skips itself where that is missing. */
export default defineConfig({
  test: {
    projects: [
      project("unit", { testTimeout: 15_000 }),
      project("contract", { testTimeout: 20_000 }),
      project("sim", { testTimeout: 120_000 }),
      // Namespaces, ports and the browser are one of each: these run a file at a time.
      project("netns", { testTimeout: 120_000, hookTimeout: 120_000, fileParallelism: false, pool: "forks" }),
      project("browser", { testTimeout: 60_000, hookTimeout: 60_000, fileParallelism: false, pool: "forks" }),
      {
        ...project("electron", { testTimeout: 30_000 }),
        // The package without its binary exports a path; the shell is tested against a fake with the same calls.
        resolve: {
          alias: { electron: fileURLToPath(new URL("test/electron/fake-electron.ts", import.meta.url)) },
        },
      },
    ],
  },
});

function project(name: string, options: object) {
  return { test: { name, include: [`test/${name}/**/*.test.{ts,tsx}`], environment: "node", ...options } };
}
