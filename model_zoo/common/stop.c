/* stop.c - stores the first SIGINT or SIGTERM, exits on the second. */
#include <signal.h>
#include <unistd.h>
#include "exit_codes.h"
#include "stop.h"

static volatile sig_atomic_t caught;

static void on_signal(int signal)
{
    if (caught != 0) {
        _exit(ZOO_INTERRUPTED + signal);
    }
    caught = signal;
}

void zoo_stop_catch(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

int zoo_stop_signal(void)
{
    return caught;
}
