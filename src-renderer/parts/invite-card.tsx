/** An invite to give away: as a QR code, as a line, and as a command. */
import type { OutputOf } from "../../src-shared/api/contract.ts";
import { usePanel } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { GiveAway } from "./give-away.tsx";
import { Warning } from "./notices.tsx";

export function InviteCard({ invite }: { readonly invite: OutputOf<"invites.create"> }) {
  const { say, line, format } = useWords();
  const now = usePanel((state) => state.heardAt);
  return (
    <GiveAway
      text={invite.invite}
      label={say("invite.line")}
      copy={say("invite.copy")}
      qr={say("invite.qr")}
      command={`starmesh join ${invite.invite}`}
    >
      <p className="quiet">
        {say("invite.uses", { count: invite.uses })} ·{" "}
        <time dateTime={invite.expires} title={format.dateTime(invite.expires)}>
          {say("invite.expires", { when: format.relative(invite.expires, now) })}
        </time>
      </p>
      {invite.warnings.map((warning) => (
        <Warning key={warning}>{line(warning)}</Warning>
      ))}
    </GiveAway>
  );
}

/** A network that is kept by a secret: what the others type. */
export function SecretCard({
  secret,
  joinLine,
}: {
  readonly secret: string;
  readonly joinLine: string | null;
}) {
  const { say } = useWords();
  return (
    <GiveAway
      text={secret}
      label={say("secret.label")}
      copy={say("secret.copy")}
      qr={null}
      command={joinLine}
    >
      <p className="quiet">{say("secret.keep")}</p>
    </GiveAway>
  );
}
