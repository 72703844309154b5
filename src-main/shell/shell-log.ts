/** The window's own log, beside the engine's: two files, the older of which is replaced. */
import { join } from "node:path";
import electronLog from "electron-log/node";

/** One line: what happened, and what belongs to it. */
export type ShellLog = (event: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Opens it. A folder that cannot be written costs the log alone. */
export function openShellLog(folder: string): ShellLog {
  const logger = electronLog.create({ logId: `window ${folder}` });
  for (const transport of Object.values(logger.transports)) if (transport) transport.level = false;
  const { file } = logger.transports;
  file.setAppName("starmesh");
  file.resolvePathFn = () => join(folder, "window.log");
  file.format = ({ data }) => data;
  file.maxSize = fileBytes;
  file.writeOptions = { flag: "a", mode: 0o600, encoding: "utf8" };
  file.level = "info";
  return (event, fields = {}) => {
    logger.info(`${new Date().toISOString()} ${event} ${JSON.stringify(fields)}`.slice(0, longestLine));
  };
}

const fileBytes = 2 ** 20;
const longestLine = 4096;
