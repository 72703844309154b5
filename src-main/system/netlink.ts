/** Messages of netlink (RFC 3549, include/uapi/linux/netlink.h) and their attributes. Little endian. */
import { concatBytes } from "../../src-shared/bytes.ts";

/** One message of a datagram; `body` follows the 16-byte header. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** An attribute of a request: a number is 32 bits, a list is nested. */
export interface Attribute {
  readonly type: number;
  readonly value: number | Uint8Array | readonly Attribute[];
}

export interface NetlinkRequest {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  /** The message's own fixed structure, a multiple of 4 bytes. */
  readonly header: Uint8Array;
  readonly attributes: readonly Attribute[];
}

/** Bytes of one request. */
export function encodeRequest(request: NetlinkRequest): Uint8Array {
  const attributes = encodeAttributes(request.attributes);
  const bytes = new Uint8Array(messageHeaderBytes + request.header.length + attributes.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, request.type, true);
  view.setUint16(6, request.flags, true);
  view.setUint32(8, request.sequence, true);
  bytes.set(request.header, messageHeaderBytes);
  bytes.set(attributes, messageHeaderBytes + request.header.length);
  return bytes;
}

/** All messages of a datagram; null when a length does not fit. */
export function parseMessages(bytes: Uint8Array): readonly NetlinkMessage[] | null {
  const view = viewOf(bytes);
  const messages: NetlinkMessage[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < messageHeaderBytes) return null;
    const length = view.getUint32(at, true);
    if (length < messageHeaderBytes || length > bytes.length - at) return null;
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      body: bytes.subarray(at + messageHeaderBytes, at + length),
    });
    at += align(length);
  }
  return messages;
}

/** Error number of an NLMSG_ERROR body, 0 for an acknowledgement; null when too short. */
export function parseErrorNumber(body: Uint8Array): number | null {
  return body.length < 4 ? null : Math.abs(viewOf(body).getInt32(0, true));
}

/** A name as the kernel wants it, with its closing zero. */
export function nameBytes(name: string): Uint8Array {
  return Uint8Array.from([...name].map((character) => character.charCodeAt(0) & 0xff).concat(0));
}

/** Attributes after a fixed structure of `from` bytes, by type, the last of each; null when a length does not fit. */
export function parseAttributes(body: Uint8Array, from: number): ReadonlyMap<number, Uint8Array> | null {
  if (body.length < from) return null;
  const view = viewOf(body);
  const attributes = new Map<number, Uint8Array>();
  for (let at = from; at < body.length; ) {
    if (body.length - at < attributeHeaderBytes) return null;
    const length = view.getUint16(at, true);
    if (length < attributeHeaderBytes || length > body.length - at) return null;
    attributes.set(
      view.getUint16(at + 2, true) & NLA_TYPE_MASK,
      body.subarray(at + attributeHeaderBytes, at + length),
    );
    at += align(length);
  }
  return attributes;
}

function encodeAttributes(attributes: readonly Attribute[]): Uint8Array {
  return concatBytes(...attributes.map(encodeAttribute));
}

function encodeAttribute(attribute: Attribute): Uint8Array {
  const nested = typeof attribute.value === "object" && !(attribute.value instanceof Uint8Array);
  const value = encodeValue(attribute.value);
  const length = attributeHeaderBytes + value.length;
  const bytes = new Uint8Array(align(length));
  const view = viewOf(bytes);
  view.setUint16(0, length, true);
  view.setUint16(2, nested ? attribute.type | NLA_F_NESTED : attribute.type, true);
  bytes.set(value, attributeHeaderBytes);
  return bytes;
}

function encodeValue(value: Attribute["value"]): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (typeof value !== "number") return encodeAttributes(value);
  const bytes = new Uint8Array(4);
  viewOf(bytes).setUint32(0, value, true);
  return bytes;
}

/** A view on just these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function align(length: number): number {
  return (length + 3) & ~3;
}

/** Numbers that callers put into requests or compare with. */
export const netlink = {
  NLMSG_ERROR: 2,
  NLMSG_DONE: 3,
  NLM_F_REQUEST: 0x1,
  NLM_F_ACK: 0x4,
  NLM_F_DUMP_INTR: 0x10,
  NLM_F_EXCL: 0x200,
  NLM_F_DUMP: 0x300,
  NLM_F_CREATE: 0x400,
} as const;

const NLA_F_NESTED = 0x8000;
const NLA_TYPE_MASK = 0x3fff;
const messageHeaderBytes = 16;
const attributeHeaderBytes = 4;
