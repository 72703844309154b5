/** Joining a network: by an invite, or by its name and secret. */
import { Button, Checkbox, SegmentedControl, Stack, Textarea, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { IconCheck, IconLoader2, IconX } from "@tabler/icons-react";
import { useState } from "react";
import type { InputOf, OutputOf } from "../../src-shared/api/contract.ts";
import { isLink, parseInvite } from "../../src-shared/link.ts";
import { planeTarget } from "../../src-shared/plane.ts";
import { Card, Fact, Facts } from "../parts/card.tsx";
import { CopyText } from "../parts/copy-text.tsx";
import { InviteSources } from "../parts/invite-sources.tsx";
import { ErrorLine, Remark, Warning } from "../parts/notices.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { formatRoute } from "../state/route.ts";
import { asAppError, usePanel, useStatus, useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import type { Words } from "../words/words.ts";

type Joined = Extract<OutputOf<"networks.join">, { joined: unknown }>["joined"];

interface FormValues {
  readonly way: "invite" | "secret";
  readonly invite: string;
  readonly name: string;
  readonly secret: string;
  readonly router: string;
  readonly nodeName: string;
  readonly force: boolean;
}

export function JoinPage({ invite }: { readonly invite: string }) {
  const words = useWords();
  const { say } = words;
  const { node } = useStatus();
  const [steps, setSteps] = useState<readonly string[]>([]);
  const [joined, setJoined] = useState<Joined | null>(null);
  const form = useForm<FormValues>({
    initialValues: { ...blank, invite },
    validate: validators(words),
  });
  const join = useTask(async (client, values: FormValues) => {
    setSteps([]);
    for await (const value of client.stream("networks.join", inputOf(values))) {
      if ("joined" in value) setJoined(value.joined);
      else setSteps((before) => [...before, value.step]);
    }
    return true;
  });
  const { way } = form.values;
  if (joined !== null) return <JoinedPage joined={joined} />;
  return (
    <div className="page page-form">
      <PageHead title={say("join.title")} back={{ to: { page: "networks" }, label: say("nav.networks") }} />
      <Card>
        <form noValidate onSubmit={form.onSubmit((values) => void join.run(values))}>
          <Stack gap="md">
            <SegmentedControl
              aria-label={say("join.way")}
              data={[
                { value: "invite", label: say("join.way.invite") },
                { value: "secret", label: say("join.way.secret") },
              ]}
              {...form.getInputProps("way")}
            />
            {way === "invite" ? (
              <>
                <Textarea
                  label={say("join.invite")}
                  description={say("join.invite.hint")}
                  placeholder="starmesh://join/1/…"
                  classNames={{ input: "mono" }}
                  autosize
                  minRows={3}
                  maxRows={6}
                  autoFocus
                  spellCheck={false}
                  {...form.getInputProps("invite")}
                />
                <InviteSources onInvite={(text) => form.setFieldValue("invite", text)} />
                <Preview text={form.values.invite} />
              </>
            ) : (
              <>
                <TextInput
                  label={say("join.name")}
                  description={say("join.name.hint")}
                  autoComplete="off"
                  autoFocus
                  {...form.getInputProps("name")}
                />
                <TextInput label={say("secret.label")} autoComplete="off" {...form.getInputProps("secret")} />
                <TextInput
                  label={say("join.router")}
                  description={say("join.router.hint")}
                  placeholder="router.example:7743"
                  autoComplete="off"
                  {...form.getInputProps("router")}
                />
              </>
            )}
            <TextInput
              label={say("nodeName")}
              description={say("nodeName.hint")}
              placeholder={node.name}
              autoComplete="off"
              {...form.getInputProps("nodeName")}
            />
            <Steps steps={steps} end={join.error !== null ? "failed" : join.busy ? "running" : "done"} />
            <ErrorLine error={join.error} />
            {(join.error?.code === "range-overlaps" || form.values.force) && (
              <Checkbox label={say("join.force")} {...form.getInputProps("force", { type: "checkbox" })} />
            )}
            <div>
              <Button type="submit" size="md" loading={join.busy}>
                {say("join.action")}
              </Button>
            </div>
          </Stack>
        </form>
      </Card>
    </div>
  );
}

/** What an invite says before it is used. */
function Preview({ text }: { readonly text: string }) {
  const { say, format, explain } = useWords();
  const now = usePanel((state) => state.heardAt);
  const link = withoutBreaks(text);
  if (!isLink(link, "join")) return null;
  try {
    const invite = parseInvite(link);
    const expires = new Date(invite.expires).toISOString();
    const when = format.relative(expires, now);
    const routers = format.list(invite.addresses);
    return invite.expires < now ? (
      <Warning>{say("join.preview.expired", { when })}</Warning>
    ) : (
      <Remark>{say("join.preview", { routers, when })}</Remark>
    );
  } catch (error) {
    return <Warning>{explain(asAppError(error))}</Warning>;
  }
}

interface StepsProps {
  readonly steps: readonly string[];
  readonly end: "running" | "failed" | "done";
}

function Steps({ steps, end }: StepsProps) {
  const { line } = useWords();
  if (steps.length === 0) return null;
  return (
    <ol className="steps" aria-live="polite">
      {steps.map((step, at) => {
        const state = at < steps.length - 1 ? "done" : end;
        return (
          <li key={step} className={`step-${state}`}>
            {state === "running" ? (
              <IconLoader2 size={16} className="turning" aria-hidden="true" />
            ) : state === "failed" ? (
              <IconX size={16} aria-hidden="true" />
            ) : (
              <IconCheck size={16} aria-hidden="true" />
            )}
            {line(step)}
          </li>
        );
      })}
    </ol>
  );
}

function JoinedPage({ joined }: { readonly joined: Joined }) {
  const { say, line, format } = useWords();
  const waits = joined.waitsFor.length > 0;
  return (
    <div className="page page-form">
      <PageHead title={say(waits ? "joined.waits.title" : "joined.title", { name: joined.network })} />
      <Card>
        {waits && <Remark>{say("joined.waits", { devices: format.list(joined.waitsFor) })}</Remark>}
        <Facts>
          <Fact name={say("nodeName")}>{joined.name}</Fact>
          <Fact name={say("address")}>
            <CopyText text={joined.address} what={say("address")} />
          </Fact>
        </Facts>
        {joined.warnings.map((warning) => (
          <Warning key={warning}>{line(warning)}</Warning>
        ))}
        <div className="card-foot">
          <Button component="a" href={formatRoute({ page: "home" })} autoFocus>
            {say("joined.home")}
          </Button>
        </div>
      </Card>
    </div>
  );
}

function validators({ say }: Words) {
  const needed = (way: FormValues["way"], text: string) => (value: string, values: FormValues) =>
    values.way === way && value.trim() === "" ? text : null;
  return {
    invite: needed("invite", say("join.invite.missing")),
    name: needed("secret", say("join.name.missing")),
    secret: needed("secret", say("join.secret.missing")),
    router: (value: string, values: FormValues) =>
      planeTarget(values.name.trim()) === null
        ? needed("secret", say("join.router.missing"))(value, values)
        : null,
  };
}

function inputOf(values: FormValues): InputOf<"networks.join"> {
  const ownName = values.nodeName.trim();
  return {
    ...(values.way === "invite"
      ? { target: withoutBreaks(values.invite) }
      : { target: values.name.trim(), secret: values.secret, ...routerOf(values) }),
    ...(ownName === "" ? {} : { nodeName: ownName }),
    force: values.force,
  };
}

/** `HOST:PORT` instead of a name says already which router is meant. */
function routerOf({ router }: FormValues): { readonly router?: string } {
  return router.trim() === "" ? {} : { router: router.trim() };
}

/** Mail and chat programs break long lines. */
function withoutBreaks(text: string): string {
  return text.replace(/\s+/g, "");
}

const blank: FormValues = {
  way: "invite",
  invite: "",
  name: "",
  secret: "",
  router: "",
  nodeName: "",
  force: false,
};
