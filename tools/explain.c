/* explain.c - dnn explain: shows the ladder of one call, each candidate and its answer. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "dnn.h"
#include "probe.h"

enum { MAX_WORDS = 64 };

/* The command line. */
struct words {
    dnn_explain_args args;
    dnn_operand in[MAX_WORDS], out;
    const char *attribute[MAX_WORDS + 1];
    int n_attributes;
    dnn_dtype dtype;
};

static void print_answer(void *ctx, const char *op, const char *plugin, const char *kernel,
                         const char *answer)
{
    bool *headed = ctx; /* the head of the table is printed: before its first row only */
    char place[200];

    snprintf(place, sizeof place, "run of kernel %s of %s", kernel, plugin);
    if (strncmp(answer, "yes", 3) == 0) {
        probe_report(place);
    }
    if (!*headed) {
        *headed = true;
        printf("%-26s %-10s %-26s %s\n", "operator", "plugin", "kernel", "answer");
    }
    printf("%-26s %-10s %-26s %s\n", op, plugin, kernel, answer);
}

/* 64x1x28x28, 64:i64, scalar, scalar:f64, - (omitted) */
static bool read_operand(const char *text, dnn_dtype dtype, dnn_operand *out)
{
    size_t length = strcspn(text, ":");
    char *end;

    *out = (dnn_operand){.dtype = dtype};
    if (text[length] == ':') {
        out->dtype = dnn_dtype_named(text + length + 1);
        if (out->dtype == 0) {
            return false;
        }
    }
    if (strncmp(text, "scalar", length) == 0 && length == 6) {
        return true;
    }
    if (length == 1 && text[0] == '-') {
        out->left_out = true;
        return true;
    }
    do {
        long long size;

        errno = 0;
        size = strtoll(text, &end, 10);
        if (end == text || errno != 0 || size < 0 || out->shape.ndim == DNN_MAX_DIMS) {
            return false;
        }
        out->shape.dim[out->shape.ndim++] = size;
        text = end + 1;
    } while (*end == 'x');
    return *end == 0 || *end == ':';
}

static int read_word(struct words *w, const char *word)
{
    if (word[0] != '-' && w->args.op == NULL) {
        w->args.op = word;
    } else if (strcmp(word, "--grad") == 0) {
        w->args.grad = true;
    } else if (strncmp(word, "--dtype=", 8) == 0) {
        w->dtype = dnn_dtype_named(word + 8);
        if (w->dtype == 0) {
            return usage_error("explain", "no dtype of that name", word + 8);
        }
    } else if (strncmp(word, "out=", 4) == 0) {
        if (!read_operand(word + 4, w->dtype, &w->out)) {
            return usage_error("explain", "not a shape", word + 4);
        }
        w->args.out = &w->out;
    } else if (strchr(word, '=') != NULL) {
        w->attribute[w->n_attributes++] = word;
    } else if (!read_operand(word, w->dtype, &w->in[w->args.n_in])) {
        return usage_error("explain", "not a shape", word);
    } else {
        w->args.n_in++;
    }
    return 0;
}

static void print_help(void)
{
    printf(
        "usage: dnn explain OPERATOR SHAPE... [KEY=VALUE...] [out=SHAPE] [--dtype=T] [--grad]\n\n"
        "Calls the operator on zeros and shows each kernel that is asked, in order, with its yes "
        "or the sentence of its no, and the "
        "copies that the choice costs.\n\n"
        "  SHAPE       64x1x28x28, scalar, or - for an operand left out; with :T a dtype of its "
        "own\n"
        "  KEY=VALUE   an attribute: stride=2 sets stride_h and stride_w\n"
        "  out=SHAPE   the result's shape, for operators whose inputs do not determine it\n"
        "  --dtype=T   f32 (default), f64, ...; write it ahead of the shapes\n"
        "  --grad      the gradient too\n\n"
        "examples\n  dnn explain relu 64x128\n  dnn explain conv2d 64x1x28x28 6x1x5x5 6 pad=2 "
        "--grad\n"
        "  dnn explain softmax_cross_entropy 64x10 64:i64\n  dnn explain conv2d_bwd_input "
        "4x6x28x28 6x3x5x5 out=4x3x32x32\n");
}

int command_explain(int argc, char **argv)
{
    static const char *const options[] = {"--help", "--grad", "--dtype=", NULL};
    struct words w = {.dtype = DNN_T_F32};
    bool headed = false;
    int code;

    if (asks_help(argc, argv)) {
        print_help();
        return 0;
    }
    code = check_options("explain", argc, argv, options);
    if (code != 0) {
        return code;
    }
    if (argc - 2 > MAX_WORDS) {
        return usage_error("explain", "too many words", NULL);
    }
    for (int i = 1; i < argc; i++) {
        code = read_word(&w, argv[i]);
        if (code != 0) {
            return code;
        }
    }
    if (w.args.op == NULL) {
        return usage_error("explain", "name an operator, then the shapes of its operands", NULL);
    }
    code = start();
    if (code != 0) {
        return code;
    }
    w.args.in = w.in;
    w.args.attributes = w.attribute;
    w.args.fn = print_answer;
    w.args.ctx = &headed;
    if (dnn_explain_op(w.args) != DNN_OK) {
        fprintf(stderr, "dnn explain: %s\n", dnn_error_message());
        return 1;
    }
    return 0;
}
