/** A range of ports of this router, each a network of its own. */

import { Button, Switch, TextInput } from "@mantine/core";
import { useState } from "react";
import type { InputOf } from "../../src-shared/api/contract.ts";
import { joinHostPort, splitHostPort } from "../../src-shared/ids.ts";
import { firstFree, formatPorts } from "../../src-shared/plane.ts";
import { routerWish } from "../../src-shared/router-settings.ts";
import type { RouterPlanesStatus } from "../../src-shared/router-status.ts";
import type { RouterStatus } from "../../src-shared/status.ts";
import { useTask } from "../state/use-panel.ts";
import { nothing } from "../words/format.ts";
import { useWords } from "../words/use-words.ts";
import { Card, Fact, Facts } from "./card.tsx";
import { CopyText } from "./copy-text.tsx";
import { Form } from "./form.tsx";
import { ErrorLine, Remark } from "./notices.tsx";

export function PlanesCard({ router }: { readonly router: RouterStatus }) {
  const { say } = useWords();
  const [asking, setAsking] = useState(false);
  const change = useTask((client, input: InputOf<"router.start">) => client.call("router.start", input));
  const { planes, file } = router;
  const isFixed = file?.fixed.includes("planes") ?? false;
  return (
    <Card
      title={say("planes.title")}
      hint={say("planes.hint")}
      aside={
        <Switch
          checked={planes !== null || asking}
          disabled={change.busy || isFixed}
          onChange={(event) => {
            setAsking(event.currentTarget.checked);
            if (!event.currentTarget.checked && planes !== null) void change.run({ planes: null });
          }}
          aria-label={say("planes.on")}
        />
      }
    >
      {isFixed && file !== null && (
        <Remark>{say("transports.file", { file: file.path, settings: "planes" })}</Remark>
      )}
      {planes !== null && <Running planes={planes} router={router} />}
      {(planes !== null || asking) && !isFixed && (
        <Range
          key={planes === null ? "new" : `${planes.bind} ${planes.nums} ${planes.token}`}
          planes={planes}
          busy={change.busy}
          onApply={(input) => void change.run({ planes: input })}
        />
      )}
      <ErrorLine error={change.error} />
    </Card>
  );
}

function Running({ planes, router }: { readonly planes: RouterPlanesStatus; readonly router: RouterStatus }) {
  const { say, format } = useWords();
  const { nums, token, open, busy, used } = planes;
  const host = splitHostPort(router.publicAddresses[0] ?? "")?.host ?? "HOST";
  const line = `starmesh join ${joinHostPort(host, firstFree(planes))} --secret ${token}`;
  return (
    <>
      <Facts>
        <Fact name={say("planes.open")}>
          {say("planes.open.count", { open: format.number(open), nums: format.number(nums) })}
        </Fact>
        <Fact name={say("planes.busy")}>
          {busy.length === 0 ? nothing : <span className="mono">{formatPorts(busy)}</span>}
        </Fact>
      </Facts>
      <p className="hint">{say("planes.join")}</p>
      <div className="long-line">
        <CopyText text={line} what={say("planes.join")} />
      </div>
      {used.length === 0 ? (
        <p className="hint">{say("planes.used.none")}</p>
      ) : (
        <ul className="members" aria-label={say("planes.used")}>
          {used.map(({ port, members, online }) => (
            <li key={port} className="member">
              <span className={`dot dot-${online > 0 ? "connected" : "offline"}`} aria-hidden="true" />
              <span className="member-name">{say("planes.used.at", { port: String(port) })}</span>
              <span className="quiet">
                {say("router.hosted.online", {
                  online: format.number(online),
                  members: format.number(members),
                })}
              </span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

interface RangeProps {
  readonly planes: RouterPlanesStatus | null;
  readonly busy: boolean;
  readonly onApply: (planes: NonNullable<InputOf<"router.start">["planes"]>) => void;
}

function Range({ planes, busy, onApply }: RangeProps) {
  const { say } = useWords();
  const [bind, setBind] = useState(String(planes?.bind ?? 8000));
  const [nums, setNums] = useState(String(planes?.nums ?? 100));
  const [token, setToken] = useState(planes?.token ?? "");
  const wish = { bind: Number(bind), nums: Number(nums), token: token === "" ? null : token };
  const issues = routerWish.safeParse({ planes: wish }).error?.issues ?? [];
  const isWrong = (field: string) => issues.some(({ path }) => path[1] === field);
  const isSame =
    planes !== null && wish.bind === planes.bind && wish.nums === planes.nums && token === planes.token;
  return (
    <Form
      className="transport-form"
      onSubmit={() => {
        if (issues.length === 0) onApply(wish);
      }}
    >
      <TextInput
        label={say("planes.bind")}
        inputMode="numeric"
        value={bind}
        error={isWrong("bind") && say("planes.rule")}
        onChange={(event) => setBind(event.currentTarget.value.trim())}
      />
      <TextInput
        label={say("planes.nums")}
        inputMode="numeric"
        value={nums}
        error={isWrong("nums") && say("planes.rule")}
        onChange={(event) => setNums(event.currentTarget.value.trim())}
      />
      <TextInput
        label={say("planes.token")}
        description={say("planes.token.hint")}
        value={token}
        error={isWrong("token") && say("planes.token.hint")}
        autoComplete="off"
        spellCheck={false}
        onChange={(event) => setToken(event.currentTarget.value.trim())}
      />
      <Button type="submit" variant="default" loading={busy} disabled={issues.length > 0 || isSame}>
        {say("router.apply")}
      </Button>
    </Form>
  );
}
