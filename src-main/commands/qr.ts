/** A text as a picture for cameras. */

/** A QR code of half-block characters, two modules one above the other in each, with the light border that readers need. */
export async function qrLines(text: string): Promise<readonly string[]> {
  const { default: encodeQR } = await import("qr");
  const modules = encodeQR(text, "raw", { ecc: "low", border: 2 });
  return modules.flatMap((upper, at) => {
    if (at % 2 === 1) return [];
    const lower = modules[at + 1] ?? [];
    return [upper.map((isDark, x) => halves[isDark ? 1 : 0][lower[x] === true ? 1 : 0]).join("")];
  });
}

/** By whether the upper half is dark, and the lower. */
const halves = [
  [" ", "▄"],
  ["▀", "█"],
] as const;
