/* A wevtapi.dll for tests under Wine, whose own event log is empty. It hands out events and troubles, so that the real
 * Win32 code of the live source runs end to end.
 *
 * The channel's name says what the log does: scenarios.tsv describes it, and is what this log is held against, as is
 * bookmarks.tsv. Other channels: `denied` is 5, `off` is turned off, `silent` fails without an error, the rest is 15007.
 *
 * With EXFILSCOPE_FAKE_ALONE the process is told to be the only one of its console: Wine 8 can't say how many there are. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define API __declspec(dllexport)
/* Rules that are not done with after once. */
#define STANDING L"sbxrtd"
#define MAX_RULES 16
#define MAX_CHANNELS 64
#define MAX_RECORDS 20000

struct record { unsigned place, serial, asked_for, computer, own, second; };
struct rule { wchar_t kind; unsigned value, after; int done; };
struct channel {
    wchar_t name[256];
    struct record records[MAX_RECORDS];
    unsigned first, count;                 /* records[first .. count] stand in the log */
    unsigned next_place, next_serial, future, hosts, modulus, handed_out, subscriptions, down, created, off, gone, other;
    struct rule rules[MAX_RULES];
    int rule_count;
    HANDLE signal;
};
enum kind { SUBSCRIPTION = 0x5ab5, EVENT = 0xe4e47, BOOKMARK = 0xb00c, CONFIG = 0xc0f16, QUERY = 0x9e41, LOG = 0x109 };
struct part { int has_behind, has_exact, has_since, all; unsigned behind, exact, since, computer, has_computer; };
struct handle {
    enum kind kind;
    struct channel *channel;
    struct part part;
    unsigned position;
    struct record record;
    DWORD dead;
};

static CRITICAL_SECTION lock;
static struct channel *channels[MAX_CHANNELS];
static int channel_count, open_handles, misused;

/* Has GetConsoleProcessList return 1 in this process. */
static void be_alone(void)
{
    static const unsigned char code[] = {0xb8, 1, 0, 0, 0, 0xc3}; /* mov eax, 1; ret */
    FARPROC counts = GetProcAddress(GetModuleHandleA("kernel32"), "GetConsoleProcessList");
    DWORD old;
    if (counts && VirtualProtect((void *)counts, sizeof code, PAGE_EXECUTE_READWRITE, &old)) {
        memcpy((void *)counts, code, sizeof code);
        VirtualProtect((void *)counts, sizeof code, old, &old);
    }
}

