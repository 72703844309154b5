/** Connecting and disconnecting networks, shown at once and taken back when the engine does not follow. */
import { useEffect, useState } from "react";
import type { AppError } from "../../src-shared/errors.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { useTask } from "./use-panel.ts";

export interface NetworkSwitch {
  /** What the switch shows: what was asked for last, or else what is. */
  readonly on: boolean;
  readonly busy: boolean;
  readonly error: AppError | null;
  readonly flip: (on: boolean) => void;
}

/** One switch for some networks: on when any of them is. */
export function useNetworkSwitch(networks: readonly NetworkStatus[]): NetworkSwitch {
  const actual = networks.some((network) => network.state !== "off");
  const [wanted, setWanted] = useState<boolean | null>(null);
  const task = useTask(async (client, on: boolean) => {
    const names = networks.map((network) => network.id);
    if (on) await client.call("networks.up", { networks: names });
    else await client.call("networks.down", { networks: names });
    return true;
  });
  useEffect(() => {
    if (wanted === null || task.busy) return;
    if (wanted === actual) return setWanted(null);
    const timer = setTimeout(() => setWanted(null), patienceMilliseconds);
    return () => clearTimeout(timer);
  }, [wanted, actual, task.busy]);
  return {
    on: wanted ?? actual,
    busy: task.busy || wanted !== null,
    error: task.error,
    flip: (on) => {
      setWanted(on);
      void task.run(on).then((done) => done === null && setWanted(null));
    },
  };
}

/** How long the switch shows what was asked for while the status says otherwise. */
const patienceMilliseconds = 5000;
