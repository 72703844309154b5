/** Asks the gateway of a network to let a UDP port in, by whichever of three protocols it speaks. */
import { randomBytes } from "node:crypto";
import { createSocket } from "node:dgram";
import { request } from "node:http";
import type { Address } from "../../src-shared/address.ts";
import { formatAddress, parseAddress } from "../../src-shared/address.ts";
import { joinHostPort } from "../../src-shared/ids.ts";
import { encodeAddressRequest, encodeMappingRequest, parseNatPmpAnswer } from "./nat-pmp.ts";
import { encodePcpRequest, gatewayPort, nonceBytes, parsePcpAnswer } from "./pcp.ts";
import type { GatewayService, SoapAnswer } from "./upnp.ts";
import { parseDescription, parseSearchAnswer, parseSoapAnswer, searchRequest, soapBody } from "./upnp.ts";

/** A network's gateway and our own address in that network, IPv4. */
export interface GatewayPlace {
  readonly gateway: string;
  readonly local: string;
}

/** A port that the gateway lets in. */
export interface PortMapping {
  readonly protocol: "pcp" | "nat-pmp" | "upnp";
  /** Where the world reaches it. */
  readonly endpoint: string;
  /** How long the gateway keeps it; null for ever. */
  readonly seconds: number | null;
  /** Makes it last as long again; null when the gateway refuses or is silent. */
  renew(): Promise<PortMapping | null>;
  /** Takes it back. Never rejects. */
  remove(): Promise<void>;
}

/** Maps our UDP port from outside, to the same outer port if that is free; null when no gateway does. */
export async function mapPort(place: GatewayPlace, port: number): Promise<PortMapping | null> {
  return (await byPcp(place, port)) ?? (await byNatPmp(place, port)) ?? (await byUpnp(place, port));
}

async function byPcp(place: GatewayPlace, port: number): Promise<PortMapping | null> {
  const client = parseAddress(place.local);
  if (client === null) return null;
  const nonce = randomBytes(nonceBytes);
  const ask = (lifetime: number, externalPort: number, external: Address) => {
    const bytes = encodePcpRequest({ lifetime, client, nonce, internalPort: port, externalPort, external });
    return exchange(place, bytes, (answer) => {
      const parsed = parsePcpAnswer(answer);
      return parsed?.internalPort === port && nonce.equals(parsed.nonce) ? parsed : null;
    });
  };
  const map = async (externalPort: number, wish: Address): Promise<PortMapping | null> => {
    const answer = await ask(lifetimeSeconds, externalPort, wish);
    if (answer === null || answer.result !== 0 || answer.lifetime === 0) return null;
    if (answer.external.value === 0n || answer.externalPort === 0) return null;
    return {
      protocol: "pcp",
      endpoint: joinHostPort(formatAddress(answer.external), answer.externalPort),
      seconds: answer.lifetime,
      renew: () => map(answer.externalPort, answer.external),
      remove: async () => void (await ask(0, 0, anyAddress)),
    };
  };
  return map(port, anyAddress);
}

async function byNatPmp(place: GatewayPlace, port: number): Promise<PortMapping | null> {
  const ask = (externalPort: number, lifetime: number) =>
    exchange(place, encodeMappingRequest({ internalPort: port, externalPort, lifetime }), (bytes) => {
      const answer = parseNatPmpAnswer(bytes);
      return answer?.kind === "mapping" && answer.internalPort === port ? answer : null;
    });
  const map = async (externalPort: number): Promise<PortMapping | null> => {
    const outer = await exchange(place, encodeAddressRequest(), (bytes) => {
      const answer = parseNatPmpAnswer(bytes);
      return answer?.kind === "address" ? answer : null;
    });
    if (outer === null || outer.result !== 0 || outer.address.value === 0n) return null;
    const answer = await ask(externalPort, lifetimeSeconds);
    if (answer === null || answer.result !== 0 || answer.lifetime === 0) return null;
    return {
      protocol: "nat-pmp",
      endpoint: joinHostPort(formatAddress(outer.address), answer.externalPort),
      seconds: answer.lifetime,
      renew: () => map(answer.externalPort),
      remove: async () => void (await ask(0, 0)),
    };
  };
  return map(port);
}

async function byUpnp(place: GatewayPlace, port: number): Promise<PortMapping | null> {
  const service = await findService(place);
  if (service === null) return null;
  const call = (action: string, values: Readonly<Record<string, string | number>>) =>
    soap(place, { service, action, values });
  const where = (external: number) => ({
    NewRemoteHost: "",
    NewExternalPort: external,
    NewProtocol: "UDP",
  });
  const map = async (external: number, seconds: number, tries: number): Promise<PortMapping | null> => {
    const added = await call("AddPortMapping", {
      ...where(external),
      NewInternalPort: port,
      NewInternalClient: place.local,
      NewEnabled: 1,
      NewPortMappingDescription: "Starmesh",
      NewLeaseDuration: seconds,
    });
    if (!added.ok) {
      if (tries === 0) return null;
      if (added.code === onlyPermanent) return map(external, 0, tries - 1);
      return added.code === conflict ? map(anyPort(), seconds, tries - 1) : null;
    }
    const told = await call("GetExternalIPAddress", {});
    const outer = parseAddress((told.ok && told.values.get("NewExternalIPAddress")) || "");
    const remove = async () => void (await call("DeletePortMapping", where(external)));
    if (outer === null || outer.value === 0n) {
      await remove();
      return null;
    }
    return {
      protocol: "upnp",
      endpoint: joinHostPort(formatAddress(outer), external),
      seconds: seconds === 0 ? null : seconds,
      renew: () => map(external, seconds, 0),
      remove,
    };
  };
  return map(port, lifetimeSeconds, mappingTries);
}

