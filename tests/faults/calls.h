/* calls.h - the system calls of a save or a load, under the test's hands: one of them fails, or all
 * of them are written down. calls.c defines open, openat, read, pread, write, pwrite, fsync,
 * rename, renameat, close, ftruncate, mmap and unlinkat in the program itself, so that libdnn's
 * calls go there; outside fault_begin ... fault_end and record_begin ... record_end they only pass
 * on. */
#ifndef DNN_TEST_CALLS_H
#define DNN_TEST_CALLS_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { SHORT_READ = -1, ONE_BYTE_WRITE = -2 }; /* kinds of fault that are no errno */
enum call {
    OPEN,
    READ,
    PREAD,
    WRITE,
    PWRITE,
    FSYNC,
    RENAME,
    CLOSE,
    FTRUNCATE,
    MMAP,
    UNLINK,
    N_CALLS
};
extern const char *const call_names[N_CALLS];

/* Call number `at` (from 1) of this thread fails with the errno, or does less than it was asked;
 * for ever: and all behind it that can. at 0: none fails, they are only counted. unlinkat is not
 * counted: it is the clean-up. */
void fault_begin(long at, bool for_ever, int kind);
/* How many calls there were; *hit (may be NULL): how many did not do what they were asked. */
long fault_end(long *hit);
extern long call_count[N_CALLS]; /* by kind, since fault_begin */

/* One call that changed something, in order. */
typedef struct record {
    enum call call;
    int fd;          /* OPEN: what it returned; the file of WRITE, FSYNC, CLOSE */
    bool create;     /* OPEN */
    bool folder;     /* OPEN: of a folder */
    char *name, *to; /* OPEN, RENAME, UNLINK: in the folder */
    char *data;      /* WRITE */
    size_t bytes;
} record;
void record_begin(void);
long record_end(record **list); /* the caller's: record_free */
void record_free(record *list, long n);

#endif
