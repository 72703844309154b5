/** Calls about names. */
import { parseAddress } from "../../src-shared/address.ts";
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { NameEntry } from "../../src-shared/names.ts";
import { nameEntry, relativeName } from "../../src-shared/names.ts";
import type { Engine, Held } from "../engine/engine.ts";
import type { Install } from "./install.ts";

/** Answers of the noun “names”. */
export function nameHandlers({
  engine,
}: Install): Pick<Handlers, "names.list" | "names.add" | "names.remove"> {
  return {
    "names.list": async ({ network }) => {
      const chosen = network === undefined ? engine.networks() : [engine.find(network)];
      return chosen.map((held) => engine.namesOf(held));
    },
    "names.add": async ({ name, value, network }) => {
      const { stored } = theOnly(engine, network);
      const entry = parseEntry(name, value);
      await engine.administration(stored.network).addName(entry);
      return { name: entry.name, value: entry.kind === "address" ? entry.address : entry.of };
    },
    "names.remove": async ({ name, network }) => {
      const { stored } = theOnly(engine, network);
      const parsed = relativeName.safeParse(name);
      await engine.administration(stored.network).removeName(parsed.success ? parsed.data : name);
      return {};
    },
  };
}

/** An address leads there; anything else is the name of something in the network. */
function parseEntry(name: string, value: string): NameEntry {
  const parsed = nameEntry.safeParse(
    parseAddress(value) === null
      ? { kind: "alias", name, of: value }
      : { kind: "address", name, address: value },
  );
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const wrong = issue?.path[0] === "name" ? name : value;
  throw new AppError("usage", { detail: `“${wrong}”: ${issue?.message ?? "not understood"}.` });
}

/** The network named, or the only one there is. */
function theOnly(engine: Engine, network: string | undefined): Held {
  if (network !== undefined) return engine.find(network);
  const [only, second] = engine.networks();
  if (only === undefined) throw new AppError("unknown-network", { name: "" });
  if (second === undefined) return only;
  const list = engine.networks().map(({ stored }) => stored.name);
  throw new AppError("usage", { detail: `This machine is in ${list.join(", ")}: say which with --network.` });
}
