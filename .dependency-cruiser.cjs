// Who may import whom, and why. `npm run check` enforces it; test/unit/layers.test.ts plants a violation of every
// rule, so that none of them can rot.

/** Every folder with code of ours; what a layer may reach is listed against this. */
const OURS = "^(src-shared|src-main|src-renderer|drivers|scripts|test)/";

/** What starts one state folder, in the files beside the entries. */
const WIRING = "^src-main/(compose|router-(role|realm|entrances|plane)|run-daemon|unexpected)\\.ts$";

const VERSION = "^src-main/version\\.ts$";

/** Which state folder, who holds it, and the calling end of its socket. */
const ATTACHING = "^src-main/(engine/(folder|lock)|server/attach)\\.ts$";

/** The engine as a service of the system, which no engine that runs can lay for itself; what a killed one left. */
const SERVICE = "^src-main/(system/(open-|windows-)?service(-run)?|engine/take-back)\\.ts$";

/**
 * One layer: the files it consists of and the folders of ours that it may import besides its own.
 * @param {string} name
 * @param {string} from
 * @param {string[]} allowed
 * @param {string} comment
 */
function layer(name, from, allowed, comment) {
  return {
    name,
    comment,
    severity: "error",
    from: { path: from },
    to: { path: OURS, pathNot: [from, ...allowed] },
  };
}

