import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

/** One project per kind of test. What needs root, a browser or Electron skips itself where that is missing. */
export default defineConfig({
  test: {
    // Vitest keeps one core for itself, which on two would be half of all.
    maxWorkers: "100%",
    projects: [
      project("unit", { testTimeout: 60_000 }),
      project("contract", { testTimeout: 90_000, hookTimeout: 60_000 }),
      // Most of what is made is thrown away at once: with room for it, a fifth of the time less.
      project("sim", { testTimeout: 900_000, execArgv: ["--max-semi-space-size=64"] }),
      // Every file makes namespaces of its own, and waits for most of its time: three of them use 1.4 cores.
      project("netns", {
        testTimeout: 300_000,
        hookTimeout: 300_000,
        maxWorkers: 3,
        pool: "forks",
        exclude: ["test/netns/**/*.alone.test.ts"],
      }),
      // What is measured there, or how a line behaves at its limit, is measured beside nothing else.
      project("alone", {
        testTimeout: 300_000,
        hookTimeout: 300_000,
        fileParallelism: false,
        pool: "forks",
        include: ["test/netns/**/*.alone.test.ts"],
      }),
      // Every file has a browser of its own.
      project("browser", {
        testTimeout: 180_000,
        hookTimeout: 180_000,
        maxWorkers: 2,
        pool: "forks",
      }),
      project("windows", { testTimeout: 60_000, hookTimeout: 300_000, fileParallelism: false }),
      {
        ...project("electron", { testTimeout: 90_000 }),
        // The package without its binary exports a path; the shell is tested against a fake with the same calls.
        resolve: {
          alias: { electron: fileURLToPath(new URL("test/electron/fake-electron.ts", import.meta.url)) },
        },
      },
    ],
  },
});

function project(name: string, options: object) {
  return {
    test: {
      name,
      include: [`test/${name}/**/*.test.{ts,tsx}`],
      environment: "node",
      setupFiles: [fileURLToPath(new URL("test/chance.ts", import.meta.url))],
      expect: { poll: { timeout: 30_000 } },
      ...options,
    },
  };
}
