import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  encodeAddressRequest,
  encodeMappingRequest,
  parseNatPmpAnswer,
} from "../../../src-main/transport/nat-pmp.ts";
import { encodePcpRequest, parsePcpAnswer } from "../../../src-main/transport/pcp.ts";
import {
  parseDescription,
  parseSearchAnswer,
  parseSoapAnswer,
  soapBody,
} from "../../../src-main/transport/upnp.ts";
import { readAddress, writeAddress } from "../../../src-main/transport/wire-address.ts";
import type { Address } from "../../../src-shared/address.ts";
import { parseAddress } from "../../../src-shared/address.ts";

const address = (text: string): Address => parseAddress(text) ?? { family: 4, value: -1n };
const port = fc.integer({ min: 0, max: 65_535 });
const word = fc.integer({ min: 0, max: 0xffff_ffff });
const anyAddress = fc.oneof(
  fc.bigInt({ min: 0n, max: 0xffff_ffffn }).map((value): Address => ({ family: 4, value })),
  fc.bigInt({ min: 1n << 64n, max: (1n << 128n) - 1n }).map((value): Address => ({ family: 6, value })),
);

describe("PCP", () => {
  it("asks as RFC 6887 draws it: 60 bytes, the address mapped into IPv6, UDP", () => {
    const bytes = encodePcpRequest({
      lifetime: 7200,
      client: address("192.168.1.5"),
      nonce: Uint8Array.from({ length: 12 }, (_, at) => at + 1),
      internalPort: 7743,
      externalPort: 7744,
      external: address("0.0.0.0"),
    });
    expect(Buffer.from(bytes).toString("hex")).toBe(
      `02010000${"00001c20"}${"0".repeat(20)}ffffc0a80105` +
        `0102030405060708090a0b0c${"11000000"}${"1e3f1e40"}${"0".repeat(20)}ffff00000000`,
    );
  });

  it("reads every answer that a gateway can give, and nothing else", () => {
    const nonce = fc.uint8Array({ minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(fc.tuple(word, nonce, port, port, anyAddress, anyAddress, word, fc.nat(255)), (facts) => {
        const [lifetime, bytes, internalPort, externalPort, client, external, epoch, result] = facts;
        const request = encodePcpRequest({
          lifetime,
          client,
          nonce: bytes,
          internalPort,
          externalPort,
          external,
        });
        expect(parsePcpAnswer(request)).toBeNull();
        const answer = Uint8Array.from(request);
        answer[1] = 0x81;
        answer[3] = result;
        new DataView(answer.buffer).setUint32(8, epoch);
        expect(parsePcpAnswer(answer)).toEqual({
          result,
          lifetime,
          epoch,
          nonce: bytes,
          internalPort,
          externalPort,
          external,
        });
      }),
    );
  });

  it("keeps addresses of both families", () => {
    fc.assert(
      fc.property(anyAddress, (one) => {
        expect(readAddress(writeAddress(one))).toEqual(one);
      }),
    );
  });
});

describe("NAT-PMP", () => {
  it("asks and reads as RFC 6886 draws it", () => {
    const mapping = encodeMappingRequest({ internalPort: 7743, externalPort: 7743, lifetime: 1200 });
    expect(Buffer.from(encodeAddressRequest()).toString("hex")).toBe("0000");
    expect(Buffer.from(mapping).toString("hex")).toBe("000100001e3f1e3f000004b0");
    expect(parseNatPmpAnswer(Buffer.from("0080000000000010cb007109", "hex"))).toEqual({
      kind: "address",
      result: 0,
      epoch: 16,
      address: address("203.0.113.9"),
    });
    expect(parseNatPmpAnswer(Buffer.from("00810000000000101e3f1e40000004b0", "hex"))).toEqual({
      kind: "mapping",
      result: 0,
      epoch: 16,
      internalPort: 7743,
      externalPort: 7744,
      lifetime: 1200,
    });
  });
});

describe("UPnP", () => {
  const answer = (location: string, target = "urn:schemas-upnp-org:device:InternetGatewayDevice:1") =>
    `HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: ${target}\r\nLocation: ${location}\r\n\r\n`;

  it("goes only where the answering gateway itself is", () => {
    const at = (location: string) => parseSearchAnswer(answer(location), "192.168.1.1")?.href ?? null;
    expect(at("http://192.168.1.1:5000/rootDesc.xml")).toBe("http://192.168.1.1:5000/rootDesc.xml");
    expect(at("http://192.168.1.2:5000/rootDesc.xml")).toBeNull();
    expect(at("http://evil.example/")).toBeNull();
    expect(at("file:///etc/passwd")).toBeNull();
    expect(at("http://user@192.168.1.1/")).toBeNull();
    expect(parseSearchAnswer(answer("http://192.168.1.1/", "upnp:rootdevice"), "192.168.1.1")).toBeNull();
  });

  it("finds the service that maps ports in a description, wherever it stands", () => {
    const service = (type: string, control: string) =>
      `<service><serviceType>${type}</serviceType><controlURL>${control}</controlURL></service>`;
    const wan = "urn:schemas-upnp-org:service:WANIPConnection:1";
    const at = new URL("http://192.168.1.1:5000/rootDesc.xml");
    const xml = (control: string, base = "") =>
      `<root>${base}<serviceList>${service("urn:x:Layer3Forwarding:1", "/l3")}</serviceList>` +
      `<serviceList>${service(wan, control)}</serviceList></root>`;
    expect(parseDescription(xml("/ctl/IPConn"), at)).toEqual({
      type: wan,
      control: new URL("http://192.168.1.1:5000/ctl/IPConn"),
    });
    const based = xml("ctl", "<URLBase>http://192.168.1.1:49152/</URLBase>");
    expect(parseDescription(based, at)?.control.href).toBe("http://192.168.1.1:49152/ctl");
    expect(parseDescription(xml("http://192.168.1.9/ctl"), at)).toBeNull();
    expect(parseDescription("<root></root>", at)).toBeNull();
  });

  it("reads what a call answers, its faults too", () => {
    const body = (inside: string) =>
      `<s:Envelope xmlns:s="x"><s:Body><u:GetExternalIPAddressResponse xmlns:u="y">${inside}` +
      "</u:GetExternalIPAddressResponse></s:Body></s:Envelope>";
    const read = (text: string) => parseSoapAnswer(text, "GetExternalIPAddress");
    const values = new Map([["NewExternalIPAddress", "203.0.113.9"]]);
    expect(read(body("<NewExternalIPAddress>203.0.113.9</NewExternalIPAddress>"))).toEqual({
      ok: true,
      values,
    });
    expect(parseSoapAnswer('<u:AddPortMappingResponse xmlns:u="y"/>', "AddPortMapping")).toEqual({
      ok: true,
      values: new Map(),
    });
    const fault = "<s:Fault><detail><UPnPError><errorCode>718</errorCode></UPnPError></detail></s:Fault>";
    expect(read(fault)).toEqual({ ok: false, code: 718 });
    expect(read("")).toEqual({ ok: false, code: 0 });
  });

  it("says any text so that nothing in it is taken for a mark", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const body = soapBody("urn:x", "AddPortMapping", { NewPortMappingDescription: text });
        const inside =
          /<NewPortMappingDescription>([\s\S]*)<\/NewPortMappingDescription>/.exec(body)?.[1] ?? "";
        expect(inside).not.toMatch(/[<>"']/);
      }),
    );
  });
});

it("refuses whatever else a gateway may send, without a throw", () => {
  const at = new URL("http://192.168.1.1/");
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.string(), (bytes, text) => {
      parsePcpAnswer(bytes);
      parseNatPmpAnswer(bytes);
      parseSearchAnswer(`HTTP/1.1 200 OK\r\nST: WANIPConnection\r\nLOCATION: ${text}`, "192.168.1.1");
      parseDescription(`<service><serviceType>${text}</serviceType>${text}</service>`, at);
      parseSoapAnswer(text, "AddPortMapping");
    }),
  );
});
