/** A text as a picture for cameras. */

/** A QR code of half-block characters, with the light border that readers need. */
export async function qrLines(text: string): Promise<readonly string[]> {
  const { default: qrcode } = await import("qrcode");
  const drawn = await qrcode.toString(text, { type: "utf8", errorCorrectionLevel: "L", margin: 2 });
  return drawn.split("\n").filter((line) => line !== "");
}
