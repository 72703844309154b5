/** The calls of Windows that addresses and routes are made of. */
import koffi from "koffi";
import { rowLayout, tableHeadBytes } from "./windows-rows.ts";

/** Changes one row, read and written in place; answers 0 (`NO_ERROR`) or a number of winerror.h. */
export type RowChange =
  | "CreateUnicastIpAddressEntry"
  | "DeleteUnicastIpAddressEntry"
  | "CreateIpForwardEntry2"
  | "DeleteIpForwardEntry2"
  | "GetIpInterfaceEntry"
  | "SetIpInterfaceEntry";

/** A table that Windows makes. */
export type TableName = "interface" | "address" | "route";

/** Makes a change. */
export function changeRow(name: RowChange, row: Buffer): number {
  const change =
    changes.get(name) ?? addresses().func(name, "uint32_t", [koffi.inout(koffi.pointer("uint8_t"))]);
  changes.set(name, change);
  return change(row);
}

/** Forgets names that were looked up. */
export function flushNames(): void {
  koffi.load("dnsapi.dll").func("DnsFlushResolverCache", "int", [])();
}

/** The rows of a table as they are now; none where Windows gives none. */
export function readTable(name: TableName): readonly Buffer[] {
  const pointer: unknown[] = [null];
  const { [name]: read } = readers();
  if (read(pointer) !== 0 || typeof pointer[0] !== "bigint") return [];
  const [table] = pointer;
  try {
    const count = koffi.decode.uint32(table);
    const { bytes } = rowLayout[name];
    const all = koffi.decode(table, koffi.array("uint8_t", tableHeadBytes + count * bytes, "Typed"));
    if (!(all instanceof Uint8Array)) return [];
    const rows = Buffer.from(all.buffer, all.byteOffset + tableHeadBytes, count * bytes);
    return Array.from({ length: count }, (_, at) => rows.subarray(at * bytes, (at + 1) * bytes));
  } finally {
    readers().free(table);
  }
}

/** Calls back, perhaps often, after each change of interfaces, addresses or routes; answers what ends it. */
export function watchTables(onChange: () => void): () => void {
  const callback = koffi.register(onChange, koffi.pointer(changed));
  const cancel = addresses().func("CancelMibChangeNotify2", "uint32_t", ["void *"]);
  const handles = ["NotifyRouteChange2", "NotifyUnicastIpAddressChange", "NotifyIpInterfaceChange"].flatMap(
    (name) => {
      const handle: unknown[] = [null];
      const notify = addresses().func(name, "uint32_t", [
        "uint16_t",
        koffi.pointer(changed),
        "void *",
        "uint8_t",
        koffi.out(koffi.pointer("void *")),
      ]);
      return notify(0, callback, null, 0, handle) === 0 ? [handle[0]] : [];
    },
  );
  return () => {
    // In another thread: it waits for a callback that runs, which in turn waits for this one.
    const cancelled = handles.map(
      (handle) => new Promise<void>((resolve) => cancel.async(handle, () => resolve())),
    );
    void Promise.all(cancelled).then(() => koffi.unregister(callback));
  };
}

function readers() {
  const address = addresses();
  tables ??= {
    interface: address.func("GetIfTable2", "uint32_t", [tableOut]),
    address: withFamily(address.func("GetUnicastIpAddressTable", "uint32_t", ["uint16_t", tableOut])),
    route: withFamily(address.func("GetIpForwardTable2", "uint32_t", ["uint16_t", tableOut])),
    free: address.func("FreeMibTable", "void", ["void *"]),
  };
  return tables;
}

/** Both families. */
function withFamily(read: (family: number, table: unknown[]) => number): (table: unknown[]) => number {
  return (table) => read(0, table);
}

function addresses() {
  library ??= koffi.load("iphlpapi.dll");
  return library;
}

interface Readers extends Record<TableName, (table: unknown[]) => number> {
  readonly free: (table: bigint) => void;
}

const tableOut = koffi.out(koffi.pointer("void *"));
const changed = koffi.proto("void StarmeshChanged(void *context, void *row, int kind)");
const changes = new Map<RowChange, (row: Buffer) => number>();
let library: ReturnType<typeof koffi.load> | null = null;
let tables: Readers | null = null;
