/* test_crash.c - what a crash may leave of a save. The calls of a save are written down; after each
 * of them the folder is rebuilt as it may look: what was not yet synced is there, lost, or there in
 * part, names and data each for themselves. In every such folder the newest checkpoint loads and is
 * that of a step that was saved; once a save has returned it is that save's. best.safetensors,
 * which is replaced, is the old or the new one.
 *
 * usage: test_crash FOLDER    prints "calls= states= lost= torn=", as reliability R3 asks */
#include "calls.h"
#include "folder.h"
#include "training.h"

enum { MOST_FILES = 16, MOST_WRITES = 64, MOST_FDS = 256, MOST_NAMES = 32 };

/* ---- a file system: what is on the disk for certain, and what may be ---- */

typedef struct file {
    bytes synced;
    const record *pending[MOST_WRITES]; /* writes behind it, in order */
    int n_pending;
} file;

typedef struct name { /* in the folder */
    char text[80];
    int file; /* -1: gone */
} name;

typedef struct change { /* of the folder, not synced: a name comes, moves, goes */
    char name[80], to[80];
    int file;
} change;

typedef struct disk {
    file file[MOST_FILES];
    int n_files;
    name name[MOST_NAMES];
    int n_names;
    change pending[MOST_NAMES];
    int n_pending;
    int file_of_fd[MOST_FDS]; /* -1: a folder's or none */
} disk;

static int *entry(disk *d, const char *text)
{
    for (int i = 0; i < d->n_names; i++) {
        if (strcmp(d->name[i].text, text) == 0) {
            return &d->name[i].file;
        }
    }
    snprintf(d->name[d->n_names].text, sizeof d->name[0].text, "%s", text);
    d->name[d->n_names].file = -1;
    return &d->name[d->n_names++].file;
}

static void apply_change(disk *d, const change *c)
{
    *entry(d, c->name) = c->to[0] == 0 ? c->file : -1;
    if (c->to[0] != 0) {
        *entry(d, c->to) = c->file;
    }
}

/* The file of a name as the program sees it: pending changes count. */
static int seen_file(disk d, const char *text)
{
    for (int i = 0; i < d.n_pending; i++) {
        apply_change(&d, &d.pending[i]);
    }
    return *entry(&d, text);
}

static void add_change(disk *d, const char *text, const char *to, int number)
{
    change *c = &d->pending[d->n_pending++];

    snprintf(c->name, sizeof c->name, "%s", text);
    snprintf(c->to, sizeof c->to, "%s", to != NULL ? to : "");
    c->file = number;
}

static void append(bytes *b, const record *r)
{
    b->data = realloc(b->data, b->n + r->bytes + 1);
    memcpy(b->data + b->n, r->data, r->bytes);
    b->n += r->bytes;
}

static void sync_fd(disk *d, int fd)
{
    file *f = d->file_of_fd[fd] >= 0 ? &d->file[d->file_of_fd[fd]] : NULL;

    if (f == NULL) { /* the folder */
        for (int i = 0; i < d->n_pending; i++) {
            apply_change(d, &d->pending[i]);
        }
        d->n_pending = 0;
        return;
    }
    for (int i = 0; i < f->n_pending; i++) {
        append(&f->synced, f->pending[i]);
    }
    f->n_pending = 0;
}

static void play(disk *d, const record *r)
{
    switch (r->call) {
    case OPEN:
        d->file_of_fd[r->fd] = -1;
        if (r->create) {
            d->file[d->n_files] = (file){0};
            add_change(d, r->name, NULL, d->n_files);
            d->file_of_fd[r->fd] = d->n_files++;
        }
        break;
    case WRITE:
        if (d->file_of_fd[r->fd] >= 0) {
            file *f = &d->file[d->file_of_fd[r->fd]];

            f->pending[f->n_pending++] = r;
        }
        break;
    case FSYNC:
        sync_fd(d, r->fd);
        break;
    case RENAME:
        add_change(d, r->name, r->to, seen_file(*d, r->name));
        break;
    case UNLINK:
        add_change(d, r->name, NULL, -1);
        break;
    default:
        break;
    }
}

