/** Addresses that are used twice, with the way out at one click where there is one. */
import { Button } from "@mantine/core";
import type { OverlapStatus } from "../../src-shared/route-status.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { ErrorLine, Warning } from "./notices.tsx";

interface OverlapNoticeProps {
  readonly network: NetworkStatus;
  readonly overlap: OverlapStatus;
}

export function OverlapNotice({ network, overlap }: OverlapNoticeProps) {
  const { say, line } = useWords();
  const { wanted, local, map } = overlap;
  const advertise = useTask((client, input: { readonly prefix: string; readonly as: string }) =>
    client.call("routes.advertise", { network: network.id, ...input }),
  );
  return (
    <Warning>
      {say("routes.overlap", { local, interface: overlap.interface, wanted })}{" "}
      {map === null ? (
        line(overlap.advice)
      ) : (
        <Button
          size="compact-sm"
          variant="light"
          loading={advertise.busy}
          onClick={() => void advertise.run(map)}
        >
          {say("routes.overlap.map", { as: map.as })}
        </Button>
      )}
      <ErrorLine error={advertise.error} />
    </Warning>
  );
}
