/* test_resume.c - run(N) and run(k) + resume + run(N-k) write the same checkpoint, byte for byte,
 * for every k: in the middle of an epoch, at its end, before the first step and after the last.
 *
 * usage: test_resume FOLDER                 every k
 *        test_resume FOLDER train STEPS     one run that is saved after each step and takes up what
 *                                           is in FOLDER: for kill9.sh */
#include <sys/stat.h>
#include <unistd.h>
#include "training.h"

enum { STEPS = 3 * EPOCH + 2 };

static dnn_status fail(const char *what, int64_t k, dnn_status st)
{
    if (st != DNN_OK) {
        printf("%s, k = %lld: %s\n", what, (long long)k, dnn_error_message());
    }
    return st;
}

/* Runs from where `from` ends (NULL: the beginning) to step `last`, and writes `to`. */
static dnn_status run_part(const char *from, int64_t last, const char *to, uint64_t seed,
                           int workers)
{
    training t;
    dnn_status st = DNN_OK;

    {
        DNN_SCOPE();
        st = training_begin(&t, seed, workers);
        if (st == DNN_OK && from != NULL) {
            st = dnn_load_checkpoint(t.run, from);
        }
        if (st == DNN_OK) {
            st = training_steps(&t, last);
        }
        if (st == DNN_OK) {
            st = dnn_write_checkpoint(t.run, to);
        }
        training_end(&t);
    }
    return st;
}

static char *whole(const char *path, size_t *bytes)
{
    enum { MOST = 1 << 20 };
    FILE *file = fopen(path, "rb");
    char *data = malloc(MOST);

    *bytes = file != NULL && data != NULL ? fread(data, 1, MOST, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    return data;
}

static bool same_files(const char *a, const char *b)
{
    size_t na, nb;
    char *x = whole(a, &na), *y = whole(b, &nb);
    bool same = na > 0 && na == nb && memcmp(x, y, na) == 0;

    free(x);
    free(y);
    return same;
}

static int every_k(const char *folder)
{
    char unbroken[4096], part[4096], resumed[4096];
    int passed = 0, failed = 0;

    snprintf(unbroken, sizeof unbroken, "%s/unbroken.safetensors", folder);
    snprintf(part, sizeof part, "%s/part.safetensors", folder);
    snprintf(resumed, sizeof resumed, "%s/resumed.safetensors", folder);
    if (fail("unbroken", STEPS, run_part(NULL, STEPS, unbroken, 5, 0)) != DNN_OK) {
        return 1;
    }
    for (int workers = 0; workers <= 2; workers += 2) {
        for (int64_t k = 0; k <= STEPS; k++) {
            unlink(resumed); /* the second part has another seed, which the checkpoint must undo */
            if (fail("first part", k, run_part(NULL, k, part, 5, workers)) != DNN_OK ||
                fail("resumed", k, run_part(part, STEPS, resumed, 1000 + (uint64_t)k, workers)) !=
                    DNN_OK ||
                !same_files(unbroken, resumed)) {
                printf("k = %lld of %d, %d workers: another run\n", (long long)k, STEPS, workers);
                failed++;
            } else {
                passed++;
            }
        }
    }
    unlink(unbroken);
    unlink(part);
    unlink(resumed);
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}

/* ---- for kill9.sh ---- */

static void tell(void *ctx, const char *why)
{
    (void)ctx;
    printf("passed over: %s\n", why);
}

static dnn_status take_up(training *t, const char *folder)
{
    const char *path = dnn_find_checkpoint(folder, .passed_over = tell);
    dnn_status st;

    if (path == NULL) { /* nothing is there yet: from the beginning */
        return dnn_take_error();
    }
    st = dnn_load_checkpoint(t->run, path);
    if (st == DNN_OK) {
        printf("resumed %s\n", path);
    }
    return st;
}

static dnn_status train(const char *folder, int64_t steps)
{
    training t;
    dnn_status st = DNN_OK;

    {
        DNN_SCOPE();
        st = training_begin(&t, 5, 0);
        if (st == DNN_OK) {
            st = take_up(&t, folder);
        }
        while (st == DNN_OK && t.step < steps) {
            st = training_step(&t);
            if (st == DNN_OK) {
                st = dnn_save_checkpoint(t.run, folder, t.step);
            }
        }
        training_end(&t);
    }
    return fail("train", steps, st);
}

int main(int argc, char **argv)
{
    int code;

    if (argc != 2 && argc != 4) {
        fprintf(stderr, "usage: test_resume FOLDER [train STEPS]\n");
        return 2;
    }
    mkdir(argv[1], 0777);
    code = argc == 2 ? every_k(argv[1]) : train(argv[1], atol(argv[3])) != DNN_OK;
    dnn_shutdown();
    if (dnn_live_tensors() != 0 || dnn_live_bytes(NULL) != 0) {
        printf("left alive: %lld tensors\n", (long long)dnn_live_tensors());
        code = 1;
    }
    return code;
}
