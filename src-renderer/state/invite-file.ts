/** Finds an invite in what people have: a text, a file, a picture of a QR code, what a camera sees. */

/** What a file turned out to hold. */
export type FileContent =
  | { readonly kind: "link"; readonly link: string }
  /** A profile of the WireGuard app, which is no invite. */
  | { readonly kind: "wireguard" }
  | { readonly kind: "nothing" };

/** The first link of Starmesh in a text, which may be a whole mail. */
export function contentOf(text: string): FileContent {
  const link = /starmesh:\/\/[\w/-]+/.exec(text)?.[0];
  if (link !== undefined) return { kind: "link", link };
  return /^\s*\[Interface\]/im.test(text) ? { kind: "wireguard" } : { kind: "nothing" };
}

/** Reads a file that was chosen, dropped or handed over. */
export async function readInviteFile(file: Blob): Promise<FileContent> {
  if (file.size > largestFile) return { kind: "nothing" };
  const bitmap = await createImageBitmap(file).catch(() => null);
  if (bitmap === null) return contentOf(await file.text());
  const text = await decodePicture(bitmap, bitmap);
  bitmap.close();
  return text === null ? { kind: "nothing" } : contentOf(text);
}

/** The text of a QR code in a picture, or in what a camera shows just now; null where none is seen. */
export async function decodePicture(
  source: CanvasImageSource,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<string | null> {
  if (width === 0 || height === 0) return null;
  // Larger pictures take long and tell no more.
  const scale = Math.min(1, mostPixels / Math.max(width, height));
  const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
  const canvas = new OffscreenCanvas(size.width, size.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (context === null) return null;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, size.width, size.height);
  context.drawImage(source, 0, 0, size.width, size.height);
  const { data } = context.getImageData(0, 0, size.width, size.height);
  const { default: decodeQR } = await import("qr/decode.js");
  try {
    return decodeQR({ ...size, data }, { timeLimit: patienceMilliseconds });
  } catch {
    // No code in it, or one that cannot be read.
    return null;
  }
}

const largestFile = 20_000_000;
const mostPixels = 1600;
const patienceMilliseconds = 1000;
