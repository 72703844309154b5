/** The command that opens the panel. */
import type { Command } from "commander";
import type { CommonOptions, Context } from "./context.ts";
import { nextCommand } from "./context.ts";
import { withEngine } from "./engine.ts";
import { formatTime } from "./format.ts";

interface PanelOptions extends CommonOptions {
  readonly revoke?: true;
}

export function addPanelCommand(program: Command, context: Context): void {
  program
    .command("panel")
    .description("print a link that opens the panel in a browser of this machine")
    .option("--revoke", "end every log-in that such links gave")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<PanelOptions>();
      const { terminal } = context;
      if (options.revoke) {
        await withEngine(context, options, (client) => client.call("panel.revoke", {}));
        terminal.print("All log-ins of the panel have ended.");
        terminal.note(`Log in again: ${nextCommand(options, "panel")}`);
        return;
      }
      const link = await withEngine(context, options, (client) => client.call("panel.link", {}));
      terminal.print(link.url);
      terminal.note(
        `It opens once, until ${formatTime(link.expires)}; the browser stays logged in for 30 days.`,
      );
    });
}
