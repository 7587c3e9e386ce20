/* train.c - the loop that all training programs share: start, build, train, evaluate, end. */
#include <math.h>
#include <stdio.h>
#include "train.h"

typedef struct run { /* all that a run owns */
    const zoo_program *program;
    zoo_options options;
    zoo_report report;
    zoo_data data;
    dnn_dataset *train_set, *test_set; /* normalised */
    dnn_loader *train, *test;
    dnn_module *net;
    dnn_optimizer *optimizer;
    zoo_epoch now, best;
    char saved[4200];
} run;

static int fail_with(run *r, dnn_status status)
{
    zoo_report_error(&r->report, dnn_status_name(status), "%s", dnn_error_message());
    return ZOO_FAILED;
}

/* What a call returned, or what waits in the thread: go on, or end with its message. */
static int check(run *r, dnn_status status)
{
    if (status == DNN_OK) {
        status = dnn_scope_status();
    }
    return status == DNN_OK ? ZOO_GO_ON : fail_with(r, status);
}

/* ---- setting up ---- */

static int start_library(run *r)
{
    dnn_status status;

    if (r->options.threads > 0) {
        status = dnn_set_threads(r->options.threads);
        if (status != DNN_OK) {
            return fail_with(r, status);
        }
    }
    status = dnn_init(r->options.backend);
    if (status != DNN_OK) {
        fail_with(r, status);
        return status == DNN_E_DEVICE ? ZOO_BACKEND : ZOO_FAILED;
    }
    dnn_manual_seed(r->options.seed);
    return ZOO_GO_ON;
}

static int build(run *r)
{
    const zoo_program *p = r->program;
    const zoo_options *o = &r->options;

    int code;

    r->net = p->build(zoo_data_classes(&r->data));
    code = check(r, dnn_module_to(r->net, 0, dnn_default_device()));
    if (code != ZOO_GO_ON) {
        return code;
    }
    if (o->init != NULL && dnn_load_weights(r->net, o->init) != DNN_OK) {
        zoo_report_error(&r->report, "init", "%s", dnn_error_message());
        return ZOO_DATA;
    }
    r->train_set = dnn_dataset_normalize(r->data.train, 0, p->mean, p->std, p->channels);
    r->test_set = dnn_dataset_normalize(r->data.test, 0, p->mean, p->std, p->channels);
    r->train = dnn_loader_new(r->train_set, .batch_size = o->batch, .shuffle = true,
                              .workers = o->workers, .seed = o->seed);
    r->test = dnn_loader_new(r->test_set, .batch_size = 256, .workers = o->workers);
    r->optimizer = dnn_sgd(dnn_parameters(r->net), o->lr, .momentum = p->momentum);
    return check(r, DNN_OK);
}

/* ---- training and evaluating ---- */

/* Adds a batch of mean loss `loss` to the running means. */
static void add_batch(zoo_result *result, double loss, double hits, int64_t n)
{
    double seen = (double)result->seen, size = (double)n;

    result->loss = (result->loss * seen + loss * size) / (seen + size);
    result->accuracy = (result->accuracy * seen + hits) / (seen + size);
    result->seen += n;
}

/* How many answers are right. */
static dnn_status count_hits(dnn_tensor *answer, dnn_tensor *target, double *hits)
{
    dnn_status status = DNN_OK;

    DNN_NO_GRAD
    {
        status = dnn_item(dnn_sum(dnn_eq(dnn_argmax(answer, 1), target)), hits);
    }
    return status;
}

static dnn_status train_batch(run *r, const dnn_batch *batch)
{
    DNN_SCOPE
    {
        dnn_tensor *answer = dnn_forward(r->net, batch->input);
        dnn_tensor *loss = dnn_cross_entropy(answer, batch->target);
        double value, hits;

        DNN_TRY(dnn_zero_grad(r->optimizer));
        DNN_TRY(dnn_backward(loss));
        DNN_TRY(dnn_step(r->optimizer));
        DNN_TRY(dnn_item(loss, &value));
        DNN_TRY(count_hits(answer, batch->target, &hits));
        add_batch(&r->now.train, value, hits, batch->size);
    }
    return DNN_OK;
}

static dnn_status evaluate_batch(run *r, const dnn_batch *batch)
{
    DNN_NO_GRAD
    {
        dnn_tensor *answer = dnn_forward(r->net, batch->input);
        double value, hits;

        DNN_TRY(dnn_item(dnn_cross_entropy(answer, batch->target), &value));
        DNN_TRY(count_hits(answer, batch->target, &hits));
        add_batch(&r->now.val, value, hits, batch->size);
    }
    return DNN_OK;
}

static int64_t batches_of(const run *r, const dnn_loader *loader)
{
    int64_t n = dnn_loader_batches(loader), limit = r->options.limit_batches;

    return limit > 0 && limit < n ? limit : n;
}

