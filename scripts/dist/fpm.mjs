#!/usr/bin/env node
// @ts-check
/**
 * Makes deb and rpm packages with the systems' own tools, when electron-builder calls it in place of fpm
 * (CUSTOM_FPM_PATH). It takes the arguments that electron-builder gives, and refuses any other.
 */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

/** What a package says of itself, and its files.
 * @typedef {{ kind: "deb" | "rpm", architecture: string, name: string, version: string, description: string,
 *   summary: string, maintainer: string, vendor: string, url: string, licence: string, section: string,
 *   priority: string, compression: string, depends: readonly string[], recommends: readonly string[],
 *   scripts: Readonly<Partial<Record<Script, string>>>, files: readonly { from: string, to: string }[],
 *   output: string }} Wish */
/** @typedef {"after-install" | "before-remove" | "after-remove"} Script */

/**
 * Reads the arguments of a call of fpm.
 * @param {readonly string[]} args
 * @returns {Wish}
 */
export function readWish(args) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      "input-type": { type: "string", short: "s" },
      "output-type": { type: "string", short: "t" },
      architecture: { type: "string", short: "a" },
      name: { type: "string", short: "n" },
      version: { type: "string", short: "v" },
      package: { type: "string", short: "p" },
      force: { type: "boolean", short: "f" },
      description: { type: "string" },
      maintainer: { type: "string" },
      vendor: { type: "string" },
      url: { type: "string" },
      license: { type: "string" },
      category: { type: "string" },
      "after-install": { type: "string" },
      "before-remove": { type: "string" },
      "after-remove": { type: "string" },
      depends: { type: "string", short: "d", multiple: true },
      "deb-recommends": { type: "string", multiple: true },
      "deb-priority": { type: "string" },
      "deb-compression": { type: "string" },
      "rpm-compression": { type: "string" },
      "rpm-rpmbuild-define": { type: "string", multiple: true },
      "rpm-summary": { type: "string" },
      "rpm-os": { type: "string" },
      "rpm-tag": { type: "string", multiple: true },
    },
  });
  const kind = values["output-type"];
  if (values["input-type"] !== "dir" || (kind !== "deb" && kind !== "rpm")) {
    throw new Error("only folders become packages here, and only deb and rpm");
  }
  const [summary = "", ...more] = (values.description ?? "").split("\n");
  return {
    kind,
    architecture: values.architecture ?? "",
    name: values.name ?? "",
    // What comes before a release sorts before it.
    version: (values.version ?? "").replaceAll("-", "~"),
    summary: (values["rpm-summary"] ?? summary).trim(),
    description: more.join("\n").trim() || summary.trim(),
    maintainer: values.maintainer ?? "",
    vendor: values.vendor ?? "",
    url: values.url ?? "",
    licence: values.license ?? "",
    section: values.category ?? "net",
    priority: values["deb-priority"] ?? "optional",
    compression: values[`${kind}-compression`] ?? "xz",
    depends: values.depends ?? [],
    recommends: values["deb-recommends"] ?? [],
    scripts: Object.fromEntries(
      SCRIPTS.flatMap((name) => (values[name] ? [[name, resolve(values[name])]] : [])),
    ),
    files: positionals.map((pair) => {
      const [from = "", to = ""] = pair.split("=");
      if (!to.startsWith("/")) throw new Error(`${pair} does not say where it goes`);
      return { from, to };
    }),
    output: values.package ?? "",
  };
}

/**
 * Makes the package.
 * @param {Wish} wish
 */
