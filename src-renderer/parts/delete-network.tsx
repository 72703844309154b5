/** Ends a network for everybody, after the reader has written its name. */

import { Button, Group, Modal, Stack, TextInput } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { useTask } from "../state/use-panel.ts";
import { go } from "../state/use-route.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { Form } from "./form.tsx";
import { ErrorLine } from "./notices.tsx";

export function DeleteNetwork({ network }: { readonly network: NetworkStatus }) {
  const { say } = useWords();
  const [asking, setAsking] = useState(false);
  const [written, setWritten] = useState("");
  const remove = useTask((client, name: string) => client.call("networks.delete", { network: name }));
  const close = () => setAsking(false);
  return (
    <>
      <Card
        title={say("delete.title")}
        hint={say("delete.hint")}
        aside={
          <Button
            variant="light"
            color="red"
            leftSection={<IconTrash size={16} aria-hidden="true" />}
            onClick={() => {
              remove.reset();
              setWritten("");
              setAsking(true);
            }}
          >
            {say("delete.action")}
          </Button>
        }
      >
        {null}
      </Card>
      <Modal
        opened={asking}
        onClose={close}
        title={say("delete.confirm.title", { name: network.name })}
        closeButtonProps={{ "aria-label": say("close") }}
      >
        <Form
          onSubmit={() =>
            void remove.run(network.id).then((done) => done !== null && go({ page: "networks" }))
          }
        >
          <Stack gap="md">
            <p>{say("delete.confirm", { count: network.members })}</p>
            <TextInput
              label={say("delete.write", { name: network.name })}
              value={written}
              onChange={(event) => setWritten(event.currentTarget.value)}
              autoComplete="off"
              data-autofocus
            />
            <ErrorLine error={remove.error} />
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={close}>
                {say("cancel")}
              </Button>
              <Button
                type="submit"
                color="red"
                loading={remove.busy}
                disabled={written.trim() !== network.name}
              >
                {say("delete.action")}
              </Button>
            </Group>
          </Stack>
        </Form>
      </Modal>
    </>
  );
}
