/* driver.c - runs a fuzz target without libFuzzer: on files, or on random bytes of a seed, and
 * tells the input that a signal came from.
 *
 * usage: TARGET [-runs=N] [-seconds=S] [-seed=N] [FILE...] */
#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "fuzz.h"

enum { RANDOM_BYTES = 256, HANG_SECONDS = 60 };

static uint8_t input[1 << 20];
static size_t input_size;

static void say(const char *text)
{
    if (write(STDERR_FILENO, text, strlen(text)) < 0) {
        return;
    }
}

/* Prints the input as hex digits, ready for a file in the corpus, and lets the signal be. */
static void on_signal(int signal_)
{
    static const char digits[] = "0123456789abcdef";

    say("\nfuzz: a signal, or a call that does not return, on the input\n");
    for (size_t i = 0; i < input_size; i++) {
        char two[3] = {digits[input[i] >> 4], digits[input[i] & 15], 0};

        say(two);
    }
    say("\n");
    signal(signal_ == SIGALRM ? SIGABRT : signal_, SIG_DFL);
    raise(signal_ == SIGALRM ? SIGABRT : signal_);
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static void random_input(uint64_t seed, uint64_t run)
{
    uint64_t state = mix(seed * UINT64_C(0x9E3779B97F4A7C15) + run);

    input_size = 16 + state % (RANDOM_BYTES - 16);
    for (size_t i = 0; i < input_size; i += sizeof state) {
        state += UINT64_C(0x9E3779B97F4A7C15);
        uint64_t word = mix(state);

        memcpy(input + i, &word, sizeof word);
    }
}

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        perror(path);
        return 2;
    }
    input_size = fread(input, 1, sizeof input, file);
    fclose(file);
    alarm(HANG_SECONDS);
    LLVMFuzzerTestOneInput(input, input_size);
    return 0;
}

static int replay_all(const char *path, long *n)
{
    struct dirent *entry;
    DIR *folder = opendir(path);
    char name[4096];
    int failed = 0;

    if (folder == NULL) {
        ++*n;
        return replay(path);
    }
    while (failed == 0 && (entry = readdir(folder)) != NULL) {
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.') {
            failed = replay(name);
            ++*n;
        }
    }
    closedir(folder);
    return failed;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGALRM};
    uint64_t runs = 0, seed = 1, run = 0;
    double seconds = 0, start = now();
    long files = 0;

    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
        signal(signals[i], on_signal);
    }
    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "-runs=", 6) == 0) {
            runs = strtoull(argv[i] + 6, NULL, 10);
        } else if (strncmp(argv[i], "-seconds=", 9) == 0) {
            seconds = strtod(argv[i] + 9, NULL);
        } else if (strncmp(argv[i], "-seed=", 6) == 0) {
            seed = strtoull(argv[i] + 6, NULL, 10);
        } else if (argv[i][0] == '-') {
            fprintf(stderr, "usage: %s [-runs=N] [-seconds=S] [-seed=N] [FILE or FOLDER...]\n",
                    argv[0]);
            return 2;
        } else if (replay_all(argv[i], &files) != 0) {
            return 2;
        }
    }
    while (run < runs || (seconds > 0 && now() - start < seconds)) {
        alarm(HANG_SECONDS);
        for (int i = 0; i < 1000; i++) {
            random_input(seed, run++);
            LLVMFuzzerTestOneInput(input, input_size);
        }
    }
    fuzz_summary(stdout);
    printf("files=%ld runs=%llu seed=%llu calls_per_second=%.0f\n", files, (unsigned long long)run,
           (unsigned long long)seed, (double)run / (now() - start));
    printf("%llu passed, 0 failed\n", (unsigned long long)(run + (uint64_t)files));
    return 0;
}
