/* Holds the event log of wevtapi_fake.c against bookmarks.tsv.
 *
 *   check_bookmarks.exe BOOKMARKS.TSV */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef HANDLE (WINAPI *subscribe_call)(HANDLE, HANDLE, LPCWSTR, LPCWSTR, HANDLE, PVOID, PVOID, DWORD);
typedef BOOL (WINAPI *next_call)(HANDLE, DWORD, HANDLE *, DWORD, DWORD, DWORD *);
typedef BOOL (WINAPI *render_call)(HANDLE, HANDLE, DWORD, DWORD, PVOID, DWORD *, DWORD *);
typedef HANDLE (WINAPI *bookmark_call)(LPCWSTR);
typedef BOOL (WINAPI *update_call)(HANDLE, HANDLE);
typedef BOOL (WINAPI *close_call)(HANDLE);

static subscribe_call subscribe;
static next_call next;
static render_call render;
static bookmark_call create_bookmark;
static update_call update_bookmark;
static close_call close_handle;

static const wchar_t *query = L"*[System[(EventID=1 or EventID=255)]]";
static int failed;

/* What a subscription says first, as bookmarks.tsv writes it. */
static void first(const char *channel, unsigned record, int is_strict, char *said)
{
    wchar_t name[256], text[128];
    static wchar_t rendered[128];
    DWORD count = 0, used, properties;
    HANDLE event = NULL, signal = CreateEventA(NULL, TRUE, FALSE, NULL);
    swprintf(name, 256, L"%hs", channel);
    swprintf(text, 128, L"<BookmarkList><Bookmark Channel='x' RecordId='%u' IsCurrent='true'/></BookmarkList>", record);
    HANDLE mark = create_bookmark(text);
    HANDLE subscription = subscribe(NULL, signal, name, query, mark, NULL, NULL, 3 | (is_strict ? 0x10000 : 0));
    if (!subscription) {
        sprintf(said, "e%lu", GetLastError());
    } else if (!next(subscription, 1, &event, 0, 0, &count)) {
        if (GetLastError() == ERROR_NO_MORE_ITEMS)
            strcpy(said, "-");
        else
            sprintf(said, "n%lu", GetLastError());
    } else {
        update_bookmark(mark, event);
        render(NULL, mark, 2, sizeof rendered, rendered, &used, &properties);
        wchar_t *number = wcsstr(rendered, L"RecordId='");
        sprintf(said, "%lu", number ? wcstoul(number + 10, NULL, 10) : 0);
        close_handle(event);
    }
    if (subscription)
        close_handle(subscription);
    close_handle(mark);
    CloseHandle(signal);
}

int main(int argc, char **argv)
{
    char line[256], said[32];
    int rows = 0;
    HMODULE log = LoadLibraryA("wevtapi.dll");
    FILE *table = argc == 2 ? fopen(argv[1], "r") : NULL;
    if (!log || !table)
        return 64;
    subscribe = (subscribe_call)(void *)GetProcAddress(log, "EvtSubscribe");
    next = (next_call)(void *)GetProcAddress(log, "EvtNext");
    render = (render_call)(void *)GetProcAddress(log, "EvtRender");
    create_bookmark = (bookmark_call)(void *)GetProcAddress(log, "EvtCreateBookmark");
    update_bookmark = (update_call)(void *)GetProcAddress(log, "EvtUpdateBookmark");
    close_handle = (close_call)(void *)GetProcAddress(log, "EvtClose");
    while (fgets(line, sizeof line, table)) {
        char *channel = strtok(line, "\t\r\n"), *record = strtok(NULL, "\t\r\n"), *answers[2];
        answers[1] = strtok(NULL, "\t\r\n");
        answers[0] = strtok(NULL, "\t\r\n");
        if (!channel || *channel == '#')
            continue;
        if (!answers[0])
            return 65;
        rows++;
        for (int is_strict = 0; is_strict < 2; is_strict++) {
            first(channel, (unsigned)atoi(record), is_strict, said);
            if (strcmp(said, answers[is_strict])) {
                printf("FAIL  %s, bookmark %s, strict %d: %s, not %s\n", channel, record, is_strict, said, answers[is_strict]);
                failed = 1;
            }
        }
    }
    printf("%s    %d rows of the bookmarks\n", failed ? "FAIL" : "ok", rows);
    return failed || !rows;
}