/** One datagram to the gateway and the first answer of it that is one; asked again a few times, then null. */
async function exchange<Answer>(
  { gateway, local }: GatewayPlace,
  bytes: Uint8Array,
  parse: (bytes: Uint8Array) => Answer | null,
): Promise<Answer | null> {
  return ask(local, (socket, done) => {
    socket.on("message", (message, from) => {
      if (from.address !== gateway || from.port !== gatewayPort) return;
      const answer = parse(message);
      if (answer !== null) done(answer);
    });
    return () => socket.send(bytes, gatewayPort, gateway);
  });
}

async function findService(place: GatewayPlace): Promise<GatewayService | null> {
  const location = await ask<URL>(place.local, (socket, done) => {
    socket.on("message", (message, from) => {
      const found = from.address === place.gateway ? parseSearchAnswer(String(message), from.address) : null;
      if (found !== null) done(found);
    });
    return () => {
      socket.setMulticastInterface(place.local);
      for (const target of searchTargets) {
        for (const host of [place.gateway, searchGroup]) socket.send(searchRequest(target), searchPort, host);
      }
    };
  });
  if (location === null) return null;
  const description = await http(place, { url: location, method: "GET", headers: {}, body: "" });
  return description === null ? null : parseDescription(description, location);
}

/** Opens a socket, sends now and again until something is done or the patience is over. */
function ask<Answer>(
  local: string,
  prepare: (socket: ReturnType<typeof createSocket>, done: (answer: Answer) => void) => () => void,
): Promise<Answer | null> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    const timers: NodeJS.Timeout[] = [];
    const done = (answer: Answer | null) => {
      for (const timer of timers.splice(0)) clearTimeout(timer);
      socket.removeAllListeners();
      socket.on("error", () => undefined);
      socket.close();
      resolve(answer);
    };
    // A gateway that is gone, or an address that is not ours any more.
    socket.on("error", () => done(null));
    const prepared = prepare(socket, done);
    const send = () => {
      try {
        prepared();
      } catch {
        // The address is no longer this machine's.
        done(null);
      }
    };
    socket.bind({ port: 0, address: local }, () => {
      for (const wait of askAgain) timers.push(setTimeout(send, wait));
      timers.push(setTimeout(() => done(null), patienceMillis));
      send();
    });
  });
}

async function soap(
  place: GatewayPlace,
  {
    service,
    action,
    values,
  }: {
    readonly service: GatewayService;
    readonly action: string;
    readonly values: Readonly<Record<string, string | number>>;
  },
): Promise<SoapAnswer> {
  const answer = await http(place, {
    url: service.control,
    method: "POST",
    headers: { "content-type": 'text/xml; charset="utf-8"', soapaction: `"${service.type}#${action}"` },
    body: soapBody(service.type, action, values),
  });
  return answer === null ? { ok: false, code: 0 } : parseSoapAnswer(answer, action);
}

/** The body of an answer whatever its status; null without one in time or when it is too long. */
function http(
  { local }: GatewayPlace,
  {
    url,
    method,
    headers,
    body,
  }: {
    readonly url: URL;
    readonly method: "GET" | "POST";
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  },
): Promise<string | null> {
  return new Promise((resolve) => {
    const asked = request(
      url,
      {
        method,
        localAddress: local,
        agent: false,
        headers: { ...headers, "content-length": Buffer.byteLength(body) },
      },
      (answer) => {
        let text = "";
        answer.setEncoding("utf8");
        answer.on("data", (part: string) => {
          text += part;
          if (text.length > longestBody) asked.destroy();
        });
        answer.on("end", () => resolve(text));
        answer.on("error", () => resolve(null));
      },
    );
    asked.setTimeout(patienceMillis, () => asked.destroy());
    asked.on("error", () => resolve(null));
    asked.on("close", () => resolve(null));
    asked.end(body);
  });
}

function anyPort(): number {
  return 20_000 + (randomBytes(2).readUInt16BE() % 40_000);
}

const anyAddress: Address = { family: 4, value: 0n };
/** Short enough that a gateway which forgot it, or a machine which is gone, is no lasting matter. */
const lifetimeSeconds = 1200;
const askAgain = [250, 750];
const patienceMillis = 1500;
const longestBody = 262_144;
const searchGroup = "239.255.255.250";
const searchPort = 1900;
const searchTargets = [1, 2].map((version) => `urn:schemas-upnp-org:device:InternetGatewayDevice:${version}`);
/** UPnP errors of AddPortMapping: the outer port is taken; leases are for ever or not at all. */
const conflict = 718;
const onlyPermanent = 725;
const mappingTries = 4;
