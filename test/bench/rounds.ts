/** What every measurement has in common: who may be asked for, and rounds in which the variants take turns. */
import { Lab } from "../netns/lab.ts";
import type { Variant } from "./variants.ts";

/** Ends the process with one line when a name is unknown or this is not root. `command`: how to call it. */
export function checkCall(names: readonly string[], known: readonly string[], command: string): void {
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    process.stderr.write(`unknown: ${unknown.join(", ")}; there are ${known.join(", ")}\n`);
    process.exit(2);
  }
  if (process.getuid?.() !== 0) {
    process.stderr.write(`The bench needs root, for network namespaces: sudo ${command}\n`);
    process.exit(1);
  }
}

/** How one variant is measured in a laboratory of its own, and what is said of it. */
export interface Turn<Sample> {
  readonly measure: (variant: Variant, lab: Lab) => Promise<Sample>;
  readonly tell: (sample: Sample) => string;
}

/** Measures all variants again and again, so that a busy minute hits each alike. One that fails is told and left out. */
export async function playRounds<Sample>(
  variants: readonly Variant[],
  rounds: number,
  { measure, tell }: Turn<Sample>,
): Promise<ReadonlyMap<string, readonly Sample[]>> {
  const samples = new Map<string, Sample[]>(variants.map(({ name }) => [name, []]));
  for (let round = 1; round <= rounds; round++) {
    for (const variant of variants) {
      const lab = new Lab();
      const say = (text: string) => process.stderr.write(`round ${round}, ${variant.label}: ${text}\n`);
      try {
        const sample = await measure(variant, lab);
        samples.get(variant.name)?.push(sample);
        say(tell(sample));
      } catch (error) {
        say(`failed: ${error instanceof Error ? error.message : error}`);
        process.exitCode = 1;
      } finally {
        await lab.close();
      }
    }
  }
  return samples;
}
