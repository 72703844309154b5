// @ts-check
/** `npm run dev:fake`: the pages, rebuilt as they are edited, on an engine that only pretends. */
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createServer } from "vite";
import { WebSocketServer } from "ws";
import { ROOT } from "./root.mjs";

const { values } = parseArgs({
  options: {
    peers: { type: "string", default: "12" },
    port: { type: "string", default: "5173" },
    seed: { type: "string", default: "1" },
    empty: { type: "boolean", default: false },
    limited: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

if (values.help) {
  process.stdout.write(
    "npm run dev:fake -- [--peers 12] [--port 5173] [--seed 1] [--empty] [--limited]\n" +
      "  --empty    a fresh install: no network yet\n" +
      "  --limited  as without the right to create an interface\n" +
      "A name such as fail.port-in-use makes a call fail with that error.\n",
  );
  process.exit(0);
}

const vite = await createServer({
  configFile: join(ROOT, "vite.config.ts"),
  server: { host: "127.0.0.1", port: Number(values.port) },
  plugins: [
    {
      name: "starmesh-fake-login",
      configureServer(server) {
        // Everybody is let in: there is nothing behind the door.
        server.middlewares.use("/login", (_request, response) => {
          response.statusCode = 204;
          response.end();
        });
      },
    },
  ],
});
const { createFakeEngine } = await vite.ssrLoadModule(join(ROOT, "test/fakes/engine.ts"));
const { serve } = await vite.ssrLoadModule(join(ROOT, "src-shared/api/server.ts"));
const { socketChannel } = await vite.ssrLoadModule(join(ROOT, "src-main/server/socket-channel.ts"));
const start = values.empty ? "empty" : "running";
const engine = createFakeEngine({
  peers: Number(values.peers),
  seed: Number(values.seed),
  limited: values.limited,
  start,
});

const sockets = new WebSocketServer({ noServer: true });
vite.httpServer?.on("upgrade", (request, stream, head) => {
  if (request.url !== "/api") return;
  sockets.handleUpgrade(request, stream, head, (socket) => serve(engine.handlers, socketChannel(socket)));
});
await vite.listen();
vite.printUrls();
process.stdout.write(`  Invite to join with: ${engine.foreignInvite("office", { approve: true })}\n`);
