/* run.c - builds the objects of a run, and frees them. */
#include "exit_codes.h"
#include "run.h"

int zoo_run_fail(zoo_run *r, dnn_status status)
{
    zoo_error(&r->report.messages, dnn_status_name(status), "%s", dnn_error_message());
    return ZOO_FAILED;
}

int zoo_run_check(zoo_run *r, dnn_status status)
{
    if (status == DNN_OK) {
        status = dnn_take_error();
    }
    return status == DNN_OK ? ZOO_GO_ON : zoo_run_fail(r, status);
}

int zoo_run_start_library(zoo_run *r)
{
    dnn_status status;

    if (r->options.threads > 0) {
        status = dnn_set_threads(r->options.threads);
        if (status != DNN_OK) {
            return zoo_run_fail(r, status);
        }
    }
    if (r->options.anomaly) {
        dnn_set_anomaly(true);
    }
    status = dnn_init(r->options.backend);
    if (status != DNN_OK) {
        zoo_run_fail(r, status);
        return status == DNN_E_DEVICE ? ZOO_BACKEND : ZOO_FAILED;
    }
    return ZOO_GO_ON;
}

static int build_net(zoo_run *r)
{
    const char *init = r->options.init;
    int code;

    r->net = r->program->build(zoo_data_classes(&r->data));
    code = zoo_run_check(r, dnn_module_to(r->net, .device = dnn_default_device()));
    if (code == ZOO_GO_ON && init != NULL && dnn_load_weights(r->net, init) != DNN_OK) {
        zoo_error(&r->report.messages, "init", "%s", dnn_error_message());
        return ZOO_DATA;
    }
    return code;
}

int zoo_run_build(zoo_run *r)
{
    const zoo_program *p = r->program;
    const zoo_options *o = &r->options;
    int code = build_net(r);

    if (code != ZOO_GO_ON) {
        return code;
    }
    r->train_set = dnn_dataset_normalize(r->data.train, 0, p->mean, p->std, p->channels);
    r->test_set = dnn_dataset_normalize(r->data.test, 0, p->mean, p->std, p->channels);
    r->train = dnn_loader(r->train_set, .batch_size = o->batch, .shuffle = true,
                          .workers = o->workers, .seed = o->seed);
    r->test = dnn_loader(r->test_set, .batch_size = 256, .workers = o->workers);
    r->optimizer = dnn_optim_sgd(dnn_parameters(r->net), o->lr, .momentum = p->momentum);
    return zoo_run_check(r, DNN_OK);
}

void zoo_run_close(zoo_run *r)
{
    dnn_release(r->optimizer);
    dnn_release(r->train);
    dnn_release(r->test);
    dnn_release(r->train_set);
    dnn_release(r->test_set);
    zoo_data_close(&r->data);
    dnn_release(r->net);
}
