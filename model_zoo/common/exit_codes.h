/* exit_codes.h - the exit codes of a program. Functions that may end a run return one of them. */
#ifndef ZOO_EXIT_CODES_H
#define ZOO_EXIT_CODES_H

enum zoo_exit {
    ZOO_GO_ON = -1, /* not an exit code: the run continues */
    ZOO_DONE = 0,
    ZOO_FAILED = 1,
    ZOO_USAGE = 2,
    ZOO_DATA = 3,    /* data or checkpoint missing or corrupt */
    ZOO_BACKEND = 4, /* backend not available */
    ZOO_DIVERGED = 5,
    ZOO_INTERRUPTED = 128 /* plus the number of the signal */
};

#endif
