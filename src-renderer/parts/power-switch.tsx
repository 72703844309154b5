/** The big switch that connects and disconnects. */
import { IconPower } from "@tabler/icons-react";

interface PowerSwitchProps {
  readonly on: boolean;
  readonly busy: boolean;
  readonly label: string;
  readonly onFlip: (on: boolean) => void;
}

export function PowerSwitch({ on, busy, label, onFlip }: PowerSwitchProps) {
  return (
    <button
      type="button"
      role="switch"
      aria-checked={on}
      aria-busy={busy}
      aria-label={label}
      title={label}
      className="power"
      onClick={() => onFlip(!on)}
    >
      <IconPower size={34} stroke={1.9} aria-hidden="true" />
    </button>
  );
}
