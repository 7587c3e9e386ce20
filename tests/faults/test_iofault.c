/* test_iofault.c - every system call of a save, a search and a load fails in each of seven ways,
 * once and for ever. An earlier checkpoint always loads, the error names the path and the system's
 * reason, what a failed load was to change is unchanged, and the next try succeeds.
 *
 * usage: test_iofault FOLDER    prints "calls= faults= lost= unnamed= changed= retry=", as
 * reliability R2 asks */
#include <errno.h>
#include "calls.h"
#include "folder.h"
#include "training.h"

static const struct kind {
    const char *name;
    int kind;
} kinds[] = {{"EIO", EIO},
             {"ENOSPC", ENOSPC},
             {"EINTR", EINTR},
             {"EMFILE", EMFILE},
             {"EDQUOT", EDQUOT},
             {"short read", SHORT_READ},
             {"one byte", ONE_BYTE_WRITE}};
enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

static struct {
    long calls, faults, lost, unnamed, changed, retry;
} result;

static struct {
    const char *folder;
    char scratch[4200];     /* a file beside the folder */
    bytes step[4];          /* what the checkpoints of steps 1, 2, 3 must be */
    training saved, loaded; /* saved: at step 3. loaded: another run, at step 1 */
} test;

static void say_nothing(void *ctx, dnn_log_level level, const char *text)
{
    (void)ctx;
    (void)level;
    (void)text;
}

static void complain(const char *what, const char *kind, bool for_ever, long k)
{
    printf("%s, %s %s at call %ld: %s\n", what, kind, for_ever ? "for ever" : "once", k,
           dnn_error_message());
}

/* What a run would save, undisturbed. */
static bytes image_of(training *t)
{
    if (dnn_write_checkpoint(t->run, test.scratch) != DNN_OK) {
        printf("the image: %s\n", dnn_error_message());
        return (bytes){0};
    }
    return file_read(test.scratch);
}

static bool is_image(training *t, bytes want)
{
    bytes got = image_of(t);
    bool same = bytes_equal(got, want);

    free(got.data);
    return same;
}

static const char *name_of(int step)
{
    static char text[40];

    snprintf(text, sizeof text, "ckpt-%08d.safetensors", step);
    return text;
}

static void set_folder(void)
{
    folder_empty(test.folder);
    file_write(in_folder(test.folder, name_of(1)), test.step[1]);
    file_write(in_folder(test.folder, name_of(2)), test.step[2]);
}

/* The run that is to be saved, with the generator where it was: that is the process's, and loads of
 * the other run set it back. */
static void stand_at_step_3(void)
{
    file_write(test.scratch, test.step[3]);
    if (dnn_load_checkpoint(test.saved.run, test.scratch) != DNN_OK) {
        printf("step 3: %s\n", dnn_error_message());
        result.lost++;
    }
}

