/** Port Control Protocol (RFC 6887): one request and one answer of opcode MAP, for UDP. */
import type { Address } from "../../src-shared/address.ts";
import { readAddress, writeAddress } from "./wire-address.ts";

export interface PcpRequest {
  /** Seconds; 0 removes the mapping. */
  readonly lifetime: number;
  /** Own address, the one that the request leaves from. */
  readonly client: Address;
  /** 12 random bytes that belong to the mapping: whoever knows them may change it. */
  readonly nonce: Uint8Array;
  readonly internalPort: number;
  /** What is wished for; port 0 and the unspecified address take any. */
  readonly externalPort: number;
  readonly external: Address;
}

export interface PcpAnswer {
  /** 0: done. RFC 6887 §7.4. */
  readonly result: number;
  readonly lifetime: number;
  /** Seconds since the gateway forgot all mappings; a smaller one than before means that it did. */
  readonly epoch: number;
  readonly nonce: Uint8Array;
  readonly internalPort: number;
  readonly externalPort: number;
  readonly external: Address;
}

/** 60 bytes. */
export function encodePcpRequest(request: PcpRequest): Uint8Array {
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  bytes[0] = version;
  bytes[1] = opcodeMap;
  view.setUint32(4, request.lifetime);
  bytes.set(writeAddress(request.client), 8);
  bytes.set(request.nonce.subarray(0, nonceBytes), 24);
  bytes[36] = protocolUdp;
  view.setUint16(40, request.internalPort);
  view.setUint16(42, request.externalPort);
  bytes.set(writeAddress(request.external), 44);
  return bytes;
}

/** Null when it is no answer to a MAP request for UDP. Options after it are not looked at. */
export function parsePcpAnswer(bytes: Uint8Array): PcpAnswer | null {
  if (bytes.length < length || bytes.length > longest || bytes.length % 4 !== 0) return null;
  if (bytes[0] !== version || bytes[1] !== (answerBit | opcodeMap) || bytes[36] !== protocolUdp) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    result: bytes[3] ?? 0,
    lifetime: view.getUint32(4),
    epoch: view.getUint32(8),
    nonce: bytes.slice(24, 24 + nonceBytes),
    internalPort: view.getUint16(40),
    externalPort: view.getUint16(42),
    external: readAddress(bytes.subarray(44, 60)),
  };
}

/** UDP port of gateways for PCP and NAT-PMP. */
export const gatewayPort = 5351;
export const nonceBytes = 12;
const version = 2;
const opcodeMap = 1;
const answerBit = 0x80;
const protocolUdp = 17;
const length = 60;
const longest = 1100;
