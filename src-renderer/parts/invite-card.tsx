/** An invite to give away: as a QR code, as a line, and as a command. */
import { Button, Textarea } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { OutputOf } from "../../src-shared/api/contract.ts";
import { usePanel } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { CopyText } from "./copy-text.tsx";
import { Warning } from "./notices.tsx";
import { QrCode } from "./qr-code.tsx";

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

interface GiveAwayProps {
  readonly text: string;
  readonly label: string;
  readonly copy: string;
  /** What the QR code is; null shows none. */
  readonly qr: string | null;
  readonly command: string | null;
  readonly children: ReactNode;
}

function GiveAway({ text, label, copy, qr, command, children }: GiveAwayProps) {
  const { say } = useWords();
  const clipboard = useClipboard({ timeout: 2000 });
  return (
    <div className="give-away">
      {qr !== null && <QrCode text={text} label={qr} />}
      <div className="give-away-words">
        <Textarea
          classNames={{ input: "mono give-away-text" }}
          readOnly
          value={text}
          aria-label={label}
          autosize
          minRows={1}
          onFocus={(event) => event.currentTarget.select()}
        />
        <div>
          <Button
            color={clipboard.copied ? "teal" : "star"}
            leftSection={
              clipboard.copied ? (
                <IconCheck size={16} aria-hidden="true" />
              ) : (
                <IconCopy size={16} aria-hidden="true" />
              )
            }
            onClick={() => void clipboard.copy(text)}
          >
            {clipboard.copied ? say("copied") : copy}
          </Button>
        </div>
        {children}
        {command !== null && (
          <div className="terminal-line">
            <span className="quiet">{say("invite.terminal")}</span>
            <CopyText text={command} what={say("command")} />
          </div>
        )}
      </div>
    </div>
  );
}
