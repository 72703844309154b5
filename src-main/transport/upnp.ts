/** What UPnP internet gateways (IGD 1 and 2) say and are told: SSDP answers, device descriptions, SOAP. Text only. */

/** A service that maps ports, and where it is told to. */
export interface GatewayService {
  /** `urn:schemas-upnp-org:service:WANIPConnection:1` */
  readonly type: string;
  readonly control: URL;
}

/** What a SOAP call came to. */
export type SoapAnswer =
  | { readonly ok: true; readonly values: ReadonlyMap<string, string> }
  /** UPnP's error number; 0 when there is none in it. */
  | { readonly ok: false; readonly code: number };

/** The question for gateways, for UDP port 1900 of the gateway and of `239.255.255.250`. */
export function searchRequest(target: string): string {
  return [
    "M-SEARCH * HTTP/1.1",
    "HOST: 239.255.255.250:1900",
    'MAN: "ssdp:discover"',
    "MX: 1",
    `ST: ${target}`,
    "",
    "",
  ].join("\r\n");
}

/**
 * Where the description of an answering gateway is; null for any other datagram, and for a place that is not at the
 * host which answered: nobody sends us elsewhere.
 */
export function parseSearchAnswer(text: string, from: string): URL | null {
  const [status = "", ...lines] = text.split(/\r?\n/);
  if (!/^HTTP\/1\.[01] 200\b/.test(status)) return null;
  const header = (name: string) =>
    lines
      .find((line) => line.toLowerCase().startsWith(`${name}:`))
      ?.slice(name.length + 1)
      .trim() ?? "";
  if (!/InternetGatewayDevice|WAN(?:IP|PPP)Connection/.test(header("st"))) return null;
  return ownUrl(header("location"), from);
}

/** The first service of a device description that maps ports; null without one. */
export function parseDescription(xml: string, at: URL): GatewayService | null {
  for (const [, service = ""] of xml.matchAll(/<service>([\s\S]*?)<\/service>/g)) {
    const type = element(service, "serviceType");
    if (!mappingService.test(type)) continue;
    const base = element(xml, "URLBase") || at.href;
    const control = URL.canParse(element(service, "controlURL"), base)
      ? ownUrl(new URL(element(service, "controlURL"), base).href, at.hostname)
      : null;
    if (control !== null) return { type, control };
  }
  return null;
}

/** Body of a SOAP call; the header `SOAPAction` is `"type#action"`. */
export function soapBody(
  type: string,
  action: string,
  values: Readonly<Record<string, string | number>>,
): string {
  const inside = Object.entries(values).map(
    ([name, value]) => `<${name}>${escapeXml(String(value))}</${name}>`,
  );
  return (
    '<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" ' +
    's:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>' +
    `<u:${action} xmlns:u="${escapeXml(type)}">${inside.join("")}</u:${action}></s:Body></s:Envelope>`
  );
}

/** What a SOAP call answered, whatever its HTTP status. */
export function parseSoapAnswer(xml: string, action: string): SoapAnswer {
  const inside = new RegExp(
    `<(?:[\\w-]+:)?${action}Response\\b([^>]*?)(?:/>|>([\\s\\S]*?)</(?:[\\w-]+:)?${action}Response>)`,
  );
  const found = inside.exec(xml);
  if (found === null) return { ok: false, code: Number(element(xml, "errorCode")) || 0 };
  const values = (found[2] ?? "").matchAll(/<([\w-]+)[^>]*>([^<]*)<\/\1>/g);
  return {
    ok: true,
    values: new Map([...values].map(([, name = "", value = ""]) => [name, unescapeXml(value)])),
  };
}

function ownUrl(text: string, host: string): URL | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  return url.protocol === "http:" && url.hostname === host && url.username === "" ? url : null;
}

function element(xml: string, name: string): string {
  return unescapeXml(new RegExp(`<${name}>\\s*([^<]*?)\\s*</${name}>`).exec(xml)?.[1] ?? "");
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function unescapeXml(text: string): string {
  return text.replace(/&(?:#(\d{1,6})|(amp|lt|gt|quot|apos));/g, (whole, number?: string, name?: string) =>
    number === undefined
      ? (entities.get(name ?? "") ?? whole)
      : String.fromCodePoint(Math.min(Number(number), 0x10ffff)),
  );
}

const entities: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);
const mappingService = /^urn:schemas-upnp-org:service:WAN(?:IP|PPP)Connection:[12]$/;
