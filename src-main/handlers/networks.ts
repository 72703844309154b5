/** Calls about networks: create, join, leave, up and down, keys. */

import type { Handlers } from "../../src-shared/api/contract.ts";
import { fromBase64, toBase64Url } from "../../src-shared/bytes.ts";
import { AppError } from "../../src-shared/errors.ts";
import { parseRouterLink } from "../../src-shared/link.ts";
import { usualPorts, usualRate } from "../engine/broadcast.ts";
import type { Host } from "../engine/create.ts";
import { networkIdOf, signingKey } from "../engine/crypto.ts";
import type { Engine } from "../engine/engine.ts";
import type { Held } from "../engine/held-networks.ts";
import { RenumberActs } from "../engine/renumber-acts.ts";
import { networkStatus } from "../engine/status.ts";
import type { Install } from "./install.ts";
import { inviteAnswer, lanOnlyWarnings } from "./invites.ts";
import { memberList } from "./members.ts";

type NetworkCalls = Pick<
  Handlers,
  | "networks.list"
  | "networks.show"
  | "networks.create"
  | "networks.mask"
  | "networks.renumber"
  | "networks.renumberPreview"
  | "networks.broadcast"
  | "networks.delete"
  | "networks.leave"
  | "networks.up"
  | "networks.down"
  | "networks.start"
  | "networks.order"
  | "networks.exportKey"
  | "networks.importKey"
  | "networks.join"
>;

/** Answers of the noun “networks”. */
export function networkHandlers(install: Install): NetworkCalls {
  const { engine } = install;
  return {
    "networks.list": async () => engine.networks.all().map((held) => networkStatus(engine, held)),
    "networks.show": async ({ network }) => {
      const held = engine.networks.find(network);
      return { network: networkStatus(engine, held), members: memberList(engine, held) };
    },
    "networks.create": async (input) => {
      const host = input.routerLink === undefined ? await ownHost(install) : linkHost(input.routerLink);
      const { loop, warnings } = await engine.enrolment.create(
        {
          name: input.name,
          secret: input.secret,
          cidr: input.cidr,
          approve: input.approve,
          mask: input.mask,
          join: input.join,
          nodeName: input.nodeName ?? engine.name,
        },
        host,
      );
      const held = engine.networks.find(loop.stored.network);
      const { secret } = loop.stored;
      await loop.online();
      const invite =
        secret === null
          ? inviteAnswer(
              await engine
                .administration(loop.stored.network)
                .invite({ count: 50, expires: Date.now() + dayMillis }),
              50,
            )
          : null;
      const [address] = host.router.addresses;
      return {
        network: networkStatus(engine, held),
        invite,
        secret,
        joinLine:
          secret === null
            ? null
            : `starmesh join ${input.name} --secret ${quoted(secret)} --router ${address ?? "ROUTER"}`,
        warnings: [
          ...warnings,
          ...(invite?.warnings ?? lanOnlyWarnings(host.router.addresses)),
          ...(host.here && install.router.status().admits.includes(loop.stored.name) ? [routerAdmits] : []),
        ],
      };
    },
    "networks.mask": async ({ network, on }) => {
      const { stored } = engine.networks.find(network);
      await engine.administration(stored.network).mask(on);
      return networkStatus(engine, engine.networks.find(stored.network));
    },
    "networks.renumberPreview": async ({ network, range }) => renumbering(engine, network).plan(range),
    "networks.renumber": async ({ network, range, force }) =>
      renumbering(engine, network).carryOut(range, force),
    "networks.broadcast": async ({ network, on, ports, perSecond, take }) => {
      const { stored, loop } = engine.networks.find(network);
      if (on !== undefined) {
        const known = loop?.machine.record()?.broadcast;
        await engine.administration(stored.network).broadcast(
          on
            ? {
                ports: ports ?? known?.ports ?? [...usualPorts],
                perSecond: perSecond ?? known?.perSecond ?? usualRate,
              }
            : null,
        );
      }
      if (take !== undefined) engine.networks.setBroadcast(stored.network, take);
      return networkStatus(engine, engine.networks.find(stored.network));
    },
    "networks.delete": async ({ network }) => {
      const held = engine.networks.find(network);
      if (held.stored.issuerSeed === null || held.stored.secret !== null) {
        throw new AppError("not-admin", { devices: devicesOf(held) });
      }
      if (held.stored.hostedHere) await install.router.forget(held.stored.network);
      else await held.loop?.line.control()?.request({ call: "unhost" });
      await engine.networks.forget(held.stored.network);
      return {};
    },
    "networks.leave": async ({ network }) => {
      await engine.enrolment.leave(network);
      return {};
    },
    "networks.up": async ({ networks }) => {
      const wanted =
        networks.length === 0 ? engine.networks.all() : networks.map((name) => engine.networks.find(name));
      for (const { stored } of wanted) await engine.networks.up(stored.network);
      return { up: wanted.map(({ stored }) => stored.name) };
    },
    "networks.down": async ({ networks }) => {
      const wanted =
        networks.length === 0 ? engine.networks.all() : networks.map((name) => engine.networks.find(name));
      for (const { stored } of wanted) await engine.networks.down(stored.network);
      return { down: wanted.map(({ stored }) => stored.name) };
    },
    "networks.start": async ({ network, start }) => {
      const { stored } = engine.networks.find(network);
      engine.networks.setStart(stored.network, start);
      return networkStatus(engine, engine.networks.find(stored.network));
    },
    "networks.order": async ({ networks }) => {
      engine.networks.order(networks.map((name) => engine.networks.find(name).stored.network));
      return engine.networks.all().map((held) => networkStatus(engine, held));
    },
    "networks.exportKey": async ({ network }) => {
      const { stored } = engine.networks.find(network);
      if (stored.issuerSeed === null)
        throw new AppError("not-admin", { devices: devicesOf(engine.networks.find(network)) });
      return { key: `${keyPrefix}${toBase64Url(fromBase64(stored.issuerSeed) ?? new Uint8Array())}` };
    },
    "networks.importKey": async ({ key }) => {
      const seed = key.trim().startsWith(keyPrefix) ? fromBase64(key.trim().slice(keyPrefix.length)) : null;
      if (seed?.length !== 32) throw new AppError("link-garbled");
      const id = networkIdOf(signingKey(seed).key);
      const held = engine.networks.all().find(({ stored }) => stored.network === id);
      if (held === undefined) throw new AppError("unknown-network", { name: id.slice(0, 8) });
      await engine.networks.takeIssuer(id, seed);
      return { network: held.stored.name };
    },
    "networks.join": async function* (input) {
      const steps = new Steps();
      const joining = engine.enrolment
        .join(
          {
            target: input.target,
            secret: input.secret,
            router: input.router,
            nodeName: input.nodeName ?? engine.name,
            address: input.address,
            force: input.force,
          },
          (step) => steps.add(step),
        )
        .finally(() => steps.end());
      joining.catch(() => undefined);
      for await (const step of steps) yield { step };
      const { stored, address, waitsFor, warnings } = await joining;
      const limited = engine.limited === null ? [] : [engine.limited];
      yield {
        joined: {
          network: stored.name,
          name: stored.nodeName,
          address,
          waitsFor: [...waitsFor],
          warnings: [...warnings, ...limited],
        },
      };
    },
  };
}

