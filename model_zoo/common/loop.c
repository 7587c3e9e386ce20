/* loop.c - trains epoch after epoch, evaluates each, saves checkpoints, ends after a signal. */
#include <math.h>
#include "checkpoint.h"
#include "exit_codes.h"
#include "loop.h"
#include "step.h"
#include "stop.h"

static int64_t batches_of(const zoo_run *r, const dnn_loader *loader)
{
    int64_t n = dnn_loader_batches(loader), limit = r->options.limit_batches;

    return limit > 0 && limit < n ? limit : n;
}

static int evaluate(zoo_run *r)
{
    int64_t batches = batches_of(r, r->test);
    dnn_batch batch;
    dnn_status status;

    r->now.val = (zoo_result){0};
    dnn_module_eval(r->net);
    status = dnn_loader_rewind(r->test, 0);
    if (status != DNN_OK) {
        return zoo_run_fail(r, status);
    }
    for (int64_t i = 0; i < batches && dnn_loader_next(r->test, &batch); i++) {
        status = zoo_step_evaluate(r->net, &batch, &r->now.val);

        if (status != DNN_OK) {
            return zoo_run_fail(r, status);
        }
    }
    dnn_module_train(r->net, true);
    return zoo_run_check(r, DNN_OK);
}

/* ---- one epoch ---- */

static int fail_diverged(zoo_run *r)
{
    zoo_error(
        &r->report.messages, "diverged",
        "the loss is %g at step %lld with learning rate %g: the run has diverged; a smaller --lr "
        "may help",
        zoo_plain(r->now.train.loss), (long long)r->now.step, r->now.lr);
    return ZOO_DIVERGED;
}

/* Updates the times after `done` batches with `seen` samples since `began`; `left` batches of the
 * epoch remain. */
static void update_times(zoo_run *r, double began, int64_t seen, int64_t done, int64_t left)
{
    double seconds = zoo_now() - began, each = seconds / (double)done;
    int64_t batches = batches_of(r, r->train), epochs = r->now.epochs - r->now.epoch;

    r->now.seconds = seconds;
    r->now.samples_per_second = seconds > 0 ? (double)seen / seconds : 0;
    r->now.eta_seconds = each * ((double)left + (double)batches * (double)epochs);
}

static int train_batch(zoo_run *r, const dnn_batch *batch)
{
    dnn_status status = zoo_step_train(r->net, r->optimizer, batch, &r->now.train);

    if (status != DNN_OK) {
        return zoo_run_fail(r, status);
    }
    r->now.step++;
    return isfinite(r->now.train.loss) ? ZOO_GO_ON : fail_diverged(r);
}

/* Saves after a signal, or if --save-every requires it. Not called after the last batch: the end of
 * the epoch saves. */
static int save_within_epoch(zoo_run *r)
{
    if (zoo_stop_signal() != 0) {
        int code = zoo_checkpoint_save(r, false);

        return code == ZOO_GO_ON ? ZOO_INTERRUPTED + zoo_stop_signal() : code;
    }
    return r->options.save_every > 0 && r->now.step % r->options.save_every == 0
               ? zoo_checkpoint_save(r, false)
               : ZOO_GO_ON;
}

/* Trains the epoch from batch `first`, which is 0 unless the epoch is resumed. */
static int train_epoch(zoo_run *r, int64_t first)
{
    int64_t batches = batches_of(r, r->train), seen;
    double began = zoo_now();
    int code = ZOO_GO_ON;
    dnn_batch batch;

    if (first == 0) {
        r->now.train = (zoo_result){0};
        dnn_status status = dnn_loader_rewind(r->train, r->now.epoch - 1);

        if (status != DNN_OK) {
            return zoo_run_fail(r, status);
        }
    }
    seen = r->now.train.seen;
    for (int64_t i = first; i < batches && code == ZOO_GO_ON && dnn_loader_next(r->train, &batch);
         i++) {
        code = train_batch(r, &batch);
        if (code != ZOO_GO_ON) {
            return code;
        }
        update_times(r, began, r->now.train.seen - seen, i + 1 - first, batches - i - 1);
        zoo_report_batch(&r->report, &r->now, i + 1, batches);
        code = i + 1 < batches ? save_within_epoch(r) : ZOO_GO_ON;
    }
    return code == ZOO_GO_ON ? zoo_run_check(r, DNN_OK) : code;
}

/* Saves the weights if this epoch is the best so far. */
static int keep_best(zoo_run *r)
{
    if (r->best.epoch > 0 && r->now.val.accuracy <= r->best.val.accuracy) {
        return ZOO_GO_ON;
    }
    r->best = r->now;
    return zoo_checkpoint_save(r, true);
}

/* Evaluates, reports and saves. A signal during the epoch ends the run here. */
static int end_epoch(zoo_run *r)
{
    int code = evaluate(r);

    if (code == ZOO_GO_ON) {
        zoo_report_epoch(&r->report, &r->now);
        r->epochs_done = r->now.epoch;
        code = keep_best(r);
    }
    if (code == ZOO_GO_ON) {
        code = zoo_checkpoint_save(r, false);
    }
    return code == ZOO_GO_ON && zoo_stop_signal() != 0 ? ZOO_INTERRUPTED + zoo_stop_signal() : code;
}

/* ---- all epochs ---- */

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

bool zoo_loop_trains(const zoo_run *r)
{
    return !r->options.eval && r->epochs_done < r->options.epochs;
}

int zoo_loop(zoo_run *r)
{
    int code;

    if (zoo_loop_trains(r)) {
        return train(r);
    }
    if (r->from[0] != 0) {
        zoo_warning(&r->report.messages, "resume",
                    "all %lld epochs of the run are done; --epochs N continues to epoch N",
                    (long long)r->epochs_done);
        r->now.epoch = r->epochs_done;
    }
    code = evaluate(r);
    return code == ZOO_GO_ON ? ZOO_DONE : code;
}
