/** Serves the built pages to the window under `app://starmesh/`, and only those. */
import { readFile } from "node:fs/promises";
import { extname, join, normalize, sep } from "node:path";
import { protocol } from "electron";

/** The page that the window opens. */
export const startPage = "app://starmesh/index.html";

/** True for an address of our own pages. */
export function isOwnPage(address: string): boolean {
  return (
    URL.canParse(address) && new URL(address).protocol === "app:" && new URL(address).host === "starmesh"
  );
}

/** Tells Electron about the scheme; has to happen before it is ready. */
export function announcePages(): void {
  protocol.registerSchemesAsPrivileged([
    { scheme: "app", privileges: { standard: true, secure: true, supportFetchAPI: true } },
  ]);
}

/** Answers the scheme from a folder of built pages. */
export function servePages(folder: string): void {
  protocol.handle("app", (request) => answerPage(folder, request.url));
}

async function answerPage(folder: string, address: string): Promise<Response> {
  const path = isOwnPage(address) ? pathOf(folder, new URL(address).pathname) : null;
  if (path === null) return new Response("not found", { status: 404 });
  try {
    return new Response(new Uint8Array(await readFile(path)), {
      headers: {
        "content-type": contentTypes[extname(path)] ?? "application/octet-stream",
        "content-security-policy": policy,
        "permissions-policy": features,
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
      },
    });
  } catch {
    return new Response("not found", { status: 404 });
  }
}

/** The file of a page's path; null for one that leaves the folder or cannot be decoded. */
function pathOf(folder: string, name: string): string | null {
  try {
    const path = normalize(join(folder, decodeURIComponent(name)));
    return path.startsWith(folder + sep) && !path.includes("\0") ? path : null;
  } catch {
    return null;
  }
}

// Mantine writes its variables into style elements; a picture that is looked at for a QR code is shown out of memory.
// Scripts, frames and connections stay with our own files.
const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "media-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The camera reads an invite's QR code. */
const features =
  "camera=(self), microphone=(), geolocation=(), display-capture=(), usb=(), serial=(), hid=()";

const contentTypes: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
};
