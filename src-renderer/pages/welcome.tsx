/** The first page of a fresh install: two ways to begin. */
import { Button } from "@mantine/core";
import { IconPlus, IconTicket } from "@tabler/icons-react";
import { Logo } from "../parts/logo.tsx";
import { RightsLine } from "../parts/rights-line.tsx";
import { formatRoute } from "../state/route.ts";
import { useWords } from "../words/use-words.ts";

export function Welcome() {
  const { say } = useWords();
  return (
    <div className="page welcome">
      <RightsLine />
      <header className="welcome-head">
        <Logo size={64} />
        <h1>{say("welcome.title")}</h1>
        <p className="quiet">{say("welcome.text")}</p>
      </header>
      <div className="welcome-ways">
        <section className="card way">
          <IconPlus size={28} stroke={1.6} aria-hidden="true" />
          <h2>{say("create.title")}</h2>
          <p className="quiet">{say("welcome.create")}</p>
          <Button component="a" href={formatRoute({ page: "create" })} size="md">
            {say("create.title")}
          </Button>
        </section>
        <section className="card way">
          <IconTicket size={28} stroke={1.6} aria-hidden="true" />
          <h2>{say("join.title")}</h2>
          <p className="quiet">{say("welcome.join")}</p>
          <Button component="a" href={formatRoute({ page: "join", invite: "" })} size="md" variant="light">
            {say("join.title")}
          </Button>
        </section>
      </div>
      <ol className="welcome-steps">
        <li>{say("welcome.step1")}</li>
        <li>{say("welcome.step2")}</li>
        <li>{say("welcome.step3")}</li>
      </ol>
    </div>
  );
}
