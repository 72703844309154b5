/** NAT Port Mapping Protocol (RFC 6886): requests for the outer address and for a UDP mapping, and their answers. */
import type { Address } from "../../src-shared/address.ts";

export type NatPmpAnswer =
  | { readonly kind: "address"; readonly result: number; readonly epoch: number; readonly address: Address }
  | {
      readonly kind: "mapping";
      readonly result: number;
      readonly epoch: number;
      readonly internalPort: number;
      readonly externalPort: number;
      /** Seconds. */
      readonly lifetime: number;
    };

/** 2 bytes. */
export function encodeAddressRequest(): Uint8Array {
  return Uint8Array.of(version, opcodeAddress);
}

/** 12 bytes; lifetime 0 removes the mapping. */
export function encodeMappingRequest(request: {
  readonly internalPort: number;
  readonly externalPort: number;
  readonly lifetime: number;
}): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  bytes[0] = version;
  bytes[1] = opcodeMapUdp;
  view.setUint16(4, request.internalPort);
  view.setUint16(6, request.externalPort);
  view.setUint32(8, request.lifetime);
  return bytes;
}

/** Null when it is no answer to one of the two. */
export function parseNatPmpAnswer(bytes: Uint8Array): NatPmpAnswer | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12 || bytes[0] !== version) return null;
  const head = { result: view.getUint16(2), epoch: view.getUint32(4) };
  if (bytes[1] === (answerBit | opcodeAddress)) {
    return { kind: "address", ...head, address: { family: 4, value: BigInt(view.getUint32(8)) } };
  }
  if (bytes[1] !== (answerBit | opcodeMapUdp) || bytes.length < 16) return null;
  return {
    kind: "mapping",
    ...head,
    internalPort: view.getUint16(8),
    externalPort: view.getUint16(10),
    lifetime: view.getUint32(12),
  };
}

const version = 0;
const opcodeAddress = 0;
const opcodeMapUdp = 1;
const answerBit = 0x80;
