/** Asks before something that cannot be taken back. */
import { Button, Group, Modal, Stack } from "@mantine/core";
import type { ReactNode } from "react";
import type { AppError } from "../../src-shared/errors.ts";
import { useWords } from "../words/use-words.ts";
import { ErrorLine } from "./notices.tsx";

interface ConfirmProps {
  readonly opened: boolean;
  readonly title: string;
  /** What will happen. */
  readonly children: ReactNode;
  /** The verb on the button. */
  readonly action: string;
  readonly busy: boolean;
  readonly error: AppError | null;
  readonly onConfirm: () => void;
  readonly onClose: () => void;
}

export function Confirm({ opened, title, children, action, busy, error, onConfirm, onClose }: ConfirmProps) {
  const { say } = useWords();
  return (
    <Modal opened={opened} onClose={onClose} title={title} closeButtonProps={{ "aria-label": say("close") }}>
      <Stack gap="md">
        <div>{children}</div>
        <ErrorLine error={error} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose} data-autofocus>
            {say("cancel")}
          </Button>
          <Button color="red" loading={busy} onClick={onConfirm}>
            {action}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
