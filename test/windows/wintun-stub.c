/*
 * Stands in for wintun.dll where there is no driver (Wine): the same functions and rules, over two queues in memory. What a
 * program does with it is kept as text; packets are put in and taken out by the functions that begin with Stub.
 */
#include <winsock2.h>
#include <windows.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define QUEUE 1024
#define LARGEST 0xffff
#define EXPORT __declspec(dllexport)

typedef struct { DWORD length; BYTE bytes[LARGEST]; } Packet;
typedef struct { Packet *packets[QUEUE]; DWORD head, count; } Queue;
typedef struct { WCHAR name[128]; BOOL open, running, lent; HANDLE readable; Queue in, out; CRITICAL_SECTION lock; } Adapter;

static char said[65536];
static CRITICAL_SECTION saying;

static void say(const char *format, ...) {
    EnterCriticalSection(&saying);
    size_t length = strlen(said);
    va_list values;
    va_start(values, format);
    vsnprintf(said + length, sizeof said - length, format, values);
    va_end(values);
    LeaveCriticalSection(&saying);
}

static BOOL put(Queue *queue, Packet *packet) {
    if (queue->count == QUEUE) return FALSE;
    queue->packets[(queue->head + queue->count++) % QUEUE] = packet;
    return TRUE;
}

static Packet *take(Queue *queue) {
    if (queue->count == 0) return NULL;
    Packet *packet = queue->packets[queue->head];
    queue->head = (queue->head + 1) % QUEUE;
    queue->count--;
    return packet;
}

static Packet *of(const BYTE *bytes) { return (Packet *)(bytes - offsetof(Packet, bytes)); }

BOOL WINAPI DllMain(HINSTANCE library, DWORD reason, LPVOID reserved) {
    (void)library, (void)reserved;
    if (reason == DLL_PROCESS_ATTACH) InitializeCriticalSection(&saying);
    return TRUE;
}

static Adapter *adapter_of(const WCHAR *name) {
    Adapter *adapter = calloc(1, sizeof *adapter);
    wcsncpy(adapter->name, name, 127);
    adapter->open = TRUE;
    InitializeCriticalSection(&adapter->lock);
    return adapter;
}

EXPORT void *WINAPI WintunCreateAdapter(const WCHAR *name, const WCHAR *type, const GUID *guid) {
    Adapter *adapter = adapter_of(name);
    say("create %ls %ls %08lx\n", name, type, guid ? guid->Data1 : 0);
    return adapter;
}

EXPORT void *WINAPI WintunOpenAdapter(const WCHAR *name) {
    say("open %ls\n", name);
    return adapter_of(name);
}

EXPORT void WINAPI WintunCloseAdapter(Adapter *adapter) {
    say("close %ls%s\n", adapter->name, adapter->running ? " (a session runs)" : "");
    adapter->open = FALSE;
}

EXPORT void *WINAPI WintunStartSession(Adapter *adapter, DWORD capacity) {
    BOOL fits = capacity >= 0x20000 && capacity <= 0x4000000 && (capacity & (capacity - 1)) == 0;
    if (!adapter->open || adapter->running || !fits) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    adapter->running = TRUE;
    adapter->readable = CreateEventW(NULL, FALSE, FALSE, NULL);
    say("start %ls\n", adapter->name);
    return adapter;
}

EXPORT void WINAPI WintunEndSession(Adapter *adapter) {
    say("end %ls%s\n", adapter->name, adapter->lent ? " (packets are lent)" : "");
    adapter->running = FALSE;
    CloseHandle(adapter->readable);
}

EXPORT HANDLE WINAPI WintunGetReadWaitEvent(Adapter *adapter) { return adapter->readable; }

EXPORT BYTE *WINAPI WintunReceivePacket(Adapter *adapter, DWORD *length) {
    EnterCriticalSection(&adapter->lock);
    Packet *packet = take(&adapter->in);
    if (packet) adapter->lent++;
    LeaveCriticalSection(&adapter->lock);
    if (!packet) {
        SetLastError(ERROR_NO_MORE_ITEMS);
        return NULL;
    }
    *length = packet->length;
    return packet->bytes;
}

EXPORT void WINAPI WintunReleaseReceivePacket(Adapter *adapter, const BYTE *bytes) {
    EnterCriticalSection(&adapter->lock);
    adapter->lent--;
    LeaveCriticalSection(&adapter->lock);
    free(of(bytes));
}

EXPORT BYTE *WINAPI WintunAllocateSendPacket(Adapter *adapter, DWORD length) {
    if (length == 0 || length > LARGEST) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    EnterCriticalSection(&adapter->lock);
    BOOL full = adapter->out.count == QUEUE;
    LeaveCriticalSection(&adapter->lock);
    if (full) {
        SetLastError(ERROR_BUFFER_OVERFLOW);
        return NULL;
    }
    Packet *packet = malloc(sizeof *packet);
    packet->length = length;
    return packet->bytes;
}

EXPORT void WINAPI WintunSendPacket(Adapter *adapter, const BYTE *bytes) {
    EnterCriticalSection(&adapter->lock);
    if (!put(&adapter->out, of(bytes))) free(of(bytes));
    LeaveCriticalSection(&adapter->lock);
}

/* A packet that the system sends by the interface. */
EXPORT BOOL WINAPI StubInject(Adapter *adapter, const BYTE *bytes, DWORD length) {
    Packet *packet = malloc(sizeof *packet);
    packet->length = length;
    memcpy(packet->bytes, bytes, length);
    EnterCriticalSection(&adapter->lock);
    BOOL done = adapter->running && put(&adapter->in, packet);
    if (done) SetEvent(adapter->readable);
    LeaveCriticalSection(&adapter->lock);
    if (!done) free(packet);
    return done;
}

/* A packet that the system gets by the interface: its length, 0 without any. */
EXPORT DWORD WINAPI StubTaken(Adapter *adapter, BYTE *bytes) {
    EnterCriticalSection(&adapter->lock);
    Packet *packet = take(&adapter->out);
    LeaveCriticalSection(&adapter->lock);
    if (!packet) return 0;
    DWORD length = packet->length;
    memcpy(bytes, packet->bytes, length);
    free(packet);
    return length;
}

/* What was called so far, a line each. */
EXPORT const char *WINAPI StubSaid(void) { return said; }
