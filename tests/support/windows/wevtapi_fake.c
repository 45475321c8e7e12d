/* A wevtapi.dll for tests under Wine, whose own event log is empty. It hands out events and troubles, so that the real
 * Win32 code of the live source runs end to end.
 *
 * The channel's name says what the log does: fake/PAST+FUTURE[/WHAT@AFTER]... PAST events stand in it, FUTURE ones are
 * written by a thread, some every few milliseconds, each time with the signal. Once AFTER events were handed out, the next
 * EvtNext does WHAT: a number is an error (from then on until there is a new subscription, save 259 and 4317, which come
 * once), `lN` is 1734 as long as more than N are asked for, with the events lost that should have come, `oN` overwrites the
 * log up to record N and is 15011. `s5@2` lets the third EvtSubscribe fail with 5.
 * Other channels: `denied` is 5, `off` is turned off, `silent` fails without an error, the rest is 15007. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define API __declspec(dllexport)
#define MOST_RULES 16
#define MOST_CHANNELS 32

struct rule { wchar_t kind; unsigned value, after; int done; };
struct channel {
    wchar_t name[256];
    unsigned written, total, first, handed_out, subscriptions;
    struct rule rules[MOST_RULES];
    int rule_count;
    HANDLE signal;
};
enum kind { SUBSCRIPTION = 0x5ab5, EVENT = 0xe4e47, BOOKMARK = 0xb00c, CONFIG = 0xc0f16, QUERY = 0x9e41 };
struct handle { enum kind kind; struct channel *channel; unsigned position, record; DWORD dead; };

static CRITICAL_SECTION lock;
static struct channel channels[MOST_CHANNELS];
static int channel_count, open_handles, misused;

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
    (void)instance; (void)reserved;
    if (reason == DLL_PROCESS_ATTACH)
        InitializeCriticalSection(&lock);
    if (reason == DLL_PROCESS_DETACH && (open_handles || misused))
        fprintf(stderr, "fake wevtapi: %d handles are left open, %d were misused\n", open_handles, misused);
    return TRUE;
}

static struct handle *check(struct handle *handle, enum kind kind)
{
    if (handle && handle->kind == kind)
        return handle;
    misused++;
    SetLastError(ERROR_INVALID_HANDLE);
    return NULL;
}

static struct handle *make(enum kind kind, struct channel *channel, unsigned record)
{
    struct handle *handle = calloc(1, sizeof *handle);
    handle->kind = kind;
    handle->channel = channel;
    handle->record = record;
    open_handles++;
    return handle;
}

static DWORD WINAPI writer(LPVOID argument)
{
    struct channel *channel = argument;
    for (;;) {
        Sleep(3);
        EnterCriticalSection(&lock);
        for (int burst = 0; burst < 7 && channel->written < channel->total; burst++)
            channel->written++;
        int is_done = channel->written == channel->total;
        if (channel->signal)
            SetEvent(channel->signal);
        LeaveCriticalSection(&lock);
        if (is_done)
            return 0;
    }
}

static struct channel *find(const wchar_t *name)
{
    for (int i = 0; i < channel_count; i++)
        if (!wcscmp(channels[i].name, name))
            return &channels[i];
    if (wcsncmp(name, L"fake/", 5) || channel_count == MOST_CHANNELS)
        return NULL;
    struct channel *channel = &channels[channel_count++];
    wcsncpy(channel->name, name, 255);
    wchar_t *rest;
    channel->first = 1;
    channel->written = wcstoul(name + 5, &rest, 10);
    channel->total = channel->written + (*rest == '+' ? wcstoul(rest + 1, &rest, 10) : 0);
    while (*rest == '/' && channel->rule_count < MOST_RULES) {
        struct rule *rule = &channel->rules[channel->rule_count++];
        rest++;
        rule->kind = (*rest >= '0' && *rest <= '9') ? 'e' : *rest++;
        rule->value = wcstoul(rest, &rest, 10);
        rule->after = *rest == '@' ? wcstoul(rest + 1, &rest, 10) : 0;
    }
    if (channel->total > channel->written)
        CloseHandle(CreateThread(NULL, 0, writer, channel, 0, NULL));
    return channel;
}

API HANDLE WINAPI EvtSubscribe(HANDLE session, HANDLE signal, LPCWSTR path, LPCWSTR query, HANDLE bookmark, PVOID context,
                               PVOID callback, DWORD flags)
{
    (void)session; (void)context;
    if (!wcscmp(path, L"silent"))
        return NULL;
    if (callback || !signal || !wcsstr(query, L"EventID=255")) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    if (!wcscmp(path, L"denied")) {
        SetLastError(ERROR_ACCESS_DENIED);
        return NULL;
    }
    EnterCriticalSection(&lock);
    struct channel *channel = find(path);
    DWORD error = channel ? 0 : 15007;
    struct handle *handle = NULL;
    unsigned position = channel ? channel->first : 0;
    if (channel) {
        for (int i = 0; i < channel->rule_count; i++)
            if (channel->rules[i].kind == 's' && channel->rules[i].after == channel->subscriptions)
                error = channel->rules[i].value;
        channel->subscriptions++;
        if (!error && (flags & 3) == 3) {
            struct handle *mark = check(bookmark, BOOKMARK);
            if (!mark)
                error = ERROR_INVALID_HANDLE;
            else if ((flags & 0x10000) && (mark->record < channel->first || mark->record > channel->written))
                error = ERROR_NOT_FOUND;
            else if (mark->record >= channel->first)
                position = mark->record + 1;
        }
    }
    if (!error) {
        handle = make(SUBSCRIPTION, channel, 0);
        handle->position = position;
        channel->signal = signal;
        if (channel->written >= position)
            SetEvent(signal);
    }
    LeaveCriticalSection(&lock);
    SetLastError(error);
    return handle;
}

static DWORD apply(struct handle *handle, DWORD size)
{
    struct channel *channel = handle->channel;
    for (int i = 0; i < channel->rule_count; i++) {
        struct rule *rule = &channel->rules[i];
        if (rule->done || rule->kind == 's' || channel->handed_out < rule->after)
            continue;
        if (rule->kind == 'l') {
            if (size > rule->value) {
                handle->position += size;
                return handle->dead = 1734;
            }
            rule->done = 1;
            continue;
        }
        rule->done = 1;
        if (rule->kind == 'o') {
            if (channel->first <= rule->value)
                channel->first = rule->value + 1;
            return handle->dead = 15011;
        }
        if (rule->value != 259 && rule->value != 4317)
            handle->dead = rule->value;
        return rule->value;
    }
    return 0;
}

API BOOL WINAPI EvtNext(HANDLE results, DWORD size, HANDLE *events, DWORD timeout, DWORD flags, DWORD *returned)
{
    (void)timeout; (void)flags;
    struct handle *handle = results;
    DWORD error = 0, count = 0;
    EnterCriticalSection(&lock);
    if (handle && handle->kind == QUERY) {
        if (handle->record && size)
            events[count++] = make(EVENT, handle->channel, handle->record);
        handle->record = 0;
        error = count ? 0 : ERROR_NO_MORE_ITEMS;
    } else if (!check(handle, SUBSCRIPTION)) {
        error = ERROR_INVALID_HANDLE;
    } else {
        error = handle->dead ? handle->dead : apply(handle, size);
        while (!error && count < size && handle->position <= handle->channel->written)
            events[count++] = make(EVENT, handle->channel, handle->position++);
        handle->channel->handed_out += count;
        if (!error && !count)
            error = ERROR_NO_MORE_ITEMS;
    }
    LeaveCriticalSection(&lock);
    /* Of a call that fails the count says nothing. */
    *returned = error ? 0xdead : count;
    SetLastError(error);
    return !error;
}

