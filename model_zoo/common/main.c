/* main.c - zoo_main: prepares a run, runs the loop, reports the result, cleans up. */
#include <stdio.h>
#include "command_line.h"
#include "exit_codes.h"
#include "loop.h"
#include "resume.h"
#include "resume_command.h"
#include "stop.h"

static int prepare(zoo_run *r)
{
    int code = zoo_run_start_library(r);

    if (code == ZOO_GO_ON) {
        code = zoo_resume_find(r);
    }
    if (code == ZOO_GO_ON) {
        dnn_manual_seed(r->options.seed); /* only now: the seed may come from the checkpoint */
        code = zoo_locate(&r->options, &r->report.messages, &r->data);
    }
    if (code == ZOO_GO_ON) {
        code = zoo_run_build(r);
    }
    return code == ZOO_GO_ON ? zoo_resume_load(r) : code;
}

static int work(zoo_run *r)
{
    int code = prepare(r);

    if (code == ZOO_GO_ON && zoo_loop_trains(r)) { /* before the start is reported */
        zoo_stop_catch();
    }
    if (code == ZOO_GO_ON) {
        code = zoo_report_start(&r->report, &r->data, dnn_module_parameter_count(r->net),
                                r->from[0] != 0 ? r->from : NULL, r->now.step);
    }
    if (code == ZOO_GO_ON) {
        code = zoo_loop(r);
    }
    if (code == ZOO_DONE) {
        zoo_report_eval(&r->report, &r->now.val);
    }
    return code;
}

/* Prints what is saved, and the command that resumes the run. */
static void print_interrupted(const zoo_run *r)
{
    long long step = (long long)r->now.step;

    if (r->options.log_dir == NULL) {
        fprintf(stderr,
                "%s: stopped by a signal after step %lld; nothing was saved (--log-dir DIR saves "
                "checkpoints)\n",
                r->program->name, step);
        return;
    }
    fprintf(stderr, "%s: stopped by a signal; step %lld is saved. To resume:\n", r->program->name,
            step);
    zoo_resume_command_print(r->command, &r->options);
}

int zoo_main(int argc, char **argv, const zoo_program *program)
{
    static zoo_run r; /* too large for a stack frame; a process has one run */
    int code;

    r.program = program;
    r.command = argv[0];
    code = zoo_command_line_read(argc, argv, program, &r.options);
    if (code != ZOO_GO_ON) {
        return code;
    }
    code = zoo_report_open(&r.report, program, &r.options);
    if (code == ZOO_GO_ON) {
        {
            DNN_SCOPE();
            code = work(&r);
            zoo_run_close(&r);
        }
        zoo_report_end(&r.report, code, &r.best, &r.now, r.best_path[0] != 0 ? r.best_path : NULL);
        if (code >= ZOO_INTERRUPTED) {
            print_interrupted(&r);
        }
        dnn_shutdown();
    }
    return zoo_report_close(&r.report, code);
}