BOOL WINAPI DllMain(HINSTANCE instance, DWORD reason, LPVOID reserved)
{
    (void)instance; (void)reserved;
    if (reason == DLL_PROCESS_ATTACH) {
        InitializeCriticalSection(&lock);
        if (getenv("EXFILSCOPE_FAKE_ALONE"))
            be_alone();
    }
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

static struct handle *make(enum kind kind, struct channel *channel)
{
    struct handle *handle = calloc(1, sizeof *handle);
    handle->kind = kind;
    handle->channel = channel;
    open_handles++;
    return handle;
}

static void write_records(struct channel *channel, unsigned count)
{
    while (count-- && channel->count < MAX_RECORDS) {
        struct record *record = &channel->records[channel->count++];
        unsigned hosts = channel->hosts, place = ++channel->next_place;
        record->place = place;
        record->serial = ++channel->next_serial;
        record->asked_for = !channel->modulus || place % channel->modulus == 0;
        record->computer = hosts ? place % hosts : 1;
        record->own = hosts ? place / hosts + 1 : place;
        record->second = 10 * 3600 + record->serial - (hosts ? record->computer * 8 * 3600 / hosts : 0);
    }
}

static void overwrite(struct channel *channel, unsigned place)
{
    while (channel->first < channel->count && channel->records[channel->first].place <= place)
        channel->first++;
}

static DWORD WINAPI writer(LPVOID argument)
{
    struct channel *channel = argument;
    for (int is_done = 0; !is_done;) {
        Sleep(3);
        EnterCriticalSection(&lock);
        unsigned count = channel->future < 7 ? channel->future : 7;
        channel->future -= count;
        write_records(channel, count);
        is_done = !channel->future;
        if (channel->signal)
            SetEvent(channel->signal);
        LeaveCriticalSection(&lock);
    }
    return 0;
}

static struct channel *find(const wchar_t *name)
{
    for (int i = 0; i < channel_count; i++)
        if (!wcscmp(channels[i]->name, name))
            return channels[i];
    if (wcsncmp(name, L"fake/", 5) || channel_count == MAX_CHANNELS)
        return NULL;
    struct channel *channel = channels[channel_count++] = calloc(1, sizeof *channel);
    wcsncpy(channel->name, name, 255);
    wchar_t *rest;
    unsigned past = wcstoul(name + 5, &rest, 10), begin = 0;
    channel->future = *rest == '+' ? wcstoul(rest + 1, &rest, 10) : 0;
    while (*rest == '/' && channel->rule_count < MAX_RULES) {
        struct rule *rule = &channel->rules[channel->rule_count];
        rest++;
        rule->kind = (*rest >= '0' && *rest <= '9') ? 'e' : *rest++;
        rule->value = wcstoul(rest, &rest, 10);
        rule->after = *rest == '@' ? wcstoul(rest + 1, &rest, 10) : 0;
        switch (rule->kind) {
        case 'f': begin = rule->value; break;
        case 'h': channel->hosts = rule->value; break;
        case 'm': channel->modulus = rule->value; break;
        case 'p': channel->other = rule->value; break;
        default: channel->rule_count++;
        }
    }
    write_records(channel, past);
    overwrite(channel, begin);
    if (channel->future)
        CloseHandle(CreateThread(NULL, 0, writer, channel, 0, NULL));
    return channel;
}

static struct part parse(const wchar_t *query)
{
    struct part part = {0};
    const wchar_t *at;
    unsigned hour = 0, minute = 0, second = 0;
    part.all = !wcsstr(query, L"EventID=");
    if ((at = wcsstr(query, L"EventRecordID > ")))
        part.has_behind = 1, part.behind = wcstoul(at + 16, NULL, 10);
    if ((at = wcsstr(query, L"EventRecordID=")))
        part.has_exact = 1, part.exact = wcstoul(at + 14, NULL, 10);
    if ((at = wcsstr(query, L"Computer='WS-")))
        part.has_computer = 1, part.computer = wcstoul(at + 13, NULL, 10);
    if ((at = wcsstr(query, L"@SystemTime >= '"))) {
        swscanf(at + 16, L"%*u-%*u-%*uT%u:%u:%u", &hour, &minute, &second);
        part.has_since = 1, part.since = hour * 3600 + minute * 60 + second;
    }
    return part;
}

static int passes(const struct record *record, const struct part *part)
{
    int is_behind = part->has_behind && record->own > part->behind;
    int is_since = part->has_since && record->second >= part->since;
    if ((part->has_behind || part->has_since) && !is_behind && !is_since)
        return 0;
    if ((part->has_exact && record->own != part->exact) || (part->has_computer && record->computer != part->computer))
        return 0;
    return part->all || record->asked_for;
}

/* The value of a rule that always holds; 0 where there is none. */
static unsigned standing(const struct channel *channel, wchar_t kind)
{
    for (int i = 0; i < channel->rule_count; i++)
        if (channel->rules[i].kind == kind)
            return channel->rules[i].value;
    return 0;
}

/* The KiB of an event that is handed out. */
static unsigned weight(const struct record *record)
{
    return record->serial % 50 == 7 ? 41 : 1;
}

static DWORD rule_error(const struct channel *channel, wchar_t kind, unsigned after)
{
    for (int i = 0; i < channel->rule_count; i++)
        if (channel->rules[i].kind == kind && channel->rules[i].after == after)
            return channel->rules[i].value;
    return 0;
}

API HANDLE WINAPI EvtSubscribe(HANDLE session, HANDLE signal, LPCWSTR path, LPCWSTR query, HANDLE bookmark, PVOID context,
                               PVOID callback, DWORD flags)
{
    (void)session; (void)context;
    if (!wcscmp(path, L"silent"))
        return NULL;
    if (callback || !signal || !wcsstr(query, L"EventID=")) {
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
    unsigned position = 0;
    if (channel) {
        error = channel->down ? (channel->down--, 1722) : rule_error(channel, 's', channel->subscriptions);
        channel->subscriptions++;
        if (!error && (flags & 3) == 3) {
            struct handle *mark = check(bookmark, BOOKMARK);
            unsigned place = mark ? mark->record.place : 0, oldest = channel->records[channel->first].place;
            int is_empty = channel->first == channel->count;
            int is_there = !is_empty && place >= oldest && place <= channel->next_place;
            error = mark ? rule_error(channel, 'b', 0) : ERROR_INVALID_HANDLE;
            if (!error && !is_there && (flags & 0x10000))
                error = ERROR_NOT_FOUND;
            /* Not strict: behind the closest record, at either end. */
            position = is_there ? place : is_empty || place > channel->next_place ? channel->next_place : oldest;
        }
    }
    if (!error) {
        handle = make(SUBSCRIPTION, channel);
        handle->part = parse(query);
        handle->position = position;
        channel->signal = signal;
        SetEvent(signal);
    }
    LeaveCriticalSection(&lock);
    SetLastError(error);
    return handle;
}

static DWORD give(struct handle *handle, DWORD size, HANDLE *events, DWORD *count)
{
    struct channel *channel = handle->channel;
    unsigned unreadable = standing(channel, 'x'), limit = standing(channel, 't'), room = standing(channel, 'd'), sum = 0;
    for (unsigned i = channel->first; i < channel->count && *count < size; i++) {
        struct record *record = &channel->records[i];
        if (record->place <= handle->position || !passes(record, &handle->part))
            continue;
        if (record->place == unreadable)
            return *count ? 0 : 1500;
        if (room && *count && sum + weight(record) > room)
            break;
        sum += weight(record);
        if (events) {
            struct handle *event = make(EVENT, channel);
            event->record = *record;
            events[*count] = event;
        }
        ++*count;
        handle->position = record->place;
    }
    if (limit && sum > limit) {
        for (; *count; --*count) {
            ((struct handle *)events[*count - 1])->kind = 0;
            open_handles--;
        }
        return handle->dead = 1734;
    }
    channel->handed_out += *count;
    return *count ? 0 : ERROR_NO_MORE_ITEMS;
}

/* How many events may be handed out before the next rule is due: a reader that pulls late would take them past it. */
static DWORD until_next_rule(const struct channel *channel, DWORD size)
{
    for (int i = 0; i < channel->rule_count; i++) {
        const struct rule *rule = &channel->rules[i];
        if (rule->done || wcschr(STANDING, rule->kind))
            continue;
        if (rule->after > channel->handed_out && rule->after - channel->handed_out < size)
            size = rule->after - channel->handed_out;
    }
    return size;
}

static DWORD obey(struct handle *handle, DWORD size)
{
    struct channel *channel = handle->channel;
    for (int i = 0; i < channel->rule_count; i++) {
        struct rule *rule = &channel->rules[i];
        DWORD taken = 0;
        if (rule->done || channel->handed_out < rule->after || wcschr(STANDING, rule->kind))
            continue;
        if (rule->kind == 'l' && size > rule->value) {
            give(handle, size, NULL, &taken);
            return handle->dead = 1734;
        }
        rule->done = 1;
        switch (rule->kind) {
        case 'e':
            if (rule->value != 259 && rule->value != 4317)
                handle->dead = rule->value;
            return rule->value;
        case 'o':
            overwrite(channel, rule->value);
            return handle->dead = 15011;
        case 'w':
            overwrite(channel, rule->value);
            break;
        case 'v':
            overwrite(channel, rule->value);
            return 15011;
        case 'c':
            channel->first = channel->count;
            break;
        case 'n':
            write_records(channel, channel->future);
            channel->future = 0;
            channel->first = channel->count;
            channel->next_place = 0;
            channel->created++;
            write_records(channel, rule->value);
            return handle->dead = 15011;
        case 'z':
            return handle->dead = ERROR_NO_MORE_ITEMS;
        case 'u':
            channel->down = rule->value;
            return handle->dead = ERROR_INVALID_HANDLE;
        case 'q':
            channel->off = 1;
            break;
        case 'g':
            channel->gone = 1;
            break;
        }
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
        /* The newest first. */
        struct channel *channel = handle->channel;
        for (unsigned i = channel->count; i-- > channel->first && !count && size;) {
            struct record *record = &channel->records[i];
            if (record->place < handle->position && passes(record, &handle->part)) {
                struct handle *event = make(EVENT, channel);
                event->record = *record;
                handle->position = record->place;
                events[count++] = event;
            }
        }
        error = count ? 0 : ERROR_NO_MORE_ITEMS;
    } else if (!check(handle, SUBSCRIPTION)) {
        error = ERROR_INVALID_HANDLE;
    } else {
        error = handle->dead ? handle->dead : obey(handle, size);
        if (!error)
            error = give(handle, until_next_rule(handle->channel, size), events, &count);
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
        L"Name='Microsoft-Windows-%ls'/><EventID>%u</EventID><Version>5"
        L"</Version><TimeCreated SystemTime='2026-11-24T%02u:%02u:%02u.1234567Z'/><EventRecordID>%u</EventRecordID><Channel>"
        L"Microsoft-Windows-Sysmon/Operational</Channel><Computer>WS-%u</Computer><Security UserID='S-1-5-18'/></System>"
        L"<EventData><Data Name='ProcessGuid'>{01234567-89ab-cdef-0123-%012u}</Data><Data Name='Image'>C:\\Program "
        L"Files\\Git\\git.exe</Data><Data Name='%ls'>git push &lt;\x6771\x4eac&gt; %u %ls</Data></EventData></Event>";
    static wchar_t text[40000], filler[20001];
    (void)context;
    struct handle *handle = fragment;
    DWORD error = 0;
    EnterCriticalSection(&lock);
    if (flags == 2 && check(handle, BOOKMARK)) {
        swprintf(text, 40000, L"<BookmarkList>\r\n  <Bookmark Channel='x' RecordId='%u' IsCurrent='true'/>\r\n</BookmarkList>",
                 handle->record.place);
    } else if (flags == 1 && check(handle, EVENT)) {
        struct record *record = &handle->record;
        for (int i = 0; i < handle->channel->rule_count; i++)
            if (handle->channel->rules[i].kind == 'r' && handle->channel->rules[i].value == record->place)
                error = 13;
        /* Now and then an event that is larger than any buffer that was enough before. */
        wmemset(filler, 'x', 20000);
        filler[weight(record) > 1 ? 20000 : 0] = 0;
        unsigned other = handle->channel->other;
        swprintf(text, 40000, event, other == 4104 ? L"PowerShell" : other ? L"Security-Auditing" : L"Sysmon",
                 record->asked_for ? (other ? other : 1) : 10, record->second / 3600 % 24, record->second / 60 % 60,
                 record->second % 60, record->own, record->computer, record->serial,
                 other == 4104 ? L"ScriptBlockText" : L"CommandLine", record->serial, filler);
        /* An unpaired surrogate, as a process may put it into its command line. */
        if (record->serial % 50 == 9)
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
    struct handle *handle = make(BOOKMARK, NULL);
    handle->record.place = number ? wcstoul(number + 10, NULL, 10) : 0;
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
    (void)session;
    EnterCriticalSection(&lock);
    struct channel *channel = find(path);
    struct handle *handle = NULL;
    DWORD error = !channel ? 15007 : (flags & 0x201) != 0x201 ? ERROR_INVALID_PARAMETER : 0;
    if (!error) {
        handle = make(QUERY, channel);
        handle->part = parse(query);
        handle->position = 0xffffffff;
    }
    LeaveCriticalSection(&lock);
    SetLastError(error);
    return handle;
}

API HANDLE WINAPI EvtOpenLog(HANDLE session, LPCWSTR path, DWORD flags)
{
    (void)session; (void)flags;
    EnterCriticalSection(&lock);
    struct channel *channel = find(path);
    struct handle *handle = channel && !channel->gone ? make(LOG, channel) : NULL;
    LeaveCriticalSection(&lock);
    SetLastError(handle ? 0 : 15007);
    return handle;
}

struct variant { union { BOOL truth; UINT64 wide; } value; DWORD count, type; };

API BOOL WINAPI EvtGetLogInfo(HANDLE log, int property, DWORD size, PVOID buffer, DWORD *used)
{
    struct variant variant = {{0}, 0, 10};
    struct handle *handle = check(log, LOG);
    if (!handle || size < sizeof variant)
        return FALSE;
    EnterCriticalSection(&lock);
    struct channel *channel = handle->channel;
    int is_known = 1;
    if (property == 0)
        variant.type = 17, variant.value.wide = 134000000000000000ull + channel->created;
    else if (property == 5)
        variant.value.wide = channel->count - channel->first;
    else if (property == 6)
        variant.value.wide = channel->first < channel->count ? channel->records[channel->first].place : channel->next_place + 1;
    else
        is_known = 0;
    LeaveCriticalSection(&lock);
    memcpy(buffer, &variant, *used = sizeof variant);
    SetLastError(is_known ? 0 : ERROR_INVALID_PARAMETER);
    return is_known;
}

API HANDLE WINAPI EvtOpenChannelConfig(HANDLE session, LPCWSTR path, DWORD flags)
{
    (void)session; (void)flags;
    EnterCriticalSection(&lock);
    struct channel *channel = find(path);
    struct handle *handle = channel && channel->gone ? NULL : make(CONFIG, channel);
    if (handle)
        handle->record.asked_for = wcscmp(path, L"off") && !(channel && channel->off);
    LeaveCriticalSection(&lock);
    SetLastError(handle ? 0 : 15007);
    return handle;
}

API BOOL WINAPI EvtGetChannelConfigProperty(HANDLE config, int property, DWORD flags, DWORD size, PVOID buffer, DWORD *used)
{
    struct variant variant = {{0}, 0, 13};
    (void)flags;
    struct handle *handle = check(config, CONFIG);
    if (!handle || property != 0 || size < sizeof variant)
        return FALSE;
    variant.value.truth = handle->record.asked_for;
    memcpy(buffer, &variant, *used = sizeof variant);
    return TRUE;
}