API BOOL WINAPI EvtRender(HANDLE context, HANDLE fragment, DWORD flags, DWORD size, PVOID buffer, DWORD *used, DWORD *count)
{
    static const wchar_t *event =
        L"<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><Provider "
        L"Name='Microsoft-Windows-Sysmon' Guid='{5770385f-c22a-43e0-bf4c-06f5698ffbd9}'/><EventID>1</EventID><Version>5"
        L"</Version><TimeCreated SystemTime='2026-11-24T10:%02u:%02u.1234567Z'/><EventRecordID>%u</EventRecordID><Channel>"
        L"Microsoft-Windows-Sysmon/Operational</Channel><Computer>WS-7</Computer><Security UserID='S-1-5-18'/></System>"
        L"<EventData><Data Name='ProcessGuid'>{01234567-89ab-cdef-0123-%012u}</Data><Data Name='Image'>C:\\Program "
        L"Files\\Git\\git.exe</Data><Data Name='CommandLine'>git push &lt;\x6771\x4eac&gt; %u %ls</Data></EventData></Event>";
    static wchar_t text[40000], filler[20001];
    (void)context;
    struct handle *handle = fragment;
    DWORD error = 0;
    EnterCriticalSection(&lock);
    if (flags == 2 && check(handle, BOOKMARK)) {
        swprintf(text, 40000, L"<BookmarkList>\r\n  <Bookmark Channel='x' RecordId='%u' IsCurrent='true'/>\r\n</BookmarkList>",
                 handle->record);
    } else if (flags == 1 && check(handle, EVENT)) {
        unsigned record = handle->record;
        /* Now and then an event that is larger than any buffer that was enough before. */
        wmemset(filler, 'x', 20000);
        filler[record % 50 == 7 ? 20000 : 0] = 0;
        swprintf(text, 40000, event, record / 60 % 60, record % 60, record, record, record, filler);
        /* An unpaired surrogate, as a process may put it into its command line. */
        if (record % 50 == 9)
            *wcsstr(text, L"\x6771") = 0xd800;
    } else {
        error = ERROR_INVALID_HANDLE;
    }
    if (!error) {
        *used = (DWORD)(wcslen(text) + 1) * 2;
        *count = 0;
        if (*used > size)
            error = ERROR_INSUFFICIENT_BUFFER;
        else
            memcpy(buffer, text, *used);
    }
    LeaveCriticalSection(&lock);
    SetLastError(error);
    return !error;
}