/* ---- what may be left ---- */

enum { NONE, ALL, ZEROS, NOT_FIRST, NOT_LAST, ONLY_LAST, EVERY_OTHER, FIRST_HALF, TORN, N_WAYS };

static bool is_kept(int way, int i, int n)
{
    switch (way) {
    case NONE:
    case ZEROS:
        return false;
    case NOT_FIRST:
        return i > 0;
    case NOT_LAST:
        return i < n - 1;
    case ONLY_LAST:
        return i == n - 1;
    case EVERY_OTHER:
        return i % 2 == 1;
    case FIRST_HALF:
        return i < n / 2;
    default:
        return true;
    }
}

/* The contents with some of the pending writes lost: zeros stand where a later one came through. */
static bytes contents(const file *f, int way)
{
    bytes b = {malloc(1 << 20), f->synced.n};
    size_t at = b.n, end = b.n;

    memset(b.data, 0, 1 << 20);
    memcpy(b.data, f->synced.data != NULL ? f->synced.data : "", f->synced.n);
    for (int i = 0; i < f->n_pending; i++) {
        size_t n = f->pending[i]->bytes;

        if (way == TORN && i == f->n_pending - 1) {
            n /= 2;
        }
        if (is_kept(way, i, f->n_pending)) {
            memcpy(b.data + at, f->pending[i]->data, n);
            end = at + n;
        }
        at += f->pending[i]->bytes;
    }
    b.n = way == ZEROS ? at : end;
    return b;
}

static void rebuild(disk d, unsigned names, int way, const char *folder)
{
    folder_empty(folder);
    for (int i = 0; i < d.n_pending; i++) {
        if (names >> i & 1) {
            apply_change(&d, &d.pending[i]);
        }
    }
    for (int i = 0; i < d.n_names; i++) {
        if (d.name[i].file >= 0) {
            bytes b = contents(&d.file[d.name[i].file], way);

            file_write(in_folder(folder, d.name[i].text), b);
            free(b.data);
        }
    }
}

/* ---- the test ---- */

static struct {
    char folder[4100], rebuilt[4100], scratch[4100];
    bytes step[4], old_best, new_best;
    training run, loaded;
    long calls, states, lost, torn;
} test;

static bytes image_of(training *t)
{
    if (dnn_write_checkpoint(t->run, test.scratch) != DNN_OK) {
        printf("the image: %s\n", dnn_error_message());
        return (bytes){0};
    }
    return file_read(test.scratch);
}

static const char *name_of(int step)
{
    static char text[2][40];
    static int next;
    char *made = text[next++ % 2];

    snprintf(made, sizeof text[0], "ckpt-%08d.safetensors", step);
    return made;
}

/* The newest in the rebuilt folder is that of step `least`, or 3, whole; best is one of the two. */
static void judge(long k, unsigned names, int way, int least, bool new_best)
{
    bytes best = file_read(in_folder(test.rebuilt, "best.safetensors")), image = {0};
    DNN_SCOPE();
    const char *path = dnn_find_checkpoint(test.rebuilt);
    int step = -1;

    test.states++;
    if (path != NULL && dnn_load_checkpoint(test.loaded.run, path) == DNN_OK) {
        step = (int)test.loaded.step;
        image = image_of(&test.loaded);
    }
    if ((step != least && step != 3) || !bytes_equal(image, test.step[step])) {
        printf("after call %ld, names %x, data %d: step %d, at least %d: %s\n", k, names, way, step,
               least, dnn_error_message());
        test.lost++;
    }
    if (!bytes_equal(best, test.new_best) && (new_best || !bytes_equal(best, test.old_best))) {
        printf("after call %ld, names %x, data %d: best.safetensors is torn\n", k, names, way);
        test.torn++;
    }
    free(best.data);
    free(image.data);
}

