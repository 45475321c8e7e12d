/* Runs a command while a file is held open by this program, as the Event Log service, a scanner or a second console does.
 *
 *   hold.exe FILE ACCESS SHARE MS COMMAND
 *
 * ACCESS and SHARE are letters: r reads, w writes, d deletes, - nothing. The file is let go after MS milliseconds. The
 * exit status is the command's. */
#include <windows.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    if (argc != 6)
        return 64;
    DWORD access = (strchr(argv[2], 'r') ? GENERIC_READ : 0) | (strchr(argv[2], 'w') ? GENERIC_WRITE : 0);
    DWORD share = (strchr(argv[3], 'r') ? FILE_SHARE_READ : 0) | (strchr(argv[3], 'w') ? FILE_SHARE_WRITE : 0)
        | (strchr(argv[3], 'd') ? FILE_SHARE_DELETE : 0);
    HANDLE file = CreateFileA(argv[1], access, share, NULL, OPEN_EXISTING, 0, NULL);
    if (file == INVALID_HANDLE_VALUE) {
        fprintf(stderr, "hold: %s: error %lu\n", argv[1], GetLastError());
        return 65;
    }
    STARTUPINFOA startup = {0};
    PROCESS_INFORMATION process;
    startup.cb = sizeof startup;
    if (!CreateProcessA(NULL, argv[5], NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process))
        return 66;
    WaitForSingleObject(process.hProcess, (DWORD)atoi(argv[4]));
    CloseHandle(file);
    DWORD status = 67;
    if (WaitForSingleObject(process.hProcess, 60000) == WAIT_TIMEOUT)
        TerminateProcess(process.hProcess, 77);
    GetExitCodeProcess(process.hProcess, &status);
    return (int)status;
}
