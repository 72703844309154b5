/** The names of a network: its members', and those that administrators write. */

import { ActionIcon, Button, TextInput } from "@mantine/core";
import { IconAbc, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import type { NamesStatus } from "../../src-shared/names.ts";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { Card } from "../parts/card.tsx";
import { CopyText } from "../parts/copy-text.tsx";
import { Form } from "../parts/form.tsx";
import { OfNetwork } from "../parts/network-head.tsx";
import { Empty, ErrorLine, Remark, Warning } from "../parts/notices.tsx";
import { useAsked } from "../state/use-asked.ts";
import { actLater, useLeaving } from "../state/use-later.ts";
import { useTask } from "../state/use-panel.ts";
import { useRoving } from "../state/use-roving.ts";
import { nothing } from "../words/format.ts";
import { useWords } from "../words/use-words.ts";

export function NamesPage({ id }: { readonly id: string }) {
  return (
    <OfNetwork id={id} part="names">
      {(network) => <Names network={network} />}
    </OfNetwork>
  );
}

function Names({ network }: { readonly network: NetworkStatus }) {
  const { say, format } = useWords();
  const { value, error, read } = useAsked(network.id, async (client) => {
    const [first] = await client.call("names.list", { network: network.id });
    return first ?? null;
  });
  return (
    <>
      <Card
        title={say("names.title")}
        hint={value !== null && say("names.hint", { domain: value.domain })}
        aside={value !== null && <span className="quiet">{format.number(value.names.length)}</span>}
        flush
      >
        <ErrorLine error={error} />
        {value !== null && <Way names={value} />}
        {value?.names.length === 0 && <Empty icon={<IconAbc size={28} />} title={say("names.none")} />}
        {value !== null && value.names.length > 0 && <NameList network={network} names={value} />}
      </Card>
      {network.admin ? (
        <AddName network={network} onAdded={read} />
      ) : (
        <Remark>{say("names.notAdmin")}</Remark>
      )}
    </>
  );
}

function Way({ names: { way, server, reason } }: { readonly names: NamesStatus }) {
  const { say, line } = useWords();
  if (way === "failed") {
    return <Warning>{say("names.way.failed", { reason: reason === null ? nothing : line(reason) })}</Warning>;
  }
  if (way === "none" || server === null) return <p className="card-line quiet">{say("names.way.none")}</p>;
  const text = way === "file" ? say("names.way.file") : say(`names.way.${way}`, { server });
  return <p className="card-line quiet">{text}</p>;
}

interface NameListProps {
  readonly network: NetworkStatus;
  readonly names: NamesStatus;
}

function NameList({ network, names: { names, domain } }: NameListProps) {
  const { say } = useWords();
  const isLeaving = useLeaving();
  const { list, onKeyDown } = useRoving<HTMLUListElement>(".member");
  const leavingKey = (name: string) => `name ${network.id} ${name}`;
  const drop = (name: string) => {
    const below = name.endsWith(`.${domain}`) ? name.slice(0, -domain.length - 1) : name;
    actLater({
      key: leavingKey(name),
      text: say("names.removed", { name }),
      run: (client) => client.call("names.remove", { network: network.id, name: below }),
    });
  };
  return (
    <ul
      className="members"
      aria-label={say("names.list", { name: network.name })}
      ref={list}
      onKeyDown={onKeyDown}
    >
      {names.map(({ name, addresses, alias, byHand }) => (
        <li
          key={name}
          className={isLeaving(leavingKey(name)) ? "member name-line leaving" : "member name-line"}
        >
          <span className="member-name">
            <CopyText text={name} what={say("names.name")} />
            {byHand && <span className="tag">{say("names.byHand")}</span>}
          </span>
          <span className="member-address">
            {alias === null ? (
              addresses.map((address) => (
                <CopyText key={address} text={address} what={say("address.of", { name })} />
              ))
            ) : (
              <span className="quiet">{say("names.alias", { name: alias })}</span>
            )}
          </span>
          <span className="member-actions">
            {byHand && network.admin && !isLeaving(leavingKey(name)) && (
              <ActionIcon
                variant="subtle"
                color="gray"
                onClick={() => drop(name)}
                aria-label={say("names.remove.what", { name })}
              >
                <IconTrash size={17} />
              </ActionIcon>
            )}
          </span>
        </li>
      ))}
    </ul>
  );
}

interface AddNameProps {
  readonly network: NetworkStatus;
  readonly onAdded: () => void;
}

function AddName({ network, onAdded }: AddNameProps) {
  const { say } = useWords();
  const [name, setName] = useState("");
  const [value, setValue] = useState("");
  const add = useTask((client, input: { readonly name: string; readonly value: string }) =>
    client.call("names.add", { network: network.id, ...input }),
  );
  const submit = async () => {
    if ((await add.run({ name: name.trim(), value: value.trim() })) === null) return;
    setName("");
    setValue("");
    onAdded();
  };
  return (
    <Card title={say("names.add.title")} hint={say("names.add.hint")}>
      <Form className="invite-form" onSubmit={() => void submit()}>
        <TextInput
          label={say("names.name")}
          placeholder={say("names.name.hint")}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          maxLength={180}
        />
        <TextInput
          label={say("names.value")}
          placeholder={say("names.value.hint")}
          value={value}
          onChange={(event) => setValue(event.currentTarget.value)}
          maxLength={253}
        />
        <Button
          type="submit"
          variant="light"
          loading={add.busy}
          disabled={name.trim() === "" || value.trim() === ""}
        >
          {say("names.add")}
        </Button>
      </Form>
      <ErrorLine error={add.error} />
    </Card>
  );
}
