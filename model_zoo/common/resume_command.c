/* resume_command.c - prints the command line that resumes an interrupted run. */
#include <stdio.h>
#include <string.h>
#include "resume_command.h"

/* Prints the word, in single quotes if a shell would otherwise change it. */
static void put_word(const char *word)
{
    if (word[0] != 0 &&
        word[strspn(word,
                    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./,:=+@%-")] ==
            0) {
        fputs(word, stderr);
        return;
    }
    fputc('\'', stderr);
    for (; *word != 0; word++) {
        if (*word == '\'') {
            fputs("'\\''", stderr);
        } else {
            fputc(*word, stderr);
        }
    }
    fputc('\'', stderr);
}

static void put_option(const zoo_option *option, const zoo_options *options)
{
    const void *member = zoo_option_member(option, options);

    fprintf(stderr, " --%s", option->name);
    if (option->kind == ZOO_TEXT) {
        fputc(' ', stderr);
        put_word(*(const char *const *)member);
    } else if (option->kind == ZOO_INT) {
        fprintf(stderr, " %d", *(const int *)member);
    } else if (option->kind == ZOO_INT64) {
        fprintf(stderr, " %lld", (long long)*(const int64_t *)member);
    }
}

/* --init is left out because the checkpoint replaces it; --resume because the command has its own.
 */
static bool is_printed(const zoo_option *option)
{
    return option->role == ZOO_NOT_STORED && option->offset != offsetof(zoo_options, resume) &&
           option->offset != offsetof(zoo_options, resume_anyway) &&
           option->offset != offsetof(zoo_options, init);
}

void zoo_resume_command_print(const char *command, const zoo_options *options)
{
    fputs("  ", stderr);
    put_word(command);
    fputs(" --resume", stderr);
    for (int i = 0; i < ZOO_N_OPTIONS; i++) {
        if (zoo_option_given(i, options) && is_printed(&zoo_option_table[i])) {
            put_option(&zoo_option_table[i], options);
        }
    }
    fputc('\n', stderr);
}
