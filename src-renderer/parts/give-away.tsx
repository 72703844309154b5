/** Text that is taken to another machine: as a QR code, to copy, and as a command. */
import { Button, Textarea } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useWords } from "../words/use-words.ts";
import { CopyText } from "./copy-text.tsx";
import { QrCode } from "./qr-code.tsx";

interface GiveAwayProps {
  readonly text: string;
  readonly label: string;
  readonly copy: string;
  /** What the QR code is; null shows none. */
  readonly qr: string | null;
  readonly command: string | null;
  readonly children: ReactNode;
}

export function GiveAway({ text, label, copy, qr, command, children }: GiveAwayProps) {
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
