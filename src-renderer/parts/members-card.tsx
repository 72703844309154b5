/** The members of a network; an administrator approves, removes and makes administrators. */
import { ActionIcon, Button, Loader, Menu } from "@mantine/core";
import { IconDots, IconShieldPlus, IconUserMinus } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { MemberStatus, NetworkStatus } from "../../src-shared/status.ts";
import { formatRoute } from "../state/route.ts";
import { actLater, useLeaving } from "../state/use-later.ts";
import { useMembers } from "../state/use-members.ts";
import { useTask } from "../state/use-panel.ts";
import { useRoving } from "../state/use-roving.ts";
import { useWords } from "../words/use-words.ts";
import { Card } from "./card.tsx";
import { CopyText } from "./copy-text.tsx";
import { ErrorLine } from "./notices.tsx";

export function MembersCard({ network }: { readonly network: NetworkStatus }) {
  const { say, format } = useWords();
  const { value: members, error, read } = useMembers(network);
  const approve = useTask((client, member: string) =>
    client.call("members.approve", { network: network.id, member }),
  );
  const { list, onKeyDown } = useRoving<HTMLUListElement>(".member");
  const waitingList = useRoving<HTMLUListElement>(".member");
  const waiting = members?.filter((member) => !member.approved && !member.self) ?? [];
  const approved = members?.filter((member) => member.approved || member.self) ?? [];
  return (
    <Card
      title={say("members")}
      aside={members !== null && <span className="quiet">{format.number(approved.length)}</span>}
      flush
    >
      <ErrorLine error={error ?? approve.error} />
      {members === null && error === null && <Loader size="sm" m="md" aria-label={say("opening")} />}
      {waiting.length > 0 && (
        <ul
          className="members members-waiting"
          aria-label={say("members.waiting")}
          ref={waitingList.list}
          onKeyDown={waitingList.onKeyDown}
        >
          {waiting.map((member) => (
            <MemberLine key={member.identity} member={member} network={network}>
              {network.admin && (
                <Button
                  size="compact-sm"
                  loading={approve.busy}
                  onClick={() => void approve.run(member.name).then(read)}
                  aria-label={say("member.approve.who", { name: member.name })}
                >
                  {say("member.approve")}
                </Button>
              )}
              {network.admin && <MemberMenu member={member} network={network} />}
            </MemberLine>
          ))}
        </ul>
      )}
      <ul className="members" aria-label={say("members")} ref={list} onKeyDown={onKeyDown}>
        {approved.map((member) => (
          <MemberLine key={member.identity} member={member} network={network}>
            {network.admin && !member.self && <MemberMenu member={member} network={network} />}
          </MemberLine>
        ))}
      </ul>
    </Card>
  );
}

interface MemberLineProps {
  readonly member: MemberStatus;
  readonly network: NetworkStatus;
  readonly children: ReactNode;
}

function MemberLine({ member, network, children }: MemberLineProps) {
  const { say } = useWords();
  const isLeaving = useLeaving()(leavingKey(network, member));
  const state = say(!member.approved ? "member.waits" : member.online ? "member.online" : "member.offline");
  return (
    <li className={isLeaving ? "member leaving" : "member"}>
      <span className={`dot dot-${member.online ? "connected" : "offline"}`} aria-hidden="true" />
      <span className="member-name">
        {member.self ? (
          member.name
        ) : (
          <a href={formatRoute({ page: "peer", network: network.id, peer: member.name })}>{member.name}</a>
        )}
        {member.self && <span className="tag">{say("member.self")}</span>}
        {member.admin && <span className="tag tag-admin">{say("member.admin")}</span>}
        {member.kind === "stock" && (
          <span className="tag">
            {member.servedBy === null ? "WireGuard" : say("member.stock", { gateway: member.servedBy })}
          </span>
        )}
      </span>
      <span className="quiet member-state">{state}</span>
      <span className="member-address">
        {member.address !== "" && (
          <CopyText text={member.address} what={say("address.of", { name: member.name })} />
        )}
      </span>
      <span className="member-actions">{!isLeaving && children}</span>
    </li>
  );
}

interface MemberMenuProps {
  readonly member: MemberStatus;
  readonly network: NetworkStatus;
}

function MemberMenu({ member, network }: MemberMenuProps) {
  const { say } = useWords();
  if (network.secret) return null;
  const { name } = member;
  const mayBeAdmin = !member.admin && member.approved && member.kind === "node";
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={say("member.menu", { name })}>
          <IconDots size={18} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {mayBeAdmin && (
          <Menu.Item
            leftSection={<IconShieldPlus size={16} />}
            onClick={() =>
              actLater({
                key: `admin ${network.id} ${member.identity}`,
                text: say("member.madeAdmin", { name }),
                run: (client) => client.call("members.admin", { network: network.id, member: name }),
              })
            }
          >
            {say("member.makeAdmin")}
          </Menu.Item>
        )}
        <Menu.Item
          color="red"
          leftSection={<IconUserMinus size={16} />}
          onClick={() =>
            actLater({
              key: leavingKey(network, member),
              text: say("member.removed", { name }),
              run: (client) => client.call("members.remove", { network: network.id, member: name }),
            })
          }
        >
          {say("member.remove")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function leavingKey({ id }: NetworkStatus, { identity }: MemberStatus): string {
  return `member ${id} ${identity}`;
}
