/** One network in a list: its switch, its state in words, the own address in it. */
import { Switch } from "@mantine/core";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { formatRoute } from "../state/route.ts";
import { useNetworkSwitch } from "../state/use-switch.ts";
import { useWords } from "../words/use-words.ts";
import type { PlainKey, Words } from "../words/words.ts";
import { CopyText } from "./copy-text.tsx";
import { ErrorLine } from "./notices.tsx";

export function NetworkLine({ network }: { readonly network: NetworkStatus }) {
  const words = useWords();
  const { say } = words;
  return (
    <li className="network-line">
      <NetworkToggle network={network} />
      <a className="network-name" href={formatRoute({ page: "network", network: network.id })}>
        {network.name}
      </a>
      <NetworkState network={network} />
      {network.address === null ? (
        <span className="quiet">{say("network.noAddress")}</span>
      ) : (
        <CopyText text={network.address} what={say("address")} />
      )}
      <span className="quiet network-members">{say("members.count", { count: network.members })}</span>
    </li>
  );
}

/** The small switch of one network. */
export function NetworkToggle({ network }: { readonly network: NetworkStatus }) {
  const { say } = useWords();
  const { on, error, flip } = useNetworkSwitch([network]);
  return (
    <>
      <Switch
        checked={on}
        onChange={(event) => flip(event.currentTarget.checked)}
        aria-label={say("network.connect", { name: network.name })}
      />
      <ErrorLine error={error} />
    </>
  );
}

export function NetworkState({ network }: { readonly network: NetworkStatus }) {
  const { say } = useWords();
  return <span className={`badge badge-net-${network.state}`}>{say(networkStateKeys[network.state])}</span>;
}

/** What a network's state means for its user; null where there is nothing to add. */
export function networkAdvice(network: NetworkStatus, { say, line }: Words): string | null {
  switch (network.state) {
    case "off":
    case "online":
      return null;
    case "offline":
      return say("network.offline.advice", { routers: network.rendezvous.join(", ") });
    case "joining":
      return network.detail === null ? say("network.joining.advice") : line(network.detail);
    case "refused":
      return network.detail === null ? say("network.refused.advice") : line(network.detail);
  }
}

const networkStateKeys = {
  off: "network.off",
  joining: "network.joining",
  online: "network.online",
  offline: "network.offline",
  refused: "network.refused",
} as const satisfies Record<NetworkStatus["state"], PlainKey>;
