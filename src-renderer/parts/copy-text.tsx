/** Text that people need elsewhere: shown as it is, with a button that copies it. */
import { ActionIcon, Tooltip } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { IconCheck, IconCopy } from "@tabler/icons-react";
import { useWords } from "../words/use-words.ts";

interface CopyProps {
  /** What is copied. */
  readonly text: string;
  /** What it is, for the button's name. */
  readonly what: string;
}

export function CopyButton({ text, what }: CopyProps) {
  const { say } = useWords();
  const clipboard = useClipboard({ timeout: 1600 });
  const label = clipboard.copied ? say("copied") : say("copy.what", { what });
  return (
    <Tooltip label={label}>
      <ActionIcon
        className="copy-button"
        variant="subtle"
        color={clipboard.copied ? "teal" : "gray"}
        size="sm"
        aria-label={label}
        onClick={() => void clipboard.copy(text)}
      >
        {clipboard.copied ? <IconCheck size={15} /> : <IconCopy size={15} />}
      </ActionIcon>
    </Tooltip>
  );
}

export function CopyText({ text, what, shown }: CopyProps & { readonly shown?: string }) {
  return (
    <span className="copy-text">
      <span className="mono" title={shown === undefined ? undefined : text}>
        {shown ?? text}
      </span>
      <CopyButton text={text} what={what} />
    </span>
  );
}
