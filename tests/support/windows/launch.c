/* Runs a console program under Wine and writes down what a person would not see: the bytes that it writes, the modes of
 * the console's input before, while and after, and when each key was sent.
 *
 *   launch.exe LOG SCRIPT COMMAND...
 *
 * The program's standard output is a pipe whose name makes Rust take it for a terminal; its input is the console. The
 * script is a list of words, done one after another:
 *   wait:MS       waits
 *   written       waits until the program has written its first bytes, at most 30 s: its start takes long on a busy machine
 *   key:C         a key is pressed and released
 *   ctrl:C        the same with Ctrl
 *   enter         the same of Enter
 *   event:N       the system tells the program of Ctrl+C (0), Ctrl+Break (1), a close (2), a log-off (5), a shutdown (6):
 *                 by a thread at CtrlRoutine, as Windows does it, since Wine 8 sends none itself
 *   alive         it is noted whether the program runs
 *   paste:TEXT    the keys of a text, all at once, as a console pastes
 *   alt:HEX       a character that the keyboard lacks: the release of Alt with it
 *   stall / go    the pipe is not read any more / is read again
 *   mode          the modes are noted
 * In the log, a line that begins with @@ is the launcher's own. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIPE "\\\\.\\pipe\\msys-1888ae32e00d56aa-pty0-to-master"

static HANDLE server, input, may_read, has_written;
static FILE *out;
static CRITICAL_SECTION lock;

static DWORD WINAPI reader(LPVOID unused)
{
    static char bytes[65536];
    DWORD count;
    (void)unused;
    while (WaitForSingleObject(may_read, INFINITE) == WAIT_OBJECT_0 && ReadFile(server, bytes, sizeof bytes, &count, NULL) && count) {
        SetEvent(has_written);
        EnterCriticalSection(&lock);
        fwrite(bytes, 1, count, out);
        fflush(out);
        LeaveCriticalSection(&lock);
    }
    return 0;
}

static void note(const char *what, unsigned long value)
{
    EnterCriticalSection(&lock);
    fprintf(out, "\n@@%s %lx\n", what, value);
    fflush(out);
    LeaveCriticalSection(&lock);
}

static unsigned long mode(void)
{
    DWORD bits = 0;
    GetConsoleMode(input, &bits);
    return bits;
}

static void press(WORD code, wchar_t character, DWORD state, int only_release)
{
    INPUT_RECORD records[2] = {0};
    DWORD written;
    for (int i = 0; i < 2; i++) {
        records[i].EventType = KEY_EVENT;
        records[i].Event.KeyEvent.bKeyDown = !i;
        records[i].Event.KeyEvent.wRepeatCount = 1;
        records[i].Event.KeyEvent.wVirtualKeyCode = code;
        records[i].Event.KeyEvent.uChar.UnicodeChar = character;
        records[i].Event.KeyEvent.dwControlKeyState = state;
    }
    WriteConsoleInputW(input, records + !!only_release, only_release ? 1 : 2, &written);
}

static WORD code_of(char c)
{
    return c >= 'a' && c <= 'z' ? (WORD)(c - 32) : c == '\n' ? VK_RETURN : (WORD)c;
}

/* Windows' own way: a thread in the program begins at this function of its system, with the event as its argument. The
 * system's libraries stand at the same place in each process. */
static void tell(HANDLE process, int event)
{
    LPTHREAD_START_ROUTINE routine = (LPTHREAD_START_ROUTINE)(void *)GetProcAddress(GetModuleHandleA("kernelbase"), "CtrlRoutine");
    HANDLE thread = routine ? CreateRemoteThread(process, NULL, 0, routine, (void *)(INT_PTR)event, 0, NULL) : NULL;
    note("told", thread ? 0 : GetLastError());
    if (thread)
        CloseHandle(thread);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 64;
    out = fopen(argv[1], "wb");
    InitializeCriticalSection(&lock);
    may_read = CreateEventA(NULL, TRUE, TRUE, NULL);
    has_written = CreateEventA(NULL, TRUE, FALSE, NULL);
    SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};
    server = CreateNamedPipeA(PIPE, PIPE_ACCESS_INBOUND, PIPE_TYPE_BYTE | PIPE_WAIT, 1, 4096, 4096, 0, NULL);
    HANDLE client = CreateFileA(PIPE, GENERIC_WRITE, 0, &inherited, OPEN_EXISTING, 0, NULL);
    HANDLE errors = CreateFileA("errors.txt", GENERIC_WRITE, 3, &inherited, CREATE_ALWAYS, 0, NULL);
    input = CreateFileA("CONIN$", GENERIC_READ | GENERIC_WRITE, 3, &inherited, OPEN_EXISTING, 0, NULL);
    SetConsoleMode(input, mode() | 0xc0);
    CreateThread(NULL, 0, reader, NULL, 0, NULL);
    note("before", mode());

    STARTUPINFOA startup = {0};
    PROCESS_INFORMATION process;
    startup.cb = sizeof startup;
    startup.dwFlags = STARTF_USESTDHANDLES;
    startup.hStdInput = input;
    startup.hStdOutput = client;
    startup.hStdError = errors;
    if (!CreateProcessA(NULL, argv[3], NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process))
        return 65;
    CloseHandle(client);

    for (char *word = strtok(argv[2], " "); word; word = strtok(NULL, " ")) {
        char *value = strchr(word, ':');
        if (value)
            *value++ = 0;
        note(word, value ? (unsigned char)*value : 0);
        if (!strcmp(word, "wait"))
            Sleep(atoi(value));
        else if (!strcmp(word, "written"))
            WaitForSingleObject(has_written, 30000);
        else if (!strcmp(word, "key"))
            press(code_of(*value), *value, 0, 0);
        else if (!strcmp(word, "ctrl"))
            press(code_of(*value), *value & 0x1f, LEFT_CTRL_PRESSED, 0);
        else if (!strcmp(word, "enter"))
            press(VK_RETURN, '\r', 0, 0);
        else if (!strcmp(word, "event"))
            tell(process.hProcess, atoi(value));
        else if (!strcmp(word, "alive"))
            note("runs", WaitForSingleObject(process.hProcess, 0) == WAIT_TIMEOUT);
        else if (!strcmp(word, "paste"))
            for (; *value; value++)
                press(code_of(*value), *value, 0, 0);
        else if (!strcmp(word, "alt"))
            press(VK_MENU, (wchar_t)strtoul(value, NULL, 16), 0, 1);
        else if (!strcmp(word, "stall"))
            ResetEvent(may_read);
        else if (!strcmp(word, "go"))
            SetEvent(may_read);
        else if (!strcmp(word, "mode"))
            note("while", mode());
    }
    DWORD status = 0;
    if (WaitForSingleObject(process.hProcess, 30000)) {
        TerminateProcess(process.hProcess, 77);
        WaitForSingleObject(process.hProcess, 5000);
    }
    GetExitCodeProcess(process.hProcess, &status);
    Sleep(300);
    note("after", mode());
    note("exit", status);
    return 0;
}
