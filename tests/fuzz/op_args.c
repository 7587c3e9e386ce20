/* op_args.c - fuzz target: a row of the operator table, called with operands, attributes and
 * targets that the bytes choose; or a public function (calls.c). No input may end the process; a
 * refusal has a code and a message that begins with the operator's name, and leaves every operand
 * bit for bit as it was. What is accepted runs, and its gradient now and then. */
#include <string.h>
#include "operands.h"

enum { MANY = 1 << 16, CAP_BYTES = 1 << 21 };

/* ---- attributes ---- */

static void set_member(fuzz_bytes *b, const dnn__attribute *m, bool usual, char *at)
{
    int64_t whole = usual ? (int64_t)m->value : fuzz_number(b);

    if (m->type == DNN__F64) {
        double real = usual ? m->value : fuzz_real(b);

        memcpy(at, &real, sizeof real);
    } else if (m->type == DNN__I64) {
        memcpy(at, &whole, sizeof whole);
    } else {
        int32_t narrow = (int32_t)whole;

        memcpy(at, &narrow, sizeof narrow);
    }
}

static const void *attributes(fuzz_bytes *b, const dnn__op *op, uint64_t *room)
{
    bool all_usual = fuzz_one_in(b, 2);
    const dnn__attribute *m;

    if (op->attr_bytes == 0) {
        return NULL;
    }
    memset(room, 0, op->attr_bytes);
    memcpy(room, &op->attr_bytes, sizeof op->attr_bytes);
    for (int i = 0; (m = dnn__attribute_at(op, i)) != NULL; i++) {
        set_member(b, m, all_usual || fuzz_below(b, 4) > 0, (char *)room + m->offset);
    }
    return room;
}

/* ---- operands and targets ---- */

/* A row that changes its inputs: numbers, then parameter, gradient, buffer; or anything. */
static void mutating_operands(fuzz_call *c, dnn__request *rq)
{
    int n = 1 + (int)fuzz_below(&c->bytes, 3);

    rq->n_in = 2 + 3 * n - fuzz_one_in(&c->bytes, 16);
    rq->n_out = 2 * n - fuzz_one_in(&c->bytes, 16);
    for (int i = 0; i < rq->n_in; i++) {
        bool number = i < 2 && !fuzz_one_in(&c->bytes, 16);
        bool alike = i > 2 && !fuzz_one_in(&c->bytes, 8);

        rq->in[i] = number  ? dnn_scalar(0.5, .dtype = DNN_T_F64)
                    : alike ? rq->in[2] != NULL ? fuzz_alike(c, rq->in[2]) : NULL
                            : fuzz_operand(c);
    }
    for (int i = 0; i < rq->n_out; i++) {
        int from = 2 + i / 2 * 3 + i % 2 * 2;

        rq->out[i] =
            from >= rq->n_in || fuzz_one_in(&c->bytes, 32) ? fuzz_operand(c) : rq->in[from];
    }
}

static dnn_tensor *target(fuzz_call *c, const dnn__request *rq, bool needed)
{
    unsigned how = fuzz_below(&c->bytes, 8);

    if (!needed && how < 4) {
        return NULL;
    }
    if (how == 4 && rq->n_in > 0) {
        return rq->in[fuzz_below(&c->bytes, (unsigned)rq->n_in)];
    }
    if (how == 5) {
        return fuzz_overlapping(c);
    }
    if (how == 6 && c->n_made > 0) {
        return fuzz_alike(c, c->made[fuzz_below(&c->bytes, (unsigned)c->n_made)]);
    }
    return needed || how == 7 ? fuzz_some_operand(c) : NULL;
}

static void operands(fuzz_call *c, const dnn__op *op, dnn__request *rq)
{
    bool mutates = (op->traits & DNN__MUTATES) != 0;

    if (op->n_in < 0 && mutates) {
        mutating_operands(c, rq);
        return;
    }
    rq->n_in = op->n_in >= 0 ? op->n_in : 1 + (int)fuzz_below(&c->bytes, 11);
    rq->n_out = op->n_out;
    for (int i = 0; i < rq->n_in; i++) {
        bool left_out = (op->optional >> i & 1) != 0 && fuzz_one_in(&c->bytes, 2);

        rq->in[i] = left_out ? NULL : fuzz_operand(c);
    }
    for (int i = 0; i < rq->n_out; i++) {
        rq->out[i] = target(c, rq, mutates && !fuzz_one_in(&c->bytes, 16));
    }
    rq->want = 1 | fuzz_below(&c->bytes, 1u << DNN__RESULTS); /* the first result is always made */
}

