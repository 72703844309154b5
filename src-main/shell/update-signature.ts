/** Who made an update: the feed's description of a version is signed, names what its files hash to, and tells what is new. */
import { createPublicKey, verify } from "node:crypto";
import { z } from "zod";

/** So that nothing that was signed reads as something else. */
const oneWord = z.string().regex(/^\S+$/);

/** What a feed says of a version; `signature` is Ed25519 over `signedText`, base64. */
export const describedUpdate = z.object({
  version: z.string().regex(/^\d+\.\d+\.\d+(-[\w.]+)?$/),
  files: z
    .array(z.object({ url: oneWord.max(1000), sha512: oneWord.max(200) }))
    .min(1)
    .max(50),
  /** Absent or of another shape: nothing is told. */
  releaseNotes: z.string().max(20_000).optional().catch(undefined),
  signature: z.string().max(200).optional(),
});
export type DescribedUpdate = z.infer<typeof describedUpdate>;

/** A version that somebody we believe has made; `notes`: what is new in it, in English; null where nothing is told. */
export interface BelievedUpdate {
  readonly version: string;
  readonly notes: string | null;
}

/**
 * What a feed said, where the holder of the key signed it; null otherwise. Notes that were not signed are left out: some
 * feeds add their own.
 * @param key public key, PEM
 */
export function believedUpdate(said: unknown, key: string): BelievedUpdate | null {
  const update = describedUpdate.safeParse(said).data;
  if (update === undefined) return null;
  const { version, releaseNotes } = update;
  if (isSigned(update, key)) return { version, notes: releaseNotes ?? null };
  return isSigned({ ...update, releaseNotes: undefined }, key) ? { version, notes: null } : null;
}

/** What is signed: the version and its files, a line each; below an empty line what is told of it, if anything is. */
export function signedText({
  version,
  files,
  releaseNotes,
}: Pick<DescribedUpdate, "version" | "files" | "releaseNotes">): string {
  const lines = files.map(({ url, sha512 }) => `${sha512} ${url}`).sort();
  const notes = releaseNotes === undefined ? [] : ["", releaseNotes];
  return ["starmesh update 1", version, ...lines, ...notes].join("\n");
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