module.exports = {
  forbidden: [
    layer(
      "shared-imports-nothing-of-ours",
      "^src-shared/",
      [],
      "The words are spoken by every process and by the browser: whatever they import, all of them carry.",
    ),
    {
      name: "shared-uses-zod-only",
      comment:
        "The words run everywhere, also where there is no Node and no page: zod is the one library that does too.",
      severity: "error",
      from: { path: "^src-shared/" },
      to: {
        dependencyTypes: ["core", "npm", "npm-dev", "npm-optional", "npm-peer", "npm-no-pkg", "undetermined"],
        pathNot: "(^|/)node_modules/zod/",
      },
    },
    layer(
      "mesh-imports-shared-only",
      "^src-main/mesh/",
      ["^src-shared/"],
      "Decisions are pure, so that a thousand simulated nodes run in one test: nothing that performs may be in reach.",
    ),
    {
      name: "mesh-uses-no-library",
      comment:
        "Node's modules and packages bring clocks, sockets and chance; the simulation could not replay them.",
      severity: "error",
      from: { path: "^src-main/mesh/" },
      to: {
        dependencyTypes: ["core", "npm", "npm-dev", "npm-optional", "npm-peer", "npm-no-pkg", "undetermined"],
      },
    },
    layer(
      "drivers-import-shared-only",
      "^drivers/",
      ["^src-shared/"],
      "What moves packets knows no policy: it is told by calls and tells by events.",
    ),
    layer(
      "edges-import-shared-only",
      "^src-main/(transport|system|apps)/",
      ["^src-shared/", "^drivers/"],
      "Ways out, the operating system and apps are edges: they can be faked one by one only while they know no one else.",
    ),
    {
      name: "edges-do-not-import-each-other",
      comment: "An edge that leans on another edge can no longer be tested or replaced alone.",
      severity: "error",
      from: { path: "^src-main/(transport|system|apps)/" },
      to: { path: "^src-main/(transport|system|apps)/", pathNot: "^src-main/$1/" },
    },
    {
      name: "edges-take-only-types-of-drivers",
      comment:
        "Loading the addon is the engine's business: edges receive its handles and need their types alone. Opening an interface is asked of the system like its addresses.",
      severity: "error",
      from: { path: "^src-main/(transport|system|apps)/" },
      to: { path: "^drivers/", pathNot: "^drivers/tun/", dependencyTypesNot: ["type-only"] },
    },
    layer(
      "engine-performs",
      "^src-main/engine/",
      ["^src-main/(mesh|transport|system)/", "^drivers/", "^src-shared/"],
      "The engine feeds mesh/ and carries its effects out; who asks for what is decided above it.",
    ),
    layer(
      "server-serves",
      "^src-main/server/",
      ["^src-main/(mesh|transport)/", "^src-shared/"],
      "A router carries sealed state for others: it must work without an engine, a data plane or a TUN of its own.",
    ),
    layer(
      "handlers-answer-below-shell",
      "^src-main/handlers/",
      ["^src-main/(mesh|engine|transport|server|apps|system)/", WIRING, VERSION, "^drivers/", "^src-shared/"],
      "A call has the same answer over every channel, so its handler cannot know the window.",
    ),
    layer(
      "compose-wires-below-shell",
      WIRING,
      [
        "^src-main/(mesh|engine|transport|server|apps|system|handlers)/",
        VERSION,
        "^drivers/",
        "^src-shared/",
      ],
      "One state folder is wired the same way with and without a window.",
    ),
    layer(
      "entries-start-or-attach",
      "^src-main/((app|daemon|cli)\\.ts$|commands/)",
      [WIRING, VERSION, ATTACHING, SERVICE, "^src-main/shell/", "^src-shared/"],
      "An entry reads its arguments, then starts something, has the system start it, or attaches to what runs; wiring there would be a second product.",
    ),
    {
      name: "window-only-from-its-entry",
      comment: "Command line and daemon run where no electron is: only app.ts may reach for the window.",
      severity: "error",
      from: { path: OURS, pathNot: "^(src-main/app\\.ts$|src-main/shell/|test/)" },
      to: { path: "^src-main/shell/" },
    },
    layer(
      "shell-is-a-client",
      "^src-main/shell/",
      ["^src-shared/"],
      "The window speaks the contract like every other client; it holds no second way into the engine.",
    ),
    {
      name: "electron-only-in-shell",
      comment: "Everything but the window runs headless under plain Node, where electron cannot be imported.",
      severity: "error",
      from: { path: OURS, pathNot: "^(src-main/shell/|test/)" },
      to: { path: "(^|/)node_modules/electron/|^electron(/|$)" },
    },
    layer(
      "renderer-imports-shared-only",
      "^src-renderer/",
      ["^src-shared/"],
      "The same pages run in the window and in any browser: everything they need comes over the contract.",
    ),
    {
      name: "renderer-uses-no-node",
      comment: "A browser has none of Node's modules.",
      severity: "error",
      from: { path: "^src-renderer/" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "renderer-uses-page-libraries-only",
      comment:
        "What runs in the page is react, zustand and the UI kit; a server's library there is dead weight or a leak.",
      severity: "error",
      from: { path: "^src-renderer/" },
      to: {
        path: "(^|/)node_modules/",
        pathNot:
          "(^|/)node_modules/(@types/)?(react|react-dom|zustand|@mantine|@tabler|d3-force|uplot|qr|zod|vite)/",
      },
    },
    {
      name: "product-does-not-import-test",
      comment: "What ships cannot depend on what only proves it.",
      severity: "error",
      from: { pathNot: "^test/" },
      to: { path: "^test/" },
    },
    {
      name: "product-does-not-import-scripts",
      comment: "Scripts build and check; the product runs without them.",
      severity: "error",
      from: { path: "^(src-shared|src-main|src-renderer|drivers)/" },
      to: { path: "^scripts/" },
    },
    {
      name: "no-cycles",
      comment: "Two files that need each other are one noun, or hide a third.",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    {
      name: "everything-resolves",
      comment: "An import that cannot be resolved is one that no rule above has judged.",
      severity: "error",
      from: {},
      to: { couldNotResolve: true, pathNot: "\\.node$|\\.css$" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^(out|drivers/[^/]+/target)/" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["types", "import", "node", "default"],
      extensions: [".ts", ".tsx", ".mjs", ".js", ".json", ".css", ".d.ts"],
    },
  },
};