/* ---- the call ---- */

/* A right call on absurd sizes would compute for hours: it is checked and planned only. */
static bool is_long(const dnn__request *rq)
{
    for (int i = 0; i < rq->n_in; i++) {
        if (rq->in[i] != NULL && dnn__numel(rq->in[i]) > MANY) {
            return true;
        }
    }
    return false;
}

static void call_row(fuzz_call *c, const dnn__op *op)
{
    dnn_tensor *in[FUZZ_OPERANDS] = {NULL}, *out[FUZZ_OPERANDS] = {NULL};
    uint64_t attr[16];
    dnn__request rq = {.op = (dnn__op_id)op->id, .in = in, .out = out};
    dnn_status status;

    c->name = op->name;
    if ((op->accepts & c->dtype & (DNN_T_F16 | DNN_T_BF16)) != 0 || (op->accepts & c->dtype) == 0) {
        c->dtype = fuzz_one_in(&c->bytes, 8) ? c->dtype : DNN_T_F64; /* most calls get that far */
    }
    rq.attr = attributes(&c->bytes, op, attr);
    operands(c, op, &rq);
    rq.plan_only = is_long(&rq);
    status = dnn__dispatch(&rq);
    if (status != DNN_OK) {
        fuzz_judge_refusal(c, op->name, status);
        return;
    }
    fuzz_count.accepted++;
    fuzz_count.of_row[op->id]++;
    fuzz_count.planned += rq.plan_only;
    if (!rq.plan_only && rq.n_out > 0) {
        fuzz_go_back(c, out[0]);
    }
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    setenv("DNN_PLUGIN_PATH", DNN_TEST_PLUGIN_DIR, 0);
    setenv("DNN_BACKEND", "cpu_blas", 0);
    FUZZ_CHECK(dnn_init(NULL) == DNN_OK && dnn_set_memory_cap("cpu", CAP_BYTES) == DNN_OK, "%s",
               dnn_error_message());
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_call c;

    fuzz_operands_start(&c, data, size);
    fuzz_count.calls++;
    {
        DNN_SCOPE();
        unsigned row = fuzz_byte(&c.bytes);
        bool recorded = !fuzz_one_in(&c.bytes, 4);

        dnn_grad_mode mode = recorded ? dnn_enable_grad_begin() : dnn_no_grad_begin();

        if (row < DNN__N_OPS && (dnn__ops[row].traits & DNN__IS_VIEW) == 0) {
            call_row(&c, &dnn__ops[row]);
        } else {
            fuzz_public_call(&c);
        }
        dnn_grad_mode_end(&mode);
    }
    FUZZ_CHECK(dnn_take_error() == DNN_OK, "%s: an error is left: %s", c.name, dnn_error_message());
    FUZZ_CHECK(dnn_live_tensors() == 0 && dnn_live_bytes(NULL) == 0,
               "%s: %lld tensors and %lld bytes are alive", c.name, (long long)dnn_live_tensors(),
               (long long)dnn_live_bytes(NULL));
    return 0;
}

void fuzz_summary(FILE *out)
{
    fprintf(out,
            "op_args: calls=%llu accepted=%llu planned_only=%llu backwards=%llu refused=%llu (",
            (unsigned long long)fuzz_count.calls, (unsigned long long)fuzz_count.accepted,
            (unsigned long long)fuzz_count.planned, (unsigned long long)fuzz_count.backwards,
            (unsigned long long)fuzz_count.refused);
    for (int i = 1; i <= -DNN_E_FORMAT; i++) {
        fprintf(out, "%s%s=%llu", i > 1 ? " " : "", dnn_status_name(-i),
                (unsigned long long)fuzz_count.by_status[i]);
    }
    fprintf(out, ")\nrows that never ran:");
    for (int i = 0; i < DNN__N_OPS; i++) {
        if (fuzz_count.of_row[i] == 0 && (dnn__ops[i].traits & DNN__IS_VIEW) == 0) {
            fprintf(out, " %s", dnn__ops[i].name);
        }
    }
    fprintf(out, "\n");
}
