/** Stock WireGuard clients that this node serves. */
import { randomBytes } from "node:crypto";
import { formatAddress, isPrivate, parseAddress } from "../../src-shared/address.ts";
import type { Handlers } from "../../src-shared/api/contract.ts";
import { toBase64 } from "../../src-shared/bytes.ts";
import { AppError } from "../../src-shared/errors.ts";
import { hostPort, joinHostPort, nodeName, splitHostPort } from "../../src-shared/ids.ts";
import { newSessionPair, newSigningKey } from "../engine/crypto.ts";
import type { Engine, Held } from "../engine/engine.ts";
import { tunMtu } from "../engine/interface.ts";
import { signStock } from "../engine/issue.ts";
import type { Install } from "./install.ts";

/** Answers of the noun “wireguard”. */
export function wireguardHandlers({ engine }: Install): Pick<Handlers, "wireguard.add"> {
  return {
    "wireguard.add": async ({ name, network, endpoint }) => {
      if (!nodeName.safeParse(name).success) throw new AppError("name-invalid", { name });
      const held = network === undefined ? onlyNetwork(engine) : engine.find(network);
      const { loop, stored } = held;
      if (loop === null) throw new AppError("network-off", { name: stored.name });
      const control = await loop.online();
      const own = loop.machine.ownCertificate();
      if (own?.body.rights.gateway == null) {
        throw new AppError("not-admin", { devices: loop.machine.membership.issuers().join(", ") });
      }
      const { surroundings } = engine;
      const client = newSigningKey();
      const pair = newSessionPair(surroundings.cryptography);
      const presharedKey = toBase64(randomBytes(32));
      const held60 = await control.request({ call: "reserve", name, identity: client.key });
      const certificate = signStock(
        {
          network: stored.network,
          identity: client.key,
          sessionKey: pair.publicKey,
          name: held60.name,
          address: held60.address,
        },
        engine.identity,
        Date.now(),
      );
      loop.update({ stock: [...loop.stored.stock, { sessionKey: pair.publicKey, presharedKey }] });
      await loop.publish([certificate]);
      const reached = chooseEndpoint(engine, endpoint);
      return {
        name: held60.name,
        address: held60.address,
        warnings: reached.warnings,
        profile: [
          "[Interface]",
          `PrivateKey = ${pair.privateKey}`,
          `Address = ${held60.address}/32`,
          `MTU = ${tunMtu}`,
          "",
          "[Peer]",
          `PublicKey = ${loop.session.publicKey}`,
          `PresharedKey = ${presharedKey}`,
          `Endpoint = ${reached.endpoint}`,
          `AllowedIPs = ${loop.machine.record()?.ranges.join(", ") ?? own.body.addresses.join(", ")}`,
          "PersistentKeepalive = 25",
          "",
        ].join("\n"),
      };
    },
  };
}

function onlyNetwork(engine: Engine): Held {
  const [only, second] = engine.networks();
  if (only === undefined) throw new AppError("unknown-network", { name: "" });
  if (second !== undefined) {
    const list = engine.networks().map(({ stored }) => stored.name);
    throw new AppError("ambiguous-network", { name: "", list: list.join(", ") });
  }
  return only;
}

/** Where the client will look for this node: as told, else a declared or public address, else one of this LAN. */
function chooseEndpoint(
  engine: Engine,
  told: string | undefined,
): { readonly endpoint: string; readonly warnings: string[] } {
  if (told !== undefined) {
    const whole = hostPort.safeParse(told).success ? told : joinHostPort(told, engine.port);
    if (!hostPort.safeParse(whole).success) {
      throw new AppError("usage", { detail: `“${told}” is no endpoint: write HOST or HOST:PORT.` });
    }
    return { endpoint: whole, warnings: [] };
  }
  const [declared] = engine.surroundings.declared();
  if (declared !== undefined) return { endpoint: declared, warnings: [] };
  const [reflexive = null] = engine.whereabouts.outside.reflexive();
  const local = engine.system
    .interfaces()
    .filter((each) => each.up && !each.loopback && !each.name.startsWith("starmesh"))
    .flatMap((each) => each.addresses.filter(({ linkLocal }) => !linkLocal))
    .map(({ address }) => formatAddress(address))
    .map((host) => joinHostPort(host, engine.port));
  const [first = joinHostPort("127.0.0.1", engine.port)] = local;
  if (reflexive !== null && !local.includes(reflexive)) {
    const warning = `This machine is behind a router: forward UDP port ${engine.port} there, or give --endpoint.`;
    return { endpoint: reflexive, warnings: [warning] };
  }
  const address = parseAddress(splitHostPort(first)?.host ?? "");
  const lanOnly = address !== null && isPrivate(address);
  return {
    endpoint: first,
    warnings: lanOnly
      ? ["This profile works only on this LAN. Use --endpoint HOST to name a public address."]
      : [],
  };
}
