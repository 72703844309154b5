/** What this machine's surroundings let through: what it means first, what was measured on demand. */
import { Button } from "@mantine/core";
import { useState } from "react";
import type { Netcheck } from "../../src-shared/status.ts";
import { useTask } from "../state/use-panel.ts";
import { nothing } from "../words/format.ts";
import { useWords } from "../words/use-words.ts";
import { Card, Fact, Facts } from "./card.tsx";
import { Findings } from "./findings.tsx";
import { ErrorLine } from "./notices.tsx";

export function CheckCard() {
  const { say } = useWords();
  const [found, setFound] = useState<Netcheck | null>(null);
  const check = useTask((client, _input: null) => client.call("netcheck.run", {}));
  return (
    <Card
      title={say("check.title")}
      hint={say("check.hint")}
      aside={
        <Button
          variant="light"
          size="xs"
          loading={check.busy}
          onClick={() => void check.run(null).then((result) => result !== null && setFound(result))}
        >
          {say("check.run")}
        </Button>
      }
    >
      <ErrorLine error={check.error} />
      {found === null ? <p className="quiet">{say("check.idle")}</p> : <Found found={found} />}
    </Card>
  );
}

function Found({ found }: { readonly found: Netcheck }) {
  const { say } = useWords();
  return (
    <div role="status">
      <Findings findings={found.findings} />
      <details className="details">
        <summary>{say("check.details")}</summary>
        <Measured found={found} />
      </details>
    </div>
  );
}

function Measured({ found }: { readonly found: Netcheck }) {
  const { say, format } = useWords();
  return (
    <Facts>
      {found.routers.map((router) => (
        <Fact key={router.address} name={say("check.router", { address: router.address })} wide>
          TCP {router.control ? format.latency(router.controlMs) : say("check.closed")} · UDP{" "}
          {router.udp ? format.latency(router.udpMs) : say("check.closed")}
          {router.linkMs !== null && ` · ${say("check.link", { latency: format.latency(router.linkMs) })}`}
          {router.reflexive !== null && ` · ${say("check.seenAs", { address: router.reflexive })}`}
        </Fact>
      ))}
      {found.stun.map(({ server, address }) => (
        <Fact key={server} name={`${say("check.stun")} ${server}`}>
          <span className="mono">{address ?? nothing}</span>
        </Fact>
      ))}
      <Fact name={say("check.mapping")}>
        <span className="mono">{found.portMapping.endpoints.join(", ") || nothing}</span>
      </Fact>
      <Fact name={say("about.port")}>{found.udpPort === null ? nothing : String(found.udpPort)}</Fact>
      <Fact name={say("check.interfaces")} wide>
        {found.interfaces.map((each) => (
          <span key={each.name} className="fact-line">
            {each.name} <span className="mono quiet">{each.addresses.join(", ")}</span>
          </span>
        ))}
      </Fact>
      <Fact name="AES" wide>
        {found.hardwareAes ? say("check.aes") : nothing}
      </Fact>
    </Facts>
  );
}
