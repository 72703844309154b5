/** Calls about names. */
import { parseAddress } from "../../src-shared/address.ts";
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { NameEntry } from "../../src-shared/names.ts";
import { nameEntry, relativeName } from "../../src-shared/names.ts";
import type { Install } from "./install.ts";
import { onlyNetwork } from "./only-network.ts";

/** Answers of the noun “names”. */
export function nameHandlers({
  engine,
}: Install): Pick<Handlers, "names.list" | "names.add" | "names.remove"> {
  return {
    "names.list": async ({ network }) => {
      const chosen = network === undefined ? engine.networks.all() : [engine.networks.find(network)];
      return chosen.map((held) => engine.namesOf(held));
    },
    "names.add": async ({ name, value, network }) => {
      const { stored } = onlyNetwork(engine, network);
      const entry = parseEntry(name, value);
      await engine.administration(stored.network).addName(entry);
      return { name: entry.name, value: entry.kind === "address" ? entry.address : entry.of };
    },
    "names.remove": async ({ name, network }) => {
      const { stored } = onlyNetwork(engine, network);
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
