/** Who made an update: the feed's description of a version is signed, and names what its files hash to. */
import { createPublicKey, verify } from "node:crypto";
import { z } from "zod";

/** What a feed says of a version; `signature` is Ed25519 over `signedText`, base64. */
export const describedUpdate = z.object({
  version: z.string().regex(/^\d+\.\d+\.\d+(-[\w.]+)?$/),
  files: z
    .array(z.object({ url: z.string().max(1000), sha512: z.string().max(200) }))
    .min(1)
    .max(50),
  signature: z.string().max(200).optional(),
});
export type DescribedUpdate = z.infer<typeof describedUpdate>;

/** What is signed: the version and its files, a line each. */
export function signedText({ version, files }: Pick<DescribedUpdate, "version" | "files">): string {
  const lines = files.map(({ url, sha512 }) => `${sha512} ${url}`).sort();
  return ["starmesh update 1", version, ...lines].join("\n");
}

/**
 * True where the holder of the key signed this description.
 * @param key public key, PEM
 */
export function isSigned(update: DescribedUpdate, key: string): boolean {
  try {
    const signature = Buffer.from(update.signature ?? "", "base64");
    const text = Buffer.from(signedText(update));
    return signature.length === 64 && verify(null, text, createPublicKey(key), signature);
  } catch {
    return false;
  }
}
