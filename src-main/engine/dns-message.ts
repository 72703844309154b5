/** Messages of the domain name system (RFC 1035, EDNS of RFC 6891): what a resolver reads and writes. */
import dnsPacket from "dns-packet";
import type { NameRecord, Resolution } from "../mesh/names.ts";

/** One question, as it came. */
export interface Question {
  readonly id: number;
  readonly name: string;
  /** Record type in capitals, `UNKNOWN_…` for one without a name. */
  readonly type: string;
  /** The asker wants recursion. */
  readonly recursion: boolean;
  /** Bytes of the largest datagram that the asker takes; null without EDNS. */
  readonly payload: number | null;
  /** How it stands in the message, to be written back. */
  readonly section: dnsPacket.Question;
}

/** What a message asks; an `error` that is answered as such, or null for what deserves no answer. */
export type Asked =
  | { readonly ok: true; readonly question: Question }
  | { readonly ok: false; readonly id: number; readonly code: ErrorCode };

/** `refused` is for what others have to be asked, `failed` for what none of them answered. */
export type ErrorCode = "format" | "failed" | "unimplemented" | "refused";

/** Reads a query; never throws. Null when it is no query at all. */
export function parseQuery(bytes: Uint8Array): Asked | null {
  if (bytes.length < headerBytes || bytes.length > mostBytes) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [id, flags] = [view.getUint16(0), view.getUint16(2)];
  if ((flags & responseFlag) !== 0) return null;
  if (((flags >> 11) & 15) !== queryOpcode) return { ok: false, id, code: "unimplemented" };
  const packet = decode(bytes);
  const [section, second] = packet?.questions ?? [];
  if (packet === null || section === undefined || second !== undefined || !isWritable(section.name))
    return { ok: false, id, code: "format" };
  if (section.class !== undefined && section.class !== "IN") return { ok: false, id, code: "refused" };
  const edns = packet.additionals?.find(({ type }) => type === "OPT");
  const payload = edns !== undefined && "udpPayloadSize" in edns ? Number(edns.udpPayloadSize) : null;
  return {
    ok: true,
    question: {
      id,
      name: section.name,
      type: section.type,
      recursion: (flags & recursionFlag) !== 0,
      payload,
      section,
    },
  };
}

/** Writes the answer to a question; one that is longer than `limit` bytes says so and is to be asked for over TCP. */
export function encodeAnswer(
  question: Question,
  resolution: Exclude<Resolution, { readonly kind: "foreign" }>,
  limit: number,
): Uint8Array {
  const isFound = resolution.kind === "found";
  const flags =
    dnsPacket.AUTHORITATIVE_ANSWER |
    dnsPacket.RECURSION_AVAILABLE |
    (question.recursion ? recursionFlag : 0) |
    (resolution.kind === "unknown" ? noSuchName : 0);
  const packet: dnsPacket.Packet = {
    type: "response",
    id: question.id,
    flags,
    questions: [question.section],
    answers: isFound ? resolution.records.map((record) => answerOf(record, question)) : [],
    authorities: isFound ? [] : [startOfAuthority(resolution.zone)],
    additionals: question.payload === null ? [] : [ownEdns],
  };
  const whole = dnsPacket.encode(packet);
  if (whole.length <= limit) return whole;
  return dnsPacket.encode({ ...packet, flags: flags | truncatedFlag, answers: [], authorities: [] });
}

/** Writes that a query is not answered, and why; without its question where that could not be read. */
export function encodeError(id: number, code: ErrorCode, question?: Question): Uint8Array {
  return dnsPacket.encode({
    type: "response",
    id,
    flags:
      dnsPacket.RECURSION_AVAILABLE | (question?.recursion === true ? recursionFlag : 0) | errorNumbers[code],
    questions: question === undefined ? [] : [question.section],
    additionals: question?.payload == null ? [] : [ownEdns],
  });
}

/** Bytes of the largest datagram that may answer a question: what the asker takes, and passes everywhere (RFC 9715). */
export function datagramLimit({ payload }: Question): number {
  return Math.min(Math.max(payload ?? plainPayload, plainPayload), safePayload);
}

/** Whether a message that came from a server answers this query: same number, same question. */
export function isAnswerTo(answer: Uint8Array, query: Uint8Array): boolean {
  if (answer.length < headerBytes || answer[0] !== query[0] || answer[1] !== query[1]) return false;
  if (((answer[2] ?? 0) & 0x80) === 0) return false;
  const [asked] = decode(query)?.questions ?? [];
  const [answered] = decode(answer)?.questions ?? [];
  return (
    asked !== undefined &&
    answered?.type === asked.type &&
    answered.name.toLowerCase() === asked.name.toLowerCase()
  );
}

/** Whether an answer had no room in its datagram. */
export function isTruncated(answer: Uint8Array): boolean {
  return ((answer[2] ?? 0) & 0x02) !== 0;
}

/** The same message under another number. */
export function renumbered(message: Uint8Array, id: number): Uint8Array {
  const copy = Uint8Array.from(message);
  new DataView(copy.buffer).setUint16(0, id);
  return copy;
}

function decode(bytes: Uint8Array): dnsPacket.DecodedPacket | null {
  try {
    return dnsPacket.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch {
    return null;
  }
}

function answerOf(record: NameRecord, question: Question): dnsPacket.Answer {
  // Spelt as it was asked for: some askers mix capitals in to recognise the answer.
  const isAsked = record.name === question.name.toLowerCase();
  return { name: isAsked ? question.name : record.name, type: record.type, ttl, data: record.value };
}

/** Says for how long it may be remembered that there is nothing (RFC 2308). */
function startOfAuthority(zone: string): dnsPacket.Answer {
  return {
    name: zone,
    type: "SOA",
    ttl: negativeTtl,
    data: {
      mname: zone,
      rname: `nobody.${zone}`,
      serial: 1,
      refresh: 3600,
      retry: 600,
      expire: 86_400,
      minimum: negativeTtl,
    },
  };
}

/** Whether a name can be written as it was read: the codec knows no dots and no other bytes inside labels. */
function isWritable(name: string): boolean {
  return name === "." || /^[\x21-\x7e]{1,253}$/.test(name);
}

const headerBytes = 12;
const mostBytes = 65_535;
const responseFlag = 0x8000;
const recursionFlag = 0x0100;
const truncatedFlag = 0x0200;
const queryOpcode = 0;
const noSuchName = 3;
const errorNumbers = { format: 1, failed: 2, unimplemented: 4, refused: 5 } as const;
/** Bytes of an answer to somebody who says nothing about it. */
const plainPayload = 512;
const safePayload = 1232;
/** Seconds: members move to other addresses rarely, but then it is to be noticed soon. */
const ttl = 30;
const negativeTtl = 5;
const ownEdns: dnsPacket.OptAnswer = {
  name: ".",
  type: "OPT",
  udpPayloadSize: safePayload,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
};
