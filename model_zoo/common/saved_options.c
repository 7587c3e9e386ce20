/* saved_options.c - options in a checkpoint: written as JSON, applied when a run resumes. */
#include <string.h>
#include "exit_codes.h"
#include "saved_options.h"

static json_t *value_of(const zoo_option *option, const zoo_options *options)
{
    const void *member = zoo_option_member(option, options);

    switch (option->kind) {
    case ZOO_INT64:
        return json_integer(*(const int64_t *)member);
    case ZOO_SEED:
        return json_integer((json_int_t) * (const uint64_t *)member);
    case ZOO_DOUBLE:
        return json_real(*(const double *)member);
    default:
        return NULL; /* no option of another kind is stored */
    }
}

/* Writes the option's key, "batch_size" for --batch-size, and returns it. */
static const char *key_of(const zoo_option *option, char *key, size_t bytes)
{
    snprintf(key, bytes, "%s", option->name);
    for (char *at = strchr(key, '-'); at != NULL; at = strchr(at, '-')) {
        *at = '_';
    }
    return key;
}

json_t *zoo_saved_options(const zoo_options *options)
{
    json_t *all = json_object();
    char key[40];

    for (int i = 0; i < ZOO_N_OPTIONS; i++) {
        const zoo_option *option = &zoo_option_table[i];

        if (option->role != ZOO_NOT_STORED) {
            json_object_set_new(all, key_of(option, key, sizeof key), value_of(option, options));
        }
    }
    return all;
}

static void value_text(const json_t *value, char *text, size_t bytes)
{
    if (json_is_integer(value)) {
        snprintf(text, bytes, "%lld", (long long)json_integer_value(value));
    } else {
        snprintf(text, bytes, "%.17g", json_number_value(value));
    }
}

/* Reports an option whose value on the command line is not the stored one. */
static int report_difference(const zoo_option *option, bool anyway, const char *stored,
                             const char *given, zoo_messages *messages)
{
    if (option->role == ZOO_IDENTITY && !anyway) {
        zoo_error(messages, "usage",
                  "--%s is %s in the checkpoint, %s here: the result would differ "
                  "(--resume-anyway allows it)",
                  option->name, stored, given);
        return ZOO_USAGE;
    }
    zoo_warning(messages, "resume", "--%s is %s in the checkpoint, %s from here on", option->name,
                stored, given);
    return ZOO_GO_ON;
}

/* Applies the stored value of row i. */
static int apply_row(int i, zoo_options *options, const json_t *value, zoo_messages *messages)
{
    const zoo_option *option = &zoo_option_table[i];
    json_t *mine = value_of(option, options);
    char stored[40], given[40];

    value_text(value, stored, sizeof stored);
    value_text(mine, given, sizeof given);
    json_decref(mine);
    if (!zoo_option_given(i, options)) {
        return zoo_option_parse(messages->program, option, stored, options);
    }
    return strcmp(stored, given) == 0
               ? ZOO_GO_ON
               : report_difference(option, options->resume_anyway, stored, given, messages);
}

int zoo_saved_options_apply(zoo_options *options, const json_t *stored, zoo_messages *messages)
{
    int result = ZOO_GO_ON;
    char key[40];

    for (int i = 0; i < ZOO_N_OPTIONS; i++) {
        const zoo_option *option = &zoo_option_table[i];
        const json_t *value = json_object_get(stored, key_of(option, key, sizeof key));

        if (option->role != ZOO_NOT_STORED && json_is_number(value)) {
            int code = apply_row(i, options, value, messages);

            result = code != ZOO_GO_ON ? code : result;
        }
    }
    return result;
}