static int evaluate(run *r)
{
    int64_t batches = batches_of(r, r->test);
    dnn_batch batch;

    r->now.val = (zoo_result){0};
    dnn_module_eval(r->net);
    dnn_loader_rewind(r->test, 0);
    for (int64_t i = 0; i < batches && dnn_loader_next(r->test, &batch); i++) {
        dnn_status status = evaluate_batch(r, &batch);

        if (status != DNN_OK) {
            return fail_with(r, status);
        }
    }
    dnn_module_train(r->net, true);
    return check(r, DNN_OK);
}

static int diverged(run *r)
{
    zoo_report_error(
        &r->report, "diverged",
        "the loss is %g at step %lld with learning rate %g: the run has diverged; a smaller --lr "
        "may help",
        r->now.train.loss, (long long)r->now.step, r->now.lr);
    return ZOO_DIVERGED;
}

static void keep_time(run *r, double began, int64_t batch, int64_t batches)
{
    double seconds = zoo_now() - began, whole = seconds / (double)batch * (double)batches;

    r->now.seconds = seconds;
    r->now.samples_per_second = seconds > 0 ? (double)r->now.train.seen / seconds : 0;
    r->now.eta_seconds = whole - seconds + whole * (double)(r->now.epochs - r->now.epoch);
}

static int train_epoch(run *r)
{
    int64_t batches = batches_of(r, r->train);
    double began = zoo_now();
    dnn_batch batch;

    r->now.train = (zoo_result){0};
    dnn_loader_rewind(r->train, r->now.epoch - 1);
    for (int64_t i = 0; i < batches && dnn_loader_next(r->train, &batch); i++) {
        dnn_status status = train_batch(r, &batch);

        if (status != DNN_OK) {
            return fail_with(r, status);
        }
        r->now.step++;
        if (!isfinite(r->now.train.loss)) {
            return diverged(r);
        }
        keep_time(r, began, i + 1, batches);
        zoo_report_batch(&r->report, &r->now, i + 1, batches);
    }
    return check(r, DNN_OK);
}

/* The weights of the best epoch so far, and the epoch. */
static int keep_best(run *r)
{
    if (r->best.epoch > 0 && r->now.val.accuracy <= r->best.val.accuracy) {
        return ZOO_GO_ON;
    }
    r->best = r->now;
    if (r->options.log_dir == NULL) {
        return ZOO_GO_ON;
    }
    snprintf(r->saved, sizeof r->saved, "%s/best.safetensors", r->options.log_dir);
    return check(r, dnn_save_weights(r->net, r->saved));
}

static int train(run *r)
{
    r->now.epochs = r->options.epochs;
    r->now.lr = r->options.lr;
    for (r->now.epoch = 1; r->now.epoch <= r->now.epochs; r->now.epoch++) {
        int code = train_epoch(r);

        if (code == ZOO_GO_ON) {
            code = evaluate(r);
        }
        if (code == ZOO_GO_ON) {
            zoo_report_epoch(&r->report, &r->now);
            code = keep_best(r);
        }
        if (code != ZOO_GO_ON) {
            return code;
        }
    }
    r->now.epoch = r->now.epochs;
    return ZOO_DONE;
}

static int work(run *r)
{
    int code = start_library(r);

    if (code == ZOO_GO_ON) {
        code = zoo_locate(r->program, &r->options, &r->data);
    }
    if (code == ZOO_GO_ON) {
        code = build(r);
    }
    if (code != ZOO_GO_ON) {
        return code;
    }
    code = zoo_report_start(&r->report, &r->data, dnn_module_parameter_count(r->net));
    if (code != ZOO_GO_ON) {
        return code;
    }
    if (!r->options.eval && r->options.epochs > 0) {
        code = train(r);
    } else {
        code = evaluate(r);
    }
    if (code == ZOO_GO_ON || code == ZOO_DONE) {
        zoo_report_eval(&r->report, &r->now.val);
        code = ZOO_DONE;
    }
    return code;
}

static void clean_up(run *r)
{
    dnn_optimizer_free(r->optimizer);
    dnn_loader_free(r->train);
    dnn_loader_free(r->test);
    dnn_dataset_release(r->train_set);
    dnn_dataset_release(r->test_set);
    zoo_data_close(&r->data);
    dnn_module_free(r->net);
}

int zoo_main(int argc, char **argv, const zoo_program *program)
{
    static run r; /* one run per process */
    int code;

    r.program = program;
    code = zoo_options_read(argc, argv, program, &r.options);
    if (code != ZOO_GO_ON) {
        return code;
    }
    code = zoo_report_open(&r.report, program, &r.options);
    if (code == ZOO_GO_ON) {
        DNN_SCOPE
        {
            code = work(&r);
            clean_up(&r);
        }
        zoo_report_end(&r.report, code, &r.best, &r.now, r.saved[0] != 0 ? r.saved : NULL);
        dnn_shutdown();
    }
    return zoo_report_close(&r.report, code);
}
