// @ts-check
/**
 * `npm run build:windows`: the data plane for Windows (x64), built on Linux by mingw, as `out/windows/starmesh-dataplane.node`.
 * Needs `rustup target add x86_64-pc-windows-gnu` and a mingw-w64 compiler. Built only when its sources changed.
 */
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cargoPath, NO_CARGO } from "./build.mjs";
import { find, run } from "./command.mjs";
import { hashOf, isCurrent, markCurrent } from "./inputs.mjs";
import { ROOT } from "./root.mjs";

const CRATE = "drivers/dataplane";
const TARGET = "x86_64-pc-windows-gnu";
const OUTPUT = "out/windows/starmesh-dataplane.node";

const hash = hashOf([CRATE], (name) => /(\.rs|\.toml|Cargo\.lock)$/.test(name));
if (!isCurrent("windows", hash, [OUTPUT])) await build();
process.stdout.write(`${OUTPUT}\n`);

async function build() {
  const cargo = cargoPath() ?? fail(NO_CARGO);
  const archiver =
    find("x86_64-w64-mingw32-ar") ??
    fail("mingw is missing (Debian: apt install gcc-mingw-w64-x86-64-win32)");
  const folder = join(ROOT, "out/windows");
  mkdirSync(folder, { recursive: true });
  // The addon asks Node for its functions when it is loaded; the build wants a library to name nevertheless, and gets an empty one.
  writeFileSync(join(folder, "libnode.dll"), "");
  await run(archiver, ["rcs", join(folder, "libnode.a")]);
  const target = join(ROOT, CRATE, "target");
  const { code, output } = await run(
    cargo,
    ["build", "--release", "--locked", "--target", TARGET, "--target-dir", target],
    { cwd: join(ROOT, CRATE), env: { LIBNODE_PATH: folder } },
  );
  if (code !== 0) fail(`cargo build failed:\n${output}`);
  copyFileSync(join(target, TARGET, "release/starmesh_dataplane.dll"), join(ROOT, OUTPUT));
  markCurrent("windows", hash);
}

/**
 * @param {string} text
 * @returns {never}
 */
function fail(text) {
  process.stderr.write(`${text}\n`);
  process.exit(1);
}
