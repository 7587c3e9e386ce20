/* train.c - the loop that all training programs share: start, build, train, evaluate, end. */
#include <math.h>
#include <stdio.h>
#include "train.h"

static int fail_with(zoo_run *r, dnn_status status)
{
    zoo_report_error(&r->report, dnn_status_name(status), "%s", dnn_error_message());
    return ZOO_FAILED;
}

/* What a call returned, or what waits in the thread: go on, or end with its message. */
static int check(zoo_run *r, dnn_status status)
{
    if (status == DNN_OK) {
        status = dnn_scope_status();
    }
    return status == DNN_OK ? ZOO_GO_ON : fail_with(r, status);
}

/* ---- setting up ---- */

static int start_library(zoo_run *r)
{
    dnn_status status;

    if (r->options.threads > 0) {
        status = dnn_set_threads(r->options.threads);
        if (status != DNN_OK) {
            return fail_with(r, status);
        }
    }
    if (r->options.anomaly) {
        dnn_set_anomaly(true);
    }
    status = dnn_init(r->options.backend);
    if (status != DNN_OK) {
        fail_with(r, status);
        return status == DNN_E_DEVICE ? ZOO_BACKEND : ZOO_FAILED;
    }
    return ZOO_GO_ON;
}

static int build(zoo_run *r)
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

static dnn_status train_batch(zoo_run *r, const dnn_batch *batch)
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

static dnn_status evaluate_batch(zoo_run *r, const dnn_batch *batch)
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

static int64_t batches_of(const zoo_run *r, const dnn_loader *loader)
{
    int64_t n = dnn_loader_batches(loader), limit = r->options.limit_batches;

    return limit > 0 && limit < n ? limit : n;
}

static int evaluate(zoo_run *r)
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

static int diverged(zoo_run *r)
{
    zoo_report_error(
        &r->report, "diverged",
        "the loss is %g at step %lld with learning rate %g: the run has diverged; a smaller --lr "
        "may help",
        r->now.train.loss, (long long)r->now.step, r->now.lr);
    return ZOO_DIVERGED;
}

/* seen: samples since `began`. */
static void keep_time(zoo_run *r, double began, int64_t seen, int64_t done, int64_t left)
{
    double seconds = zoo_now() - began, each = seconds / (double)done;
    int64_t batches = batches_of(r, r->train), epochs = r->now.epochs - r->now.epoch;

    r->now.seconds = seconds;
    r->now.samples_per_second = seconds > 0 ? (double)seen / seconds : 0;
    r->now.eta_seconds = each * ((double)left + (double)batches * (double)epochs);
}

/* Behind the last batch of an epoch comes its end, with a checkpoint of its own. */
static int save_within_epoch(zoo_run *r)
{
    if (zoo_stop_signal() != 0) {
        int code = zoo_save(r, false);

        return code == ZOO_GO_ON ? ZOO_INTERRUPTED + zoo_stop_signal() : code;
    }
    return r->options.save_every > 0 && r->now.step % r->options.save_every == 0
               ? zoo_save(r, false)
               : ZOO_GO_ON;
}

/* From batch `first` on: 0, or where the checkpoint stood. */
static int train_epoch(zoo_run *r, int64_t first)
{
    int64_t batches = batches_of(r, r->train), seen;
    double began = zoo_now();
    int code = ZOO_GO_ON;
    dnn_batch batch;

    if (first == 0) {
        r->now.train = (zoo_result){0};
        dnn_loader_rewind(r->train, r->now.epoch - 1);
    }
    seen = r->now.train.seen;
    for (int64_t i = first; i < batches && code == ZOO_GO_ON && dnn_loader_next(r->train, &batch);
         i++) {
        dnn_status status = train_batch(r, &batch);

        if (status != DNN_OK) {
            return fail_with(r, status);
        }
        r->now.step++;
        if (!isfinite(r->now.train.loss)) {
            return diverged(r);
        }
        keep_time(r, began, r->now.train.seen - seen, i + 1 - first, batches - i - 1);
        zoo_report_batch(&r->report, &r->now, i + 1, batches);
        code = i + 1 < batches ? save_within_epoch(r) : ZOO_GO_ON;
    }
    return code == ZOO_GO_ON ? check(r, DNN_OK) : code;
}

