/** Which certificate each TCP port of the router serves. */
import type { CertificateFiles } from "../../src-shared/router-settings.ts";
import type { TlsPair } from "../transport/certificate.ts";
import { loadCertificate } from "../transport/certificate.ts";
import type { Log } from "./connection.ts";
import type { TcpPort } from "./port.ts";

export interface CertificatesOptions {
  /** State folder: the self-signed one lives there. */
  readonly folder: string;
  readonly now: () => number;
  readonly log: Log;
}

export class Certificates {
  readonly #options: CertificatesOptions;
  readonly #served = new WeakMap<TcpPort, TlsPair>();

  constructor(options: CertificatesOptions) {
    this.#options = options;
  }

  /** The certificate in these files now; null: the self-signed one. Throws `usage` for files that do not serve. */
  load(files: CertificateFiles | null): Promise<TlsPair> {
    const { folder, now } = this.#options;
    return loadCertificate(files === null ? { folder } : { folder, files }, now());
  }

  /** Opens a port with the certificate in these files. */
  async open(files: CertificateFiles | null, open: (tls: TlsPair) => Promise<TcpPort>): Promise<TcpPort> {
    const tls = await this.load(files);
    const port = await open(tls);
    this.#served.set(port, tls);
    return port;
  }

  /** Serves what these files hold now, if it is not what the port serves already. Throws `usage`. */
  async certify(port: TcpPort, files: CertificateFiles | null): Promise<void> {
    const [tls, served] = [await this.load(files), this.#served.get(port)];
    if (tls.cert === served?.cert && tls.key === served.key) return;
    this.#served.set(port, tls);
    port.setCertificate(tls);
    this.#options.log("certificate changed", { port: port.port });
  }
}
