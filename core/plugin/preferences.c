/* preferences.c - preferences for the selection of kernels: DNN_PREFER pins, DNN_MATH,
 * DNN_DETERMINISTIC, and whether DNN_TUNE selects by time. A pin is a member of the kernel, by
 * which candidates are ordered. The others are bits of a call's mode. So dispatch pays for one
 * load. */
#include <stdlib.h>
#include <string.h>
#include "preferences.h"
#include "plugin_impl.h"

_Atomic uint32_t dnn__mode_bits;

/* A value that the program has set stays over shutdown and start, and overrides the environment. */
struct setting {
    int value;
    bool by_program;
};
static struct setting math, deterministic, tune;

static char *pins; /* the current text; NULL: none */

/* ---- words ---- */

/* Returns the index of the text in a list, or -1. */
static int index_of(const char *text, const char *const *list)
{
    for (int i = 0; list[i] != NULL; i++) {
        if (strcmp(list[i], text) == 0) {
            return i;
        }
    }
    return -1;
}

/* Reads a variable whose value is one of the words. Unset and empty mean the first. */
static dnn_status read_word(const char *variable, const char *const *words, struct setting *out)
{
    const char *text = secure_getenv(variable);
    char known[64];
    dnn__text list = dnn__text_to(known, sizeof known);

    if (out->by_program) {
        return DNN_OK;
    }
    out->value = text != NULL && *text != 0 ? index_of(text, words) : 0;
    if (out->value >= 0) {
        return DNN_OK;
    }
    out->value = 0;
    for (int i = 0; words[i] != NULL; i++) {
        dnn__put(&list, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    return dnn__fail(DNN_E_DEVICE, "%s=%.64s: not one of %s", variable, text, known);
}

/* ---- mode ---- */

/* bf16 permits tf32 too, which is more precise. */
static const uint32_t math_bits[] = {0, DNN_M_TF32, DNN_M_TF32 | DNN_M_BF16};

static void update_mode(void)
{
    atomic_store_explicit(&dnn__mode_bits,
                          math_bits[math.value] |
                              (deterministic.value != 0 ? DNN_M_DETERMINISTIC : 0),
                          memory_order_relaxed);
}

dnn_status dnn_set_math(dnn_math value)
{
    if ((unsigned)value > DNN_MATH_BF16) {
        return dnn__fail(DNN_E_INVALID,
                         "dnn_set_math: %d, must be DNN_MATH_STRICT (%d) to BF16 (%d)", value,
                         DNN_MATH_STRICT, DNN_MATH_BF16);
    }
    math = (struct setting){value, true};
    update_mode();
    return DNN_OK;
}

dnn_math dnn_get_math(void)
{
    return (dnn_math)math.value;
}

void dnn_set_deterministic(bool on)
{
    deterministic = (struct setting){on, true};
    update_mode();
}

bool dnn_get_deterministic(void)
{
    return deterministic.value != 0;
}

/* ---- errors for unknown words ---- */

static dnn_status no_plugin(dnn_status status, const char *who, const char *id)
{
    char in_use[300];
    dnn__text text = dnn__text_to(in_use, sizeof in_use);

    for (int64_t i = 0; i < dnn__n_plugins; i++) {
        dnn__put(&text, " %s", dnn__plugins[i]->id);
    }
    return dnn__fail(status, "%s: no plugin in use is called %s. In use:%s", who, id,
                     text.length > 0 ? in_use : " none");
}

static dnn_status no_kernel(dnn_status status, const char *who, const char *op, const char *id,
                            const char *name)
{
    char others[400];
    dnn__text text = dnn__text_to(others, sizeof others);
    const dnn__kernel *k;

    for (int64_t i = 0; (k = dnn__kernel_at(i)) != NULL; i++) {
        if (strcmp(k->op->name, op) == 0) {
            dnn__put(&text, " %s.%s", k->plugin->id, k->table.name);
        }
    }
    return dnn__fail(status, "%s: %s has no kernel%s%s for %s. There are:%s", who, id,
                     *name != 0 ? " " : "", name, op, text.length > 0 ? others : " none");
}

/* ---- pins ---- */

struct pin {
    char op[64], id[32], name[128]; /* name "": every kernel of the plugin */
};

/* Parses "conv2d=onednn" or "conv2d=onednn.direct" of `length` bytes. */
static dnn_status read_pin(dnn_status status, const char *who, const char *at, size_t length,
                           struct pin *out)
{
    size_t op = strcspn(at, "=,"), id = op < length ? strcspn(at + op + 1, ".,") : 0;
    size_t name = op + 1 + id < length ? length - op - id - 2 : 0;

    if (op == 0 || op >= length || id == 0 || op >= sizeof out->op || id >= sizeof out->id ||
        name >= sizeof out->name || (at[op + 1 + id] == '.' && name == 0)) {
        return dnn__fail(status, "%s: \"%.*s\" is not OPERATOR=PLUGIN or OPERATOR=PLUGIN.KERNEL",
                         who, length < 200 ? (int)length : 200, at);
    }
    *out = (struct pin){{0}, {0}, {0}};
    memcpy(out->op, at, op);
    memcpy(out->id, at + op + 1, id);
    memcpy(out->name, at + length - name, name);
    return DNN_OK;
}

static bool pin_matches(const struct pin *pin, const dnn__kernel *k)
{
    return strcmp(k->op->name, pin->op) == 0 && strcmp(k->plugin->id, pin->id) == 0 &&
           (pin->name[0] == 0 || strcmp(k->table.name, pin->name) == 0);
}

static dnn_status check_pin(dnn_status status, const char *who, const struct pin *pin)
{
    bool known = false;
    const dnn__kernel *k;

    if (dnn__op_named(pin->op) == NULL) {
        return dnn__no_operator(status, who, pin->op);
    }
    for (int64_t i = 0; i < dnn__n_plugins; i++) {
        known = known || strcmp(dnn__plugins[i]->id, pin->id) == 0;
    }
    if (!known) {
        return no_plugin(status, who, pin->id);
    }
    for (int64_t i = 0; (k = dnn__kernel_at(i)) != NULL; i++) {
        if (pin_matches(pin, k)) {
            return DNN_OK;
        }
    }
    return no_kernel(status, who, pin->op, pin->id, pin->name);
}

static void set_pin(const struct pin *pin, int32_t rank)
{
    dnn__kernel *k;

    for (int64_t i = 0; (k = dnn__kernel_at(i)) != NULL; i++) {
        if (k->pin == 0 && pin_matches(pin, k)) {
            k->pin = rank;
        }
    }
}

/* Checks every pin of the text, and with `set` also sets the kernels' pins. Skips empty words. */
static dnn_status parse_pins(dnn_status status, const char *who, const char *text, bool set)
{
    struct pin pin;
    int32_t rank = 0;

    for (const char *at = text + strspn(text, ","); *at != 0; at += strspn(at, ",")) {
        size_t length = strcspn(at, ",");

        DNN_TRY(read_pin(status, who, at, length, &pin));
        DNN_TRY(check_pin(status, who, &pin));
        if (set) {
            set_pin(&pin, ++rank);
        }
        at += length;
    }
    return DNN_OK;
}

/* On failure the old pins stay. */
static dnn_status replace_pins(dnn_status status, const char *who, const char *text)
{
    char *copy = NULL;
    dnn__kernel *k;

    DNN_TRY(parse_pins(status, who, text, false));
    if (*text != 0 && (copy = dnn__strdup(text)) == NULL) {
        return dnn__nomem(who, strlen(text));
    }
    for (int64_t i = 0; (k = dnn__kernel_at(i)) != NULL; i++) {
        k->pin = 0;
    }
    DNN_TRY(parse_pins(status, who, text, true));
    dnn__free(pins);
    pins = copy;
    return DNN_OK;
}

dnn_status dnn__prefer(const char *text)
{
    DNN_TRY(replace_pins(DNN_E_INVALID, "dnn_set_prefer", text != NULL ? text : ""));
    dnn__candidates_sort();
    return DNN_OK;
}

const char *dnn_get_prefer(void)
{
    return pins != NULL ? pins : "";
}

/* ---- timing ---- */

void dnn__autotune_by_time(bool on)
{
    tune = (struct setting){on, true};
}

bool dnn_get_tune(void)
{
    return tune.value != 0;
}

/* ---- start and stop ---- */

dnn_status dnn__preferences_start(void)
{
    static const char *const precisions[] = {"strict", "tf32", "bf16", NULL};
    static const char *const switches[] = {"0", "1", NULL};
    const char *text = secure_getenv("DNN_PREFER");

    DNN_TRY(read_word("DNN_MATH", precisions, &math));
    DNN_TRY(read_word("DNN_DETERMINISTIC", switches, &deterministic));
    DNN_TRY(read_word("DNN_TUNE", switches, &tune));
    update_mode();
    return replace_pins(DNN_E_DEVICE, "DNN_PREFER", text != NULL ? text : "");
}

void dnn__preferences_stop(void)
{
    dnn__free(pins);
    pins = NULL;
}
