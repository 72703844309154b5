/** `starmesh router check`: how this router is reached from outside. */
import type { Command } from "commander";
import type { RouterReachStatus } from "../../src-shared/router-status.ts";
import type { Context, ReadOptions } from "./context.ts";
import { withEngine } from "./engine.ts";

export function addRouterCheckCommand(router: Command, context: Context): void {
  const { terminal } = context;
  router
    .command("check")
    .description(
      "have members elsewhere try this router's ports: which are reached, and what to do about the others",
    )
    .option("--json", "as JSON")
    .addHelpText("after", explanation)
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ReadOptions>();
      const found = await withEngine(context, options, (client) => {
        terminal.progress("Members elsewhere try the ports");
        return client.call("router.check", {});
      });
      if (options.json) return terminal.json(found);
      print(context, found);
    });
}

function print({ terminal }: Context, { doors, findings }: RouterReachStatus): void {
  if (doors.length > 0) {
    terminal.table(
      ["PORT", "CARRIES", "REACHED BY", "NOT BY"],
      doors.map(({ protocol, address, transports, reachedBy, missedBy }) => [
        `${protocol === "udp" ? "UDP" : "TCP"} ${address}`,
        [...(protocol === "https" ? ["control"] : []), ...transports].join(", "),
        { text: reachedBy.join(", "), colour: "green" },
        { text: missedBy.join(", "), colour: "red" },
      ]),
    );
    terminal.print("");
  }
  for (const { level, text, advice } of findings) {
    terminal.print(`${terminal.paint(marks[level].text, marks[level].colour)} ${text}`);
    if (advice !== null) terminal.print(`  ${advice}`);
  }
}

const marks = {
  good: { text: "✓", colour: "green" },
  note: { text: "·", colour: "dim" },
  bad: { text: "✗", colour: "red" },
} as const;

const explanation = `
Members that are connected from elsewhere try each port at the addresses that the network's record has for this router,
from ports that no firewall has let answers through for. They try nothing else, whoever asks.
`;