/* after_save, after_best: the number of calls when the first and the second had returned. */
static void crash_after(const disk *d, long k, long after_save, long after_best)
{
    for (unsigned names = 0; names < 1u << d->n_pending; names++) {
        for (int way = 0; way < N_WAYS; way++) {
            rebuild(*d, names, way, test.rebuilt);
            judge(k, names, way, k >= after_save ? 3 : 2, k >= after_best);
        }
    }
}

static void put_old(disk *d, const char *text, bytes b)
{
    file_write(in_folder(test.folder, text), b);
    d->file[d->n_files] = (file){.synced = b};
    *entry(d, text) = d->n_files++;
}

static dnn_status set_up(void)
{
    DNN_TRY(training_begin(&test.run, 5, 0));
    DNN_TRY(training_begin(&test.loaded, 6, 0));
    for (int step = 1; step <= 3; step++) {
        DNN_TRY(training_steps(&test.run, step));
        test.step[step] = image_of(&test.run);
    }
    test.new_best = test.step[3];
    test.old_best = test.step[1];
    return DNN_OK;
}

static dnn_status record_saves(record **list, long *n, long *after_save)
{
    dnn_status st;
    record *first, *second;
    long m;

    record_begin();
    st = dnn_save_checkpoint(test.run.run, test.folder, test.run.step);
    *after_save = record_end(&first);
    record_begin();
    if (st == DNN_OK) {
        st = dnn_write_checkpoint(test.run.run, in_folder(test.folder, "best.safetensors"));
    }
    m = record_end(&second);
    *n = *after_save + m;
    *list = realloc(first, (size_t)(*n + 1) * sizeof **list);
    if (m > 0) {
        memcpy(*list + *after_save, second, (size_t)m * sizeof **list);
    }
    free(second);
    return st;
}

static dnn_status run(void)
{
    static disk d;
    record *list;
    long after_save;

    DNN_TRY(set_up());
    folder_empty(test.folder);
    put_old(&d, name_of(1), test.step[1]);
    put_old(&d, name_of(2), test.step[2]);
    put_old(&d, "best.safetensors", test.old_best);
    DNN_TRY(record_saves(&list, &test.calls, &after_save));
    crash_after(&d, 0, after_save, test.calls);
    for (long k = 1; k <= test.calls; k++) {
        play(&d, &list[k - 1]);
        crash_after(&d, k, after_save, test.calls);
    }
    if (*entry(&d, name_of(1)) >= 0 && seen_file(d, name_of(1)) >= 0) {
        printf("step 1 was not removed\n");
        test.lost++;
    }
    for (int i = 3; i < d.n_files; i++) {
        free(d.file[i].synced.data);
    }
    record_free(list, test.calls);
    return DNN_OK;
}

int main(int argc, char **argv)
{
    dnn_status st = DNN_OK;
    long failed;

    if (argc != 2) {
        fprintf(stderr, "usage: test_crash FOLDER\n");
        return 2;
    }
    snprintf(test.folder, sizeof test.folder, "%s/crash", argv[1]);
    snprintf(test.rebuilt, sizeof test.rebuilt, "%s/crash-rebuilt", argv[1]);
    snprintf(test.scratch, sizeof test.scratch, "%s/crash-image", argv[1]);
    {
        DNN_SCOPE();
        st = run();
        training_end(&test.run);
        training_end(&test.loaded);
    }
    if (st != DNN_OK) {
        printf("%s\n", dnn_error_message());
    }
    folder_empty(test.folder);
    folder_empty(test.rebuilt);
    rmdir(test.folder);
    rmdir(test.rebuilt);
    unlink(test.scratch);
    for (int i = 1; i <= 3; i++) {
        free(test.step[i].data);
    }
    dnn_shutdown();
    failed = test.lost + test.torn + (st != DNN_OK) + (test.calls == 0);
    printf("calls=%ld states=%ld lost=%ld torn=%ld\n", test.calls, test.states, test.lost,
           test.torn);
    printf("%ld passed, %ld failed\n", test.states - test.lost - test.torn, failed);
    return failed != 0;
}
