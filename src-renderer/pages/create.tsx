/** Creating a network: a name is enough, everything else has a good default. */
import { Button, Collapse, SegmentedControl, Stack, Switch, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconChevronDown } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useId, useState } from "react";
import { parsePrefix } from "../../src-shared/address.ts";
import type { InputOf, OutputOf } from "../../src-shared/api/contract.ts";
import { nodeName } from "../../src-shared/ids.ts";
import { Card } from "../parts/card.tsx";
import { InviteCard, SecretCard } from "../parts/invite-card.tsx";
import { ErrorLine, Warning } from "../parts/notices.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { formatRoute } from "../state/route.ts";
import { useStatus, useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import type { Words } from "../words/words.ts";

type Created = OutputOf<"networks.create">;

export function CreatePage() {
  const { say } = useWords();
  const [created, setCreated] = useState<Created | null>(null);
  return (
    <div className="page page-form">
      <PageHead
        title={created === null ? say("create.title") : say("create.done", { name: created.network.name })}
        back={{ to: { page: "networks" }, label: say("nav.networks") }}
      />
      {created === null ? <CreateForm onCreated={setCreated} /> : <CreatedCard created={created} />}
    </div>
  );
}

interface FormValues {
  readonly name: string;
  readonly way: "invite" | "secret";
  readonly secret: string;
  readonly approve: boolean;
  readonly range: string;
  readonly host: "here" | "router";
  readonly routerLink: string;
  readonly nodeName: string;
}

function CreateForm({ onCreated }: { readonly onCreated: (created: Created) => void }) {
  const words = useWords();
  const { say } = words;
  const { node } = useStatus();
  const [more, setMore] = useState(false);
  const moreId = useId();
  const form = useForm<FormValues>({
    initialValues: blank,
    validate: validators(words),
  });
  const create = useTask((client, values: FormValues) => client.call("networks.create", inputOf(values)));
  const submit = async (values: FormValues) => {
    const created = await create.run(values);
    if (created !== null) onCreated(created);
  };
  return (
    <Card>
      <form
        noValidate
        onSubmit={form.onSubmit(submit, (errors) => {
          // A complaint about a field that is folded away would not be seen.
          if (Object.keys(errors).some((field) => field !== "name")) setMore(true);
        })}
      >
        <Stack gap="md">
          <TextInput
            label={say("create.name")}
            description={say("create.name.hint")}
            placeholder={say("create.name.example")}
            data-autofocus
            autoFocus
            maxLength={63}
            autoComplete="off"
            {...form.getInputProps("name")}
          />
          <div>
            <Button
              variant="subtle"
              size="compact-sm"
              color="gray"
              aria-expanded={more}
              aria-controls={moreId}
              rightSection={<IconChevronDown className={more ? "turned" : ""} size={15} aria-hidden="true" />}
              onClick={() => setMore(!more)}
            >
              {say("more")}
            </Button>
          </div>
          <Collapse expanded={more} id={moreId}>
            <Stack gap="md">
              <Choice
                label={say("create.way")}
                hint={say(form.values.way === "invite" ? "create.way.invite.hint" : "create.way.secret.hint")}
              >
                <SegmentedControl
                  aria-label={say("create.way")}
                  data={[
                    { value: "invite", label: say("create.way.invite") },
                    { value: "secret", label: say("create.way.secret") },
                  ]}
                  {...form.getInputProps("way")}
                />
              </Choice>
              {form.values.way === "secret" ? (
                <TextInput
                  label={say("secret.label")}
                  description={say("create.secret.hint")}
                  autoComplete="off"
                  {...form.getInputProps("secret")}
                />
              ) : (
                <Switch
                  label={say("create.approve")}
                  description={say("create.approve.hint")}
                  {...form.getInputProps("approve", { type: "checkbox" })}
                />
              )}
              <TextInput
                label={say("create.range")}
                description={say("create.range.hint")}
                placeholder="10.20.0.0/16"
                autoComplete="off"
                {...form.getInputProps("range")}
              />
              <Choice
                label={say("create.host")}
                hint={say(form.values.host === "here" ? "create.host.here.hint" : "create.host.router.hint")}
              >
                <SegmentedControl
                  aria-label={say("create.host")}
                  data={[
                    { value: "here", label: say("create.host.here") },
                    { value: "router", label: say("create.host.router") },
                  ]}
                  {...form.getInputProps("host")}
                />
              </Choice>
              {form.values.host === "router" && (
                <TextInput
                  label={say("create.routerLink")}
                  placeholder="starmesh://router/1/…"
                  autoComplete="off"
                  {...form.getInputProps("routerLink")}
                />
              )}
              <TextInput
                label={say("nodeName")}
                description={say("nodeName.hint")}
                placeholder={node.name}
                autoComplete="off"
                {...form.getInputProps("nodeName")}
              />
            </Stack>
          </Collapse>
          <ErrorLine error={create.error} />
          <div>
            <Button type="submit" size="md" loading={create.busy}>
              {say("create.title")}
            </Button>
          </div>
        </Stack>
      </form>
    </Card>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly hint: string;
  readonly children: ReactNode;
}

function Choice({ label, hint, children }: ChoiceProps) {
  return (
    <div>
      <div className="field-label">{label}</div>
      {children}
      <div className="hint">{hint}</div>
    </div>
  );
}

function CreatedCard({ created }: { readonly created: Created }) {
  const { say, line } = useWords();
  // The invite's own card says what is wrong with it.
  const warnings = created.warnings.filter((each) => !created.invite?.warnings.includes(each));
  return (
    <Card
      title={say(created.invite === null ? "create.giveSecret" : "create.giveInvite")}
      hint={say(created.invite === null ? "create.giveSecret.hint" : "create.giveInvite.hint")}
    >
      {created.invite !== null && <InviteCard invite={created.invite} />}
      {created.secret !== null && <SecretCard secret={created.secret} joinLine={created.joinLine} />}
      {warnings.map((warning) => (
        <Warning key={warning}>{line(warning)}</Warning>
      ))}
      <div className="card-foot">
        <Button
          component="a"
          variant="default"
          href={formatRoute({ page: "network", network: created.network.id })}
        >
          {say("create.open", { name: created.network.name })}
        </Button>
      </div>
    </Card>
  );
}

function validators({ say }: Words) {
  const name = (value: string) => (nodeName.safeParse(value.trim()).success ? null : say("name.rule"));
  return {
    name: (value: string) => (value.trim() === "" ? say("name.missing") : name(value)),
    nodeName: (value: string) => (value.trim() === "" ? null : name(value)),
    range: (value: string) =>
      value.trim() === "" || parsePrefix(value.trim()) !== null ? null : say("create.range.rule"),
    routerLink: (value: string, values: FormValues) =>
      values.host === "here" || value.trim() !== "" ? null : say("create.routerLink.missing"),
  };
}

function inputOf(values: FormValues): InputOf<"networks.create"> {
  const range = values.range.trim();
  const ownName = values.nodeName.trim();
  return {
    name: values.name.trim(),
    ...(values.way === "secret" ? { secret: values.secret } : { approve: values.approve }),
    ...(range === "" ? {} : { cidr: range }),
    ...(values.host === "here" ? {} : { routerLink: values.routerLink.trim() }),
    ...(ownName === "" ? {} : { nodeName: ownName }),
  };
}

const blank: FormValues = {
  name: "",
  way: "invite",
  secret: "",
  approve: false,
  range: "",
  host: "here",
  routerLink: "",
  nodeName: "",
};
