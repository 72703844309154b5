/** What this machine's surroundings let through: what it means first, what was measured on demand. */
import type { Netcheck } from "../../src-shared/status.ts";
import { nothing } from "../words/format.ts";
import { useWords } from "../words/use-words.ts";
import { Fact, Facts } from "./card.tsx";
import { CheckCard } from "./check-card.tsx";

export function NetcheckCard() {
  const { say } = useWords();
  return (
    <CheckCard
      title={say("check.title")}
      hint={say("check.hint")}
      idle={say("check.idle")}
      busy={say("check.busy")}
      check={(client) => client.call("netcheck.run", {})}
      details={(found) => ({ summary: say("check.details"), content: <Measured found={found} /> })}
    />
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