API HANDLE WINAPI EvtCreateBookmark(LPCWSTR xml)
{
    const wchar_t *number = xml ? wcsstr(xml, L"RecordId='") : NULL;
    if (xml && !number) {
        SetLastError(ERROR_INVALID_PARAMETER);
        return NULL;
    }
    EnterCriticalSection(&lock);
    struct handle *handle = make(BOOKMARK, NULL, number ? wcstoul(number + 10, NULL, 10) : 0);
    LeaveCriticalSection(&lock);
    return handle;
}

API BOOL WINAPI EvtUpdateBookmark(HANDLE bookmark, HANDLE event)
{
    EnterCriticalSection(&lock);
    struct handle *mark = check(bookmark, BOOKMARK), *from = check(event, EVENT);
    if (mark && from)
        mark->record = from->record;
    LeaveCriticalSection(&lock);
    return mark && from;
}

API BOOL WINAPI EvtClose(HANDLE object)
{
    struct handle *handle = object;
    EnterCriticalSection(&lock);
    if (handle && handle->kind) {
        if (handle->kind == SUBSCRIPTION)
            handle->channel->signal = NULL;
        open_handles--;
        /* Not freed, so that a second use is seen. */
        handle->kind = 0;
    } else {
        misused++;
    }
    LeaveCriticalSection(&lock);
    return TRUE;
}

API HANDLE WINAPI EvtQuery(HANDLE session, LPCWSTR path, LPCWSTR query, DWORD flags)
{
    (void)session; (void)flags;
    const wchar_t *number = query ? wcsstr(query, L"EventRecordID=") : NULL;
    EnterCriticalSection(&lock);
    struct channel *channel = find(path);
    struct handle *handle = NULL;
    if (channel) {
        unsigned record = number ? wcstoul(number + 14, NULL, 10) : 0;
        handle = make(QUERY, channel, record >= channel->first && record <= channel->written ? record : 0);
    }
    LeaveCriticalSection(&lock);
    SetLastError(channel ? 0 : 15007);
    return handle;
}

API HANDLE WINAPI EvtOpenChannelConfig(HANDLE session, LPCWSTR path, DWORD flags)
{
    (void)session; (void)flags;
    EnterCriticalSection(&lock);
    struct handle *handle = make(CONFIG, NULL, !!wcscmp(path, L"off"));
    LeaveCriticalSection(&lock);
    return handle;
}

API BOOL WINAPI EvtGetChannelConfigProperty(HANDLE config, int property, DWORD flags, DWORD size, PVOID buffer, DWORD *used)
{
    struct { union { BOOL truth; UINT64 wide; } value; DWORD count, type; } variant = {{0}, 0, 13};
    (void)flags;
    struct handle *handle = check(config, CONFIG);
    if (!handle || property != 0 || size < sizeof variant)
        return FALSE;
    variant.value.truth = handle->record;
    memcpy(buffer, &variant, *used = sizeof variant);
    return TRUE;
}