/* The best epoch so far, and its weights. */
static int keep_best(zoo_run *r)
{
    if (r->best.epoch > 0 && r->now.val.accuracy <= r->best.val.accuracy) {
        return ZOO_GO_ON;
    }
    r->best = r->now;
    return zoo_save(r, true);
}

/* Evaluates, reports and saves; a signal that came in the meantime ends the run here. */
static int end_epoch(zoo_run *r)
{
    int code = evaluate(r);

    if (code == ZOO_GO_ON) {
        zoo_report_epoch(&r->report, &r->now);
        r->epochs_done = r->now.epoch;
        code = keep_best(r);
    }
    if (code == ZOO_GO_ON) {
        code = zoo_save(r, false);
    }
    return code == ZOO_GO_ON && zoo_stop_signal() != 0 ? ZOO_INTERRUPTED + zoo_stop_signal() : code;
}

static int train(zoo_run *r)
{
    int64_t first = r->first_batch;

    r->now.epochs = r->options.epochs;
    r->now.lr = r->options.lr;
    for (r->now.epoch = r->epochs_done + 1; r->now.epoch <= r->now.epochs; r->now.epoch++) {
        int code = train_epoch(r, first);

        first = 0;
        if (code == ZOO_GO_ON) {
            code = end_epoch(r);
        }
        if (code != ZOO_GO_ON) {
            return code;
        }
    }
    r->now.epoch = r->now.epochs;
    return ZOO_DONE;
}

static bool has_to_train(const zoo_run *r)
{
    return !r->options.eval && r->epochs_done < r->options.epochs;
}

/* A run that is taken up at its end has its result still to be shown. */
static int train_or_evaluate(zoo_run *r)
{
    if (has_to_train(r)) {
        return train(r);
    }
    if (r->from[0] != 0) {
        zoo_report_warning(&r->report, "resume",
                           "all %lld epochs of the run are done; --epochs N goes on to the N-th",
                           (long long)r->epochs_done);
        r->now.epoch = r->epochs_done;
    }
    return evaluate(r);
}

static int prepare(zoo_run *r)
{
    int code = start_library(r);

    if (code == ZOO_GO_ON) {
        code = zoo_resume_find(r);
    }
    if (code == ZOO_GO_ON) {
        dnn_manual_seed(r->options.seed); /* which the checkpoint may have told */
        code = zoo_locate(r->program, &r->options, &r->report, &r->data);
    }
    if (code == ZOO_GO_ON) {
        code = build(r);
    }
    return code == ZOO_GO_ON ? zoo_resume_load(r) : code;
}

static int work(zoo_run *r)
{
    int code = prepare(r);

    if (code == ZOO_GO_ON && has_to_train(r)) { /* before it is said that the run begins */
        zoo_stop_catch();
    }
    if (code == ZOO_GO_ON) {
        code = zoo_report_start(&r->report, &r->data, dnn_module_parameter_count(r->net),
                                r->from[0] != 0 ? r->from : NULL, r->now.step);
    }
    if (code == ZOO_GO_ON) {
        code = train_or_evaluate(r);
        if (code == ZOO_GO_ON || code == ZOO_DONE) {
            zoo_report_eval(&r->report, &r->now.val);
            code = ZOO_DONE;
        }
    }
    return code;
}

/* What a person does next. */
static void say_interrupted(const zoo_run *r)
{
    if (r->options.log_dir == NULL) {
        fprintf(stderr,
                "%s: ended by a signal behind step %lld; nothing was saved (with --log-dir DIR it "
                "is)\n",
                r->program->name, (long long)r->now.step);
        return;
    }
    fprintf(stderr, "%s: ended by a signal; step %lld is saved. This goes on from there:\n",
            r->program->name, (long long)r->now.step);
    zoo_options_print_resume(r->command, &r->options);
}

static void clean_up(zoo_run *r)
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
    static zoo_run r; /* one run per process */
    int code;

    r.program = program;
    r.command = argv[0];
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
        zoo_report_end(&r.report, code, &r.best, &r.now, r.best_path[0] != 0 ? r.best_path : NULL);
        if (code >= ZOO_INTERRUPTED) {
            say_interrupted(&r);
        }
        dnn_shutdown();
    }
    return zoo_report_close(&r.report, code);
}
