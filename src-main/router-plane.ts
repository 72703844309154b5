/** Founds the network of a port: its keys come from the router's token, as those of whoever joins there do. */
import { AppError } from "../src-shared/errors.ts";
import { joinHostPort, splitHostPort } from "../src-shared/ids.ts";
import { planeName } from "../src-shared/plane.ts";
import type { RouterAddress } from "../src-shared/trust.ts";
import { deriveFromSecret } from "./engine/crypto.ts";
import type { Engine } from "./engine/engine.ts";
import { firstRecord, signRecord } from "./engine/issue.ts";
import { localPrefixes } from "./engine/locals.ts";
import { newRange } from "./mesh/addresses.ts";
import type { Foundation } from "./server/planes.ts";

/** `router`: where it is reached; the plane is at the same hosts by its own port. The keys are forgotten at once. */
export async function foundPlane(
  engine: Engine,
  router: RouterAddress,
  { port, token }: { readonly port: number; readonly token: string },
): Promise<Foundation> {
  const { cryptography, system } = engine.surroundings;
  const { issuer, network } = await deriveFromSecret(cryptography, planeName(port), token);
  const range = newRange(localPrefixes(system), Math.random);
  if (range === null) throw new AppError("range-full", { range: "10.0.0.0/8" });
  const hosts = router.addresses.flatMap((address) => splitHostPort(address)?.host ?? []);
  const addresses = [...new Set(hosts)].map((host) => joinHostPort(host, port));
  const record = firstRecord(network, issuer.key, {
    name: planeName(port),
    range,
    approval: false,
    secret: true,
    router: { addresses, pin: router.pin },
  });
  return { network, record: signRecord(record, issuer) };
}
