/** By what this router is reached: each transport with its switch, its place and its certificate. */

import { Button, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import type { InputOf } from "../../src-shared/api/contract.ts";
import { routerWish } from "../../src-shared/router-settings.ts";
import type { RouterTransportStatus } from "../../src-shared/router-status.ts";
import type { RouterStatus, Transport } from "../../src-shared/status.ts";
import type { Task } from "../state/use-panel.ts";
import { useTask } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { Form } from "./form.tsx";
import { ErrorLine, Remark } from "./notices.tsx";

type Change = Task<InputOf<"router.start">, unknown>;

export function TransportsCard({ router }: { readonly router: RouterStatus }) {
  const { say, format } = useWords();
  const [open, setOpen] = useState<Transport | null>(null);
  const change = useTask((client, input: InputOf<"router.start">) => client.call("router.start", input));
  const { file } = router;
  return (
    <Card title={say("transports.title")} hint={say("transports.hint")}>
      {file !== null && file.fixed.length > 0 && (
        <Remark>{say("transports.file", { file: file.path, settings: format.list(file.fixed) })}</Remark>
      )}
      <ErrorLine error={change.error} />
      <ul className="transports" aria-label={say("transports.title")}>
        {router.transports.map((each) => (
          <li key={each.transport}>
            <Row
              status={each}
              router={router}
              change={change}
              isOpen={open === each.transport}
              onOpen={(isOpen) => setOpen(isOpen ? each.transport : null)}
            />
          </li>
        ))}
      </ul>
    </Card>
  );
}

interface RowProps {
  readonly status: RouterTransportStatus;
  readonly router: RouterStatus;
  readonly change: Change;
  readonly isOpen: boolean;
  readonly onOpen: (isOpen: boolean) => void;
}

function Row({ status, router, change, isOpen, onOpen }: RowProps) {
  const { say } = useWords();
  const { transport, enable } = status;
  return (
    <>
      <div className="transport">
        <Switch
          checked={enable}
          disabled={change.busy || isFixed(router, transport, "enable")}
          onChange={(event) =>
            void change.run({ transports: { [transport]: { enable: event.currentTarget.checked } } })
          }
          label={transport.toUpperCase()}
          aria-label={say("transports.switch", { transport: transport.toUpperCase() })}
          description={say(`transports.${transport}`)}
        />
        <State status={status} />
        <Button
          variant="subtle"
          size="compact-sm"
          aria-expanded={isOpen}
          aria-label={say("transports.change.of", { transport: transport.toUpperCase() })}
          onClick={() => onOpen(!isOpen)}
        >
          {say("transports.change")}
        </Button>
      </div>
      {isOpen && <Place transport={transport} router={router} change={change} onDone={() => onOpen(false)} />}
    </>
  );
}

function State({ status: { state, listen, detail } }: { readonly status: RouterTransportStatus }) {
  const { say } = useWords();
  const place = listen ?? "";
  const dot = { listening: "connected", off: "offline", busy: "unreachable", failed: "unreachable" }[state];
  return (
    <span className="transport-state">
      <span className={`dot dot-${dot}`} aria-hidden="true" />
      <span>
        {state === "off" && say("transports.off")}
        {state === "listening" && say("transports.listening", { place })}
        {state === "busy" && say("transports.busy", { place })}
        {state === "failed" && say("transports.failed", { detail: detail ?? "" })}
      </span>
    </span>
  );
}

interface PlaceProps {
  readonly transport: Transport;
  readonly router: RouterStatus;
  readonly change: Change;
  readonly onDone: () => void;
}

/** Where, and for those over TLS with which certificate. */
function Place({ transport, router, change, onDone }: PlaceProps) {
  const { say } = useWords();
  const settings = router.settings.transports[transport];
  const [fields, setFields] = useState<Fields>({
    listen: settings.listen ?? "",
    cert: ("files" in settings && settings.files?.cert) || "",
    key: ("files" in settings && settings.files?.key) || "",
    path: "path" in settings ? settings.path : "",
  });
  const wish = wishOf(transport, fields);
  const mistakes = mistakesIn(transport, wish);
  const isHalf = (fields.cert === "") !== (fields.key === "");
  const input = (name: keyof Fields, more: { readonly hint?: string; readonly error?: string | false }) => (
    <TextInput
      label={say(`transports.${name}`)}
      description={more.hint}
      value={fields[name]}
      disabled={isFixed(router, transport, name)}
      error={more.error}
      spellCheck={false}
      autoComplete="off"
      onChange={(event) => setFields({ ...fields, [name]: event.currentTarget.value.trim() })}
    />
  );
  return (
    <Form
      className="transport-form"
      onSubmit={() => {
        if (mistakes.size > 0 || isHalf) return;
        void change.run(withoutFixed(wish, router)).then((done) => done !== null && onDone());
      }}
    >
      {input("listen", {
        hint: say("transports.listen.hint"),
        error: mistakes.has("listen") && say("transports.listen.wrong"),
      })}
      {"files" in settings && (
        <>
          {input("cert", {
            hint: say("transports.files.hint"),
            error: isHalf && say("transports.files.wrong"),
          })}
          {input("key", { hint: say("transports.files.hint") })}
        </>
      )}
      {"path" in settings && input("path", { error: mistakes.has("path") && say("transports.path.wrong") })}
      <Button type="submit" variant="default" loading={change.busy} disabled={mistakes.size > 0 || isHalf}>
        {say("router.apply")}
      </Button>
    </Form>
  );
}

interface Fields {
  readonly listen: string;
  readonly cert: string;
  readonly key: string;
  readonly path: string;
}

type Wish = Record<string, string | null>;

/** What is empty is as usual. */
function wishOf(transport: Transport, { listen, cert, key, path }: Fields): Record<string, Wish> {
  const place = { listen: listen || null };
  const files = isSecured(transport) ? { cert: cert || null, key: key || null } : {};
  return { [transport]: { ...place, ...files, ...(transport === "wss" ? { path: path || null } : {}) } };
}

/** Whether a certificate is shown for it. */
function isSecured(transport: Transport): boolean {
  return transport === "kcp" || transport === "quic" || transport === "tls" || transport === "wss";
}

/** Names of the fields that the engine would refuse. */
function mistakesIn(transport: Transport, transports: Record<string, Wish>): ReadonlySet<string> {
  const parsed = routerWish.safeParse({ transports });
  if (parsed.success) return new Set();
  return new Set(
    parsed.error.issues.filter(({ path }) => path[1] === transport).map(({ path }) => String(path[2])),
  );
}

function withoutFixed(transports: Record<string, Wish>, router: RouterStatus): InputOf<"router.start"> {
  const left = Object.entries(transports).map(([transport, fields]) => [
    transport,
    Object.fromEntries(Object.entries(fields).filter(([field]) => !isFixed(router, transport, field))),
  ]);
  return { transports: Object.fromEntries(left) };
}

/** Whether the router's file sets it. */
function isFixed({ file }: RouterStatus, transport: string, field: string): boolean {
  return file?.fixed.includes(`transports.${transport}.${field}`) ?? false;
}
