/** Whether somebody answers at a UDP port as Starmesh's plain UDP does: by STUN, to whoever asks. */
import type { Host } from "./host.ts";

/** Asks three times within a second and a half; whether an answer came. */
export async function answersStun(from: Host, to: { readonly address: string; readonly port: number }) {
  const { stdout } = await from.run(process.execPath, ["-e", question, to.address, String(to.port)]);
  return stdout.includes("answered");
}

/** A binding request (RFC 8489), padded so that its answer is not larger. */
const question = `
const socket = require("node:dgram").createSocket("udp4");
const request = Buffer.alloc(68);
request.writeUInt16BE(1, 0);
request.writeUInt16BE(48, 2);
request.writeUInt32BE(0x2112a442, 4);
request.write("anybody asks", 8);
request.writeUInt16BE(0x8022, 20);
request.writeUInt16BE(44, 22);
request.fill(32, 24);
const ask = () => socket.send(request, Number(process.argv[2]), process.argv[1]);
const end = (word) => { console.log(word); process.exit(0); };
socket.on("message", () => end("answered"));
socket.on("error", () => end("refused"));
for (const wait of [0, 300, 700]) setTimeout(ask, wait);
setTimeout(() => end("silent"), 1500);
`;
