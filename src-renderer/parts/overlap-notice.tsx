/** Addresses that are used twice, with the way out at one click where there is one. */
import { Button } from "@mantine/core";
import type { OverlapStatus } from "../../src-shared/route-status.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { ErrorLine, Warning } from "./notices.tsx";
import { RenumberForm } from "./renumber-form.tsx";

interface OverlapNoticeProps {
  readonly network: NetworkStatus;
  readonly overlap: OverlapStatus;
}

export function OverlapNotice({ network, overlap }: OverlapNoticeProps) {
  const { say, line } = useWords();
  const { wanted, local, map, move } = overlap;
  const advertise = useTask((client, input: { readonly prefix: string; readonly as: string }) =>
    client.call("routes.advertise", { network: network.id, ...input }),
  );
  const canMove = overlap.kind === "range" && network.admin;
  return (
    <Warning>
      {say("routes.overlap", { local, interface: overlap.interface, wanted })}{" "}
      {map === null && !canMove && line(overlap.advice)}
      {map !== null && (
        <Button
          size="compact-sm"
          variant="light"
          loading={advertise.busy}
          onClick={() => void advertise.run(map)}
        >
          {say("routes.overlap.map", { as: map.as })}
        </Button>
      )}
      {canMove && <RenumberForm network={network} proposed={move} />}
      <ErrorLine error={advertise.error} />
    </Warning>
  );
}