export function makePackage(wish) {
  const work = mkdtempSync(join(tmpdir(), "starmesh-package-"));
  try {
    const tree = join(work, "tree");
    for (const { from, to } of wish.files) lay(from, join(tree, to), to);
    rmSync(wish.output, { force: true });
    mkdirSync(dirname(wish.output), { recursive: true });
    if (wish.kind === "deb") makeDeb(wish, tree);
    else makeRpm(wish, tree, work);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/**
 * Like fpm: `folder/=/target` lays the folder's content there, `file=/target` the file under that name.
 * @param {string} from
 * @param {string} target
 * @param {string} to
 */
function lay(from, target, to) {
  const within = to.endsWith("/") && !statSync(from).isDirectory() ? join(target, basename(from)) : target;
  mkdirSync(dirname(within), { recursive: true });
  cpSync(from, within, { recursive: true, verbatimSymlinks: true });
}

/**
 * @param {Wish} wish
 * @param {string} tree
 */
function makeDeb(wish, tree) {
  const control = join(tree, "DEBIAN");
  const bytes = sizeOf(tree);
  mkdirSync(control);
  const lines = [
    `Package: ${wish.name}`,
    `Version: ${wish.version}`,
    `Architecture: ${wish.architecture}`,
    `Maintainer: ${wish.maintainer}`,
    `Installed-Size: ${Math.ceil(bytes / 1024)}`,
    ...(wish.depends.length > 0 ? [`Depends: ${wish.depends.join(", ")}`] : []),
    ...(wish.recommends.length > 0 ? [`Recommends: ${wish.recommends.join(", ")}`] : []),
    `Section: ${wish.section}`,
    `Priority: ${wish.priority}`,
    ...(wish.url ? [`Homepage: ${wish.url}`] : []),
    `Description: ${wish.summary}`,
    ...wish.description.split("\n").map((line) => ` ${line.trim() === "" ? "." : line}`),
  ];
  writeFileSync(join(control, "control"), `${lines.join("\n")}\n`);
  for (const name of SCRIPTS) {
    const script = wish.scripts[name];
    if (script === undefined) continue;
    copyFileSync(script, join(control, DEB_SCRIPTS[name]));
    chmodSync(join(control, DEB_SCRIPTS[name]), 0o755);
  }
  const args = ["--root-owner-group", `-Z${wish.compression}`, "--build", tree, wish.output];
  execFileSync("dpkg-deb", args, { stdio: ["ignore", "ignore", "inherit"] });
}

/**
 * @param {Wish} wish
 * @param {string} tree
 * @param {string} work
 */
function makeRpm(wish, tree, work) {
  const spec = join(work, "package.spec");
  const lines = [
    `Name: ${wish.name}`,
    `Version: ${wish.version}`,
    "Release: 1",
    `Summary: ${wish.summary}`,
    `License: ${wish.licence || "unknown"}`,
    ...(wish.vendor ? [`Vendor: ${wish.vendor}`] : []),
    ...(wish.url ? [`URL: ${wish.url}`] : []),
    ...(wish.maintainer ? [`Packager: ${wish.maintainer}`] : []),
    // What is packed brings its own libraries, which nobody else may take for the system's.
    "AutoReqProv: no",
    ...wish.depends.map((name) => `Requires: ${name}`),
    "%description",
    wish.description,
    ...SCRIPTS.flatMap((name) => {
      const script = wish.scripts[name];
      return script === undefined ? [] : [RPM_SCRIPTS[name], readFileSync(script, "utf8")];
    }),
    "%files",
    "%defattr(-,root,root,-)",
    // Folders that belong to the system are not this package's; those of its own are.
    ...filesUnder(tree, "").map((path) => `"/${path}"`),
    "",
  ];
  writeFileSync(spec, lines.join("\n"));
  const defines = {
    _topdir: join(work, "rpm"),
    _rpmdir: join(work, "made"),
    _rpmfilename: "package.rpm",
    _binary_payload: wish.compression === "xz" || wish.compression === "xzmt" ? "w6.xzdio" : "w9.gzdio",
    _build_id_links: "none",
    __os_install_post: "%{nil}",
    debug_package: "%{nil}",
  };
  const args = Object.entries(defines).flatMap(([name, value]) => ["--define", `${name} ${value}`]);
  const target = ["--target", RPM_ARCHITECTURES[wish.architecture] ?? wish.architecture];
  execFileSync("rpmbuild", ["-bb", "--quiet", ...target, "--buildroot", tree, ...args, spec], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  copyFileSync(join(work, "made/package.rpm"), wish.output);
}

/**
 * @param {string} folder
 * @param {string} under
 * @returns {string[]} files and links, relative
 */
function filesUnder(folder, under) {
  return readdirSync(join(folder, under), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesUnder(folder, join(under, entry.name)) : [join(under, entry.name)],
  );
}

/** @param {string} folder */
function sizeOf(folder) {
  return filesUnder(folder, "").reduce((sum, path) => sum + statSync(join(folder, path)).size, 0);
}

/** @type {readonly Script[]} */
const SCRIPTS = ["after-install", "before-remove", "after-remove"];
/** @type {Readonly<Record<Script, string>>} */
const DEB_SCRIPTS = { "after-install": "postinst", "before-remove": "prerm", "after-remove": "postrm" };
/** @type {Readonly<Record<Script, string>>} */
const RPM_SCRIPTS = { "after-install": "%post", "before-remove": "%preun", "after-remove": "%postun" };
/** @type {Readonly<Record<string, string>>} */
const RPM_ARCHITECTURES = { amd64: "x86_64", arm64: "aarch64" };

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    makePackage(readWish(process.argv.slice(2)));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exitCode = 1;
  }
}
