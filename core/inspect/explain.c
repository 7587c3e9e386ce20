/* explain.c - calls an operator by its name on zeros, so that a person sees which kernels dispatch
 * asks and which one it selects. The dnn command calls it. The call goes through dispatch as any
 * other; nothing here selects a kernel. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "dnn/autograd.h"
#include "call.h"
#include "dispatch_state.h"
#include "op.h"

static dnn_status set_member(const char *op, const dnn__attribute *m, void *attr, double value)
{
    char *at = (char *)attr + m->offset;

    if (m->type != DNN__F64 &&
        (value != (double)(int64_t)value ||
         (m->type != DNN__I64 && (value < INT32_MIN || value > INT32_MAX)))) {
        return dnn__fail(DNN_E_INVALID, "%s: %s=%s is not a whole number that fits", op, m->name,
                         dnn__float_text(value));
    }
    switch (m->type) {
    case DNN__I32:
        *(int32_t *)(void *)at = (int32_t)value;
        break;
    case DNN__U32:
        *(uint32_t *)(void *)at = (uint32_t)(int32_t)value;
        break;
    case DNN__I64:
        *(int64_t *)(void *)at = (int64_t)value;
        break;
    default:
        *(double *)(void *)at = value;
        break;
    }
    return DNN_OK;
}

/* Does the key name the member? "stride=2" sets stride, and stride_h and stride_w; "pad=1" sets all
 * members that begin with "pad_". */
static bool names_member(const char *key, size_t length, const char *member)
{
    return strncmp(key, member, length) == 0 && (member[length] == 0 || member[length] == '_');
}

/* Sets the attributes that a word "KEY=NUMBER" names. */
static dnn_status set_word(const dnn__op *op, void *attr, const char *word)
{
    const dnn__attribute *m;
    size_t length = strcspn(word, "=");
    char names[300], *end;
    dnn__text text = dnn__text_to(names, sizeof names);
    double value;
    bool found = false;

    errno = 0;
    value = word[length] == '=' ? dnn__strtod(word + length + 1, &end) : 0;
    if (word[length] != '=' || end == word + length + 1 || *end != 0 || errno != 0) {
        return dnn__fail(DNN_E_INVALID, "%s: \"%s\" is not KEY=NUMBER", op->name, word);
    }
    for (int i = 0; (m = dnn__attribute_at(op, i)) != NULL; i++) {
        dnn__put(&text, " %s", m->name);
        if (length > 0 && names_member(word, length, m->name)) {
            DNN_TRY(set_member(op->name, m, attr, value));
            found = true;
        }
    }
    if (!found) {
        return dnn__fail(DNN_E_INVALID, "%s has no attribute %.*s; it has%s", op->name, (int)length,
                         word, text.length > 0 ? names : " none");
    }
    return DNN_OK;
}

/* Sets all attributes to their defaults, then those that the words name. */
static dnn_status make_attributes(const dnn__op *op, const char *const *words, void *attr)
{
    const dnn__attribute *m;

    if (op->attr_bytes > 0) {
        memcpy(attr, &op->attr_bytes, sizeof op->attr_bytes);
    }
    for (int i = 0; (m = dnn__attribute_at(op, i)) != NULL; i++) {
        DNN_TRY(set_member(op->name, m, attr, m->value));
    }
    for (; words != NULL && *words != NULL; words++) {
        DNN_TRY(set_word(op, attr, *words));
    }
    return DNN_OK;
}

static dnn_tensor *make_operand(const dnn_operand *operand, bool grad)
{
    dnn_dtype dtype = operand->dtype != 0 ? operand->dtype : DNN_T_F32;

    return dnn_zeros(operand->shape, .dtype = dtype,
                     .requires_grad = grad && (dtype & DNN__FLOATS) != 0);
}

enum { MAX_OPERANDS = 64 };

static dnn_status call(const dnn__op *op, const dnn_explain_args *a, const void *attr)
{
    dnn_tensor *in[MAX_OPERANDS], *out[DNN__RESULTS] = {NULL};
    dnn__request request = {.op = (dnn__op_id)op->id,
                            .n_in = a->n_in,
                            .n_out = op->n_out > 0 ? op->n_out : 1,
                            .in = in,
                            .out = out,
                            .want = op->n_out > 0 ? (1u << op->n_out) - 1 : 1,
                            .attr = op->attr_bytes > 0 ? attr : NULL};
    dnn_explain_fn before = dnn__dispatch_self.explain;
    void *before_ctx = dnn__dispatch_self.explain_ctx;
    dnn_status st;

    for (int i = 0; i < a->n_in; i++) {
        in[i] = a->in[i].left_out ? NULL : make_operand(&a->in[i], a->grad && a->out == NULL);
    }
    if (a->out != NULL) {
        out[0] = make_operand(a->out, false);
        request.want = 0;
    }
    DNN_TRY(dnn__take());
    dnn_explain(a->fn, a->ctx);
    st = dnn__call_request(&request);
    if (st == DNN_OK && a->grad) {
        st = dnn_backward_from(out[0], dnn_ones_like(out[0]));
    }
    dnn_explain(before, before_ctx);
    return st;
}

dnn_status dnn_explain_op(dnn_explain_args args)
{
    const dnn__op *op = args.op != NULL ? dnn__op_named(args.op) : NULL;
    uint64_t attr[16] = {0};
    int most;
    dnn_status st = DNN_OK;

    DNN_TRY(dnn__take());
    if (op == NULL) {
        return dnn__no_operator(DNN_E_INVALID, NULL, args.op != NULL ? args.op : "(NULL)");
    }
    if ((op->traits & DNN__IS_VIEW) != 0) {
        return dnn__fail(DNN_E_INVALID, "%s is a view: it needs no kernel", op->name);
    }
    most = op->n_in >= 0 ? op->n_in : MAX_OPERANDS;
    if (args.n_in < 0 || args.n_in > most) {
        return dnn__fail(DNN_E_INVALID, "%s takes at most %d operands%s%s, not %d", op->name, most,
                         most > 0 ? ": " : "", most > 0 ? op->names : "", args.n_in);
    }
    DNN_TRY(make_attributes(op, args.attributes, attr));
    {
        DNN_SCOPE();
        dnn_operand in[MAX_OPERANDS];

        /* Operands that the caller does not give are left out; dispatch refuses it where they are
         * not optional. */
        for (int i = 0; i < MAX_OPERANDS; i++) {
            in[i] = i < args.n_in ? args.in[i] : (dnn_operand){.left_out = true};
        }
        args.in = in;
        args.n_in = op->n_in >= 0 ? op->n_in : args.n_in;
        st = call(op, &args, attr);
    }
    return st;
}
