/** The router's port in memory: what connects through the same memory network reaches it. */
import type { openPort, PortOptions, TcpPort } from "../../src-main/server/port.ts";
import type { MemoryNetwork } from "../../src-main/transport/memory.ts";

/** Opens ports at `127.0.0.1:PORT` of a memory network; 0 takes 40,000. */
export function memoryPort(network: MemoryNetwork): typeof openPort {
  return async (options: PortOptions): Promise<TcpPort> => {
    const port = options.port === 0 ? 40_000 : options.port;
    const close = network.listen(`127.0.0.1:${port}`, (channel) => options.accept(channel, port));
    return {
      host: options.host,
      port,
      setCertificate: () => undefined,
      setLinks: () => undefined,
      serve: (socket) => void socket.destroy(),
      close: async () => close(),
    };
  };
}