static bool folder_has_temporary(const char *folder)
{
    DIR *dir = opendir(folder);
    bool found = false;

    for (struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        found = found || strstr(entry->d_name, ".tmp-") != NULL;
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return found;
}

static bool named(int kind)
{
    return kind > 0 && strstr(dnn_error_message(), test.folder) != NULL &&
           strstr(dnn_error_message(), strerror(kind)) != NULL;
}

/* The newest checkpoint of the folder loads, and is that of step `least` or 3. */
static bool still_loads(int least)
{
    DNN_SCOPE();
    const char *path = dnn_find_checkpoint(test.folder);
    int step;

    if (path == NULL || dnn_load_checkpoint(test.loaded.run, path) != DNN_OK) {
        return false;
    }
    step = (int)test.loaded.step;
    return (step == least || step == 3) && is_image(&test.loaded, test.step[step]);
}

/* ---- a save ---- */

static void fault_in_save(long k, bool for_ever, const struct kind *kind)
{
    long hit;
    dnn_status st;

    set_folder();
    stand_at_step_3();
    fault_begin(k, for_ever, kind->kind);
    st = dnn_save_checkpoint(test.saved.run, test.folder, test.saved.step);
    fault_end(&hit);
    result.faults += hit > 0;
    if (st != DNN_OK && !named(kind->kind)) {
        complain("save", kind->name, for_ever, k);
        result.unnamed++;
    }
    if (!still_loads(st == DNN_OK ? 3 : 2) || folder_has_temporary(test.folder)) {
        complain("after the save", kind->name, for_ever, k);
        result.lost++;
    }
    stand_at_step_3();
    if (dnn_save_checkpoint(test.saved.run, test.folder, test.saved.step) != DNN_OK ||
        !still_loads(3)) {
        complain("the next save", kind->name, for_ever, k);
        result.retry++;
    }
}

/* ---- a load, and a search ---- */

static void fault_in_load(long k, bool for_ever, const struct kind *kind)
{
    const char *path = in_folder(test.folder, name_of(2));
    bytes before;
    long hit;
    dnn_status st;

    if (dnn_load_checkpoint(test.loaded.run, in_folder(test.folder, name_of(1))) != DNN_OK) {
        result.lost++;
    }
    before = image_of(&test.loaded);
    fault_begin(k, for_ever, kind->kind);
    st = dnn_load_checkpoint(test.loaded.run, path);
    fault_end(&hit);
    result.faults += hit > 0;
    if (st != DNN_OK && !named(kind->kind)) {
        complain("load", kind->name, for_ever, k);
        result.unnamed++;
    }
    if (!is_image(&test.loaded, st == DNN_OK ? test.step[2] : before)) {
        complain("what was to be loaded", kind->name, for_ever, k);
        result.changed++;
    }
    if (dnn_load_checkpoint(test.loaded.run, path) != DNN_OK ||
        !is_image(&test.loaded, test.step[2])) {
        complain("the next load", kind->name, for_ever, k);
        result.retry++;
    }
    free(before.data);
}

static void count_named(void *ctx, const char *why)
{
    struct {
        int kind, named, all;
    } *count = ctx;

    count->all++;
    count->named += count->kind > 0 && strstr(why, strerror(count->kind)) != NULL;
}

static void fault_in_find(long k, bool for_ever, const struct kind *kind)
{
    struct {
        int kind, named, all;
    } over = {kind->kind, 0, 0};
    DNN_SCOPE();
    const char *path;
    long hit;
    dnn_status st;

    fault_begin(k, for_ever, kind->kind);
    path = dnn_find_checkpoint(test.folder, .passed_over = count_named, .ctx = &over);
    fault_end(&hit);
    st = dnn_take_error();
    result.lost += (path == NULL) != (st != DNN_OK); /* "none yet" is not the answer */
    result.faults += hit > 0;
    if (over.named != over.all || (st != DNN_OK && over.all != 2)) {
        complain("find", kind->name, for_ever, k);
        result.unnamed++;
    }
    if (!still_loads(2)) {
        result.lost++;
    }
}

/* ---- all ---- */

static void every_call(const char *what, void (*one)(long, bool, const struct kind *))
{
    static const struct kind none = {"none", 0};
    long calls;

    set_folder();
    one(0, false, &none);
    calls = 0;
    for (int i = 0; i < N_CALLS; i++) {
        calls += call_count[i];
    }
    printf("%s: %ld calls:", what, calls);
    for (int i = 0; i < N_CALLS; i++) {
        if (call_count[i] > 0) {
            printf(" %s %ld", call_names[i], call_count[i]);
        }
    }
    printf("\n");
    result.calls += calls;
    set_folder();
    for (int kind = 0; kind < N_KINDS; kind++) {
        for (int for_ever = 0; for_ever < 2; for_ever++) {
            for (long k = 1; k <= calls; k++) {
                one(k, for_ever != 0, &kinds[kind]);
            }
        }
    }
}

static dnn_status set_up(void)
{
    DNN_TRY(training_begin(&test.saved, 5, 0));
    DNN_TRY(training_begin(&test.loaded, 6, 0));
    for (int step = 1; step <= 3; step++) {
        DNN_TRY(training_steps(&test.saved, step));
        test.step[step] = image_of(&test.saved);
    }
    return DNN_OK;
}

static long run(void)
{
    dnn_status st = DNN_OK;

    {
        DNN_SCOPE();
        st = set_up();
        if (st == DNN_OK) {
            every_call("save", fault_in_save);
            every_call("load", fault_in_load);
            every_call("find", fault_in_find);
        } else {
            printf("%s\n", dnn_error_message());
            result.lost++;
        }
        training_end(&test.saved);
        training_end(&test.loaded);
    }
    return result.lost + result.unnamed + result.changed + result.retry;
}

int main(int argc, char **argv)
{
    static char folder[4100];
    long failed;

    if (argc != 2) {
        fprintf(stderr, "usage: test_iofault FOLDER\n");
        return 2;
    }
    snprintf(folder, sizeof folder, "%s/iofault", argv[1]);
    snprintf(test.scratch, sizeof test.scratch, "%s/iofault-image", argv[1]);
    test.folder = folder;
    dnn_set_log(say_nothing, NULL); /* old checkpoints that cannot be removed are no failure */
    failed = run();
    folder_empty(folder);
    rmdir(folder);
    unlink(test.scratch);
    for (int i = 1; i <= 3; i++) {
        free(test.step[i].data);
    }
    dnn_shutdown();
    if (dnn_live_tensors() != 0 || dnn_live_bytes(NULL) != 0) {
        printf("left alive: %lld tensors\n", (long long)dnn_live_tensors());
        failed++;
    }
    printf("calls=%ld faults=%ld lost=%ld unnamed=%ld changed=%ld retry_failed=%ld\n", result.calls,
           result.faults, result.lost, result.unnamed, result.changed, result.retry);
    printf("%ld passed, %ld failed\n", result.faults - failed, failed);
    return failed != 0;
}
