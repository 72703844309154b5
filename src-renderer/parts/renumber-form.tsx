/** Moves a network to other addresses: first who would get which, then the step itself. */
import { Button, Checkbox, Group, Modal, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import type { RenumberPlan } from "../../src-shared/renumber.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { Form } from "./form.tsx";
import { ErrorLine, Remark, Warning } from "./notices.tsx";

interface RenumberFormProps {
  readonly network: NetworkStatus;
  /** A free range; null: none is known. */
  readonly proposed: string | null;
}

export function RenumberForm({ network, proposed }: RenumberFormProps) {
  const { say } = useWords();
  const [asking, setAsking] = useState(false);
  const [range, setRange] = useState("");
  const [plan, setPlan] = useState<RenumberPlan | null>(null);
  const [force, setForce] = useState(false);
  const preview = useTask((client, wish: string) =>
    client.call("networks.renumberPreview", { network: network.id, range: wish }),
  );
  const move = useTask((client, wish: { readonly range: string; readonly force: boolean }) =>
    client.call("networks.renumber", { network: network.id, ...wish }),
  );
  const isRefused = plan !== null && plan.clashes.length > 0 && !force;
  const open = () => {
    preview.reset();
    move.reset();
    setRange(proposed ?? "");
    setPlan(null);
    setForce(false);
    setAsking(true);
  };
  const close = () => setAsking(false);
  const submit = async () => {
    if (plan === null) setPlan(await preview.run(range.trim()));
    else if (!isRefused && (await move.run({ range: plan.range, force })) !== null) close();
  };
  return (
    <>
      <Button size="compact-sm" variant="light" onClick={open}>
        {say("renumber.action")}
      </Button>
      <Modal
        opened={asking}
        onClose={close}
        title={say("renumber.title", { name: network.name })}
        closeButtonProps={{ "aria-label": say("close") }}
      >
        <Form onSubmit={() => void submit()}>
          <Stack gap="md">
            <p>{say("renumber.hint")}</p>
            <TextInput
              label={say("renumber.range")}
              value={range}
              onChange={(event) => {
                setRange(event.currentTarget.value);
                setPlan(null);
              }}
              autoComplete="off"
              data-autofocus
            />
            {plan !== null && <PlanOf plan={plan} />}
            {plan !== null && plan.clashes.length > 0 && (
              <Checkbox
                checked={force}
                onChange={(event) => setForce(event.currentTarget.checked)}
                label={say("renumber.force")}
              />
            )}
            <ErrorLine error={preview.error ?? move.error} />
            <Group justify="flex-end" gap="xs">
              <Button variant="default" onClick={close}>
                {say("cancel")}
              </Button>
              <Button
                type="submit"
                loading={preview.busy || move.busy}
                disabled={range.trim() === "" || isRefused}
              >
                {say(plan === null ? "renumber.preview" : "renumber.move")}
              </Button>
            </Group>
          </Stack>
        </Form>
      </Modal>
    </>
  );
}

function PlanOf({ plan }: { readonly plan: RenumberPlan }) {
  const { say, format } = useWords();
  const { members, clashes } = plan;
  const clients = members.filter(({ stock }) => stock).map(({ name }) => name);
  return (
    <>
      {clashes.map(({ prefix, where }) => (
        <Warning key={`${where} ${prefix}`}>{say("renumber.clash", { prefix, where })}</Warning>
      ))}
      {clients.length > 0 && <Remark>{say("renumber.clients", { names: format.list(clients) })}</Remark>}
      <ul className="plan-changes" aria-label={say("renumber.moves")}>
        {members.slice(0, mostMembers).map(({ name, from, to }) => (
          <li key={name}>{say("renumber.move.of", { name, from, to })}</li>
        ))}
      </ul>
      {members.length > mostMembers && (
        <p className="quiet">{say("renumber.more", { count: members.length - mostMembers })}</p>
      )}
    </>
  );
}

const mostMembers = 50;
