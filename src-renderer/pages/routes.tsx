/** Local networks behind members of a network: those of others, and those behind this machine. */
import { Switch } from "@mantine/core";
import { IconRoute } from "@tabler/icons-react";
import type { RouteAcceptance, RouteStatus } from "../../src-shared/route-status.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { Card } from "../parts/card.tsx";
import { ExitCard } from "../parts/exit-card.tsx";
import { FirewallCard } from "../parts/firewall-card.tsx";
import { OfNetwork } from "../parts/network-head.tsx";
import { Empty, ErrorLine } from "../parts/notices.tsx";
import { OverlapNotice } from "../parts/overlap-notice.tsx";
import { OwnRoutesCard } from "../parts/own-routes-card.tsx";
import { PortMapsCard } from "../parts/port-maps-card.tsx";
import { RouteLine } from "../parts/route-line.tsx";
import { SharedLanCard } from "../parts/shared-lan-card.tsx";
import { useAsked } from "../state/use-asked.ts";
import { useStatus, useTask } from "../state/use-panel.ts";
import { useRoving } from "../state/use-roving.ts";
import { useWords } from "../words/use-words.ts";

export function RoutesPage({ id }: { readonly id: string }) {
  return (
    <OfNetwork id={id} part="routes">
      {(network) => <Routes network={network} />}
    </OfNetwork>
  );
}

function Routes({ network }: { readonly network: NetworkStatus }) {
  const { say } = useWords();
  const status = useStatus();
  const routes = status.routes.filter((each) => each.network === network.name);
  const overlaps = status.overlaps.filter((each) => each.network === network.name);
  const accepted = useAsked(network.id, async (client) => {
    const { acceptance, shared, firewalls } = await client.call("routes.list", { network: network.id });
    const [taken, lans] = [acceptance[0], shared[0]];
    return { acceptance: taken ?? null, shared: lans ?? { prefixes: [], fullCone: false }, firewalls };
  });
  const accept = useTask(async (client, input: { readonly what: string; readonly take: boolean }) => {
    await client.call("routes.accept", { network: network.id, ...input });
    return true;
  });
  const take = (what: string, on: boolean) =>
    void accept.run({ what, take: on }).then((done) => done !== null && accepted.read());
  const { list, onKeyDown } = useRoving<HTMLUListElement>(".route-line");
  const acceptance = accepted.value?.acceptance ?? null;
  return (
    <>
      {overlaps.map((overlap) => (
        <OverlapNotice key={`${overlap.wanted} ${overlap.local}`} network={network} overlap={overlap} />
      ))}
      <Card title={say("routes.title")} hint={say("routes.hint")} flush>
        <ErrorLine error={accepted.error ?? accept.error} />
        {routes.length === 0 ? (
          <Empty icon={<IconRoute size={28} />} title={say("routes.none")} />
        ) : (
          <ul className="members" aria-label={say("routes.title")} ref={list} onKeyDown={onKeyDown}>
            {routes.map((route) => (
              <RouteLine
                key={route.prefix}
                route={route}
                network={network}
                taken={acceptance === null ? null : isTaken(route, acceptance)}
                onTake={(on) => take(route.prefix, on)}
              />
            ))}
          </ul>
        )}
        {acceptance !== null && (
          <div className="card-line">
            <Switch
              checked={acceptance.all}
              disabled={accept.busy}
              onChange={(event) => take(event.currentTarget.checked ? "all" : "none", true)}
              label={say("routes.takeAll")}
              description={say("routes.takeAll.hint")}
            />
          </div>
        )}
      </Card>
      <OwnRoutesCard network={network} />
      {accepted.value !== null && (
        <SharedLanCard network={network} shared={accepted.value.shared} onChange={accepted.read} />
      )}
      {accepted.value !== null && accepted.value.firewalls.length > 0 && (
        <FirewallCard firewalls={accepted.value.firewalls} onChange={accepted.read} />
      )}
      <ExitCard network={network} />
      <PortMapsCard />
    </>
  );
}

/** Acceptance is all but some, or some alone. */
function isTaken({ prefix }: RouteStatus, { all, prefixes }: RouteAcceptance): boolean {
  return all !== prefixes.includes(prefix);
}