/** The router role of this install, switched on for the occasion. */
async function ownHost(install: Install): Promise<Host> {
  if (install.router.host() === null) await install.router.start({});
  const host = install.router.host();
  if (host === null) throw new AppError("no-router");
  return host;
}

/** A word as a shell takes it. */
function quoted(word: string): string {
  return /^[\w.:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function linkHost(link: string): Host {
  const { addresses, pin, token } = parseRouterLink(link);
  return { router: { addresses: [...addresses], pin }, near: [], token, here: false };
}

function renumbering(engine: Engine, name: string): RenumberActs {
  const { stored } = engine.networks.find(name);
  const others = engine.networks
    .all()
    .filter((held) => held.stored.network !== stored.network)
    .flatMap((held) =>
      (held.loop?.machine.record()?.ranges ?? []).map((prefix) => ({ prefix, where: held.stored.name })),
    );
  const { surroundings } = engine;
  return new RenumberActs({ loop: engine.networks.loop(stored.network), surroundings, others });
}

function devicesOf({ loop }: Held): string {
  return loop?.machine.membership.issuers().join(", ") ?? "the machine that created it";
}

/** Steps told by one side, read by the other. */
class Steps implements AsyncIterable<string> {
  readonly #told: string[] = [];
  #ended = false;
  #wake: () => void = () => undefined;

  add(step: string): void {
    this.#told.push(step);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<string> {
    for (;;) {
      const step = this.#told.shift();
      if (step !== undefined) {
        yield step;
      } else if (this.#ended) {
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
  }
}

const dayMillis = 86_400_000;
const keyPrefix = "starmesh-key-1-";
const routerAdmits =
  "This machine is both router and administrator: whoever controls it can admit members. Export the key to move it.";
