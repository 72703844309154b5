/** One prefix behind members: who carries it and why, who else could, and whether this machine takes it. */
import { Button, Switch } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import type { GatewayStatus, RouteStatus } from "../../src-shared/route-status.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import type { Words } from "../words/words.ts";
import { ErrorLine } from "./notices.tsx";

interface RouteLineProps {
  readonly route: RouteStatus;
  readonly network: NetworkStatus;
  /** Null until that is known. */
  readonly taken: boolean | null;
  readonly onTake: (on: boolean) => void;
}

export function RouteLine({ route, network, taken, onTake }: RouteLineProps) {
  const words = useWords();
  const { say } = words;
  const { prefix, state, via, gateways } = route;
  const isOwn = state === "own";
  return (
    <li className="route-line">
      <div className="route-head">
        <span className="mono route-prefix">{prefix}</span>
        <span className={`badge badge-route-${state}`}>{say(`routes.state.${state}`)}</span>
        <span className="quiet route-via">
          {isOwn ? say("routes.via.own") : via !== null && say("routes.via", { gateway: via })}
        </span>
        {taken !== null && !isOwn && (
          <Switch
            checked={taken}
            onChange={(event) => onTake(event.currentTarget.checked)}
            aria-label={say("routes.take", { prefix })}
          />
        )}
      </div>
      <p className="hint">{whyOf(route, words)}</p>
      <ul className="route-gateways" aria-label={say("routes.gateways", { prefix })}>
        {gateways.map((gateway) => (
          <GatewayLine key={gateway.identity} gateway={gateway} prefix={prefix} network={network} />
        ))}
      </ul>
    </li>
  );
}

interface GatewayLineProps {
  readonly gateway: GatewayStatus;
  readonly prefix: string;
  readonly network: NetworkStatus;
}

function GatewayLine({ gateway, prefix, network }: GatewayLineProps) {
  const { say, format } = useWords();
  const { name, standing, priority, latencyMs, inside } = gateway;
  const grant = useTask((client, member: string) =>
    client.call("routes.grant", { network: network.id, member, prefix, on: true }),
  );
  const allow = async () => {
    if ((await grant.run(name)) === null) return;
    notifications.show({ message: say("routes.granted", { gateway: name, prefix }) });
  };
  return (
    <li className="route-gateway">
      <span className="route-gateway-name">{name}</span>
      <span className={`tag tag-route-${standing}`}>{say(`routes.standing.${standing}`)}</span>
      <span className="quiet">{say("routes.priority", { priority: format.number(priority) })}</span>
      <span className="quiet">{latencyMs === null ? "" : format.latency(latencyMs)}</span>
      {inside !== null && <span className="quiet">{say("routes.inside", { prefix: inside })}</span>}
      {standing === "waits" && network.admin && (
        <Button
          size="compact-xs"
          variant="light"
          loading={grant.busy}
          onClick={() => void allow()}
          aria-label={say("routes.grant.who", { gateway: name, prefix })}
        >
          {say("routes.grant")}
        </Button>
      )}
      <ErrorLine error={grant.error} />
    </li>
  );
}

function whyOf({ reasonCode, via }: RouteStatus, { say }: Words): string {
  switch (reasonCode) {
    case "only":
    case "first":
    case "fastest":
    case "took-over":
    case "kept":
    case "untried":
      return via === null ? say("routes.why.lost") : say(`routes.why.${reasonCode}`, { gateway: via });
    default:
      return say(`routes.why.${reasonCode}`);
  }
}
