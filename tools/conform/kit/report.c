/* report.c - reports the results of the children as text and as JSON: a line for each kernel, its
 * first failure as a sentence, the known gaps that excuse failures, and the totals. The parent of
 * the kit calls it. */
#include "kit.h"
#include <fnmatch.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { SHOWN = 3 }; /* sentences printed for one row, without -v */

typedef struct kit_row {
    int32_t number;
    char name[96], op[64], device[64];
    int64_t cases[DNN__N_DTYPES], failed[DNN__N_DTYPES], declined[DNN__N_DTYPES];
    char decline[DNN__N_DTYPES][256];
    bool reads_stash;
    int64_t failures, known, printed; /* failed checks; excused ones; sentences printed */
    char first[1024];
} kit_row;

struct kit_report {
    const kit_options *options;
    kit_gaps *gaps;
    kit_row *rows;
    int64_t n, n_kernels;
    char plugin[256], about[1024];
    int64_t failures, known, warnings, skipped;
    double init_us, open_us;
    bool stopped;
};

/* ---- rows ---- */

static kit_row *find_row(kit_report *r, int32_t number)
{
    for (int64_t i = 0; i < r->n; i++) {
        if (r->rows[i].number == number)
            return &r->rows[i];
    }
    return NULL;
}

static kit_row *add_row(kit_report *r, int32_t number)
{
    kit_row *more = find_row(r, number);

    if (more != NULL)
        return more;
    more = realloc(r->rows, ((size_t)r->n + 1) * sizeof *more);
    if (more == NULL) {
        fprintf(stderr, "conform: no memory for the report\n");
        exit(1);
    }
    r->rows = more;
    r->rows[r->n] = (kit_row){.number = number};
    return &r->rows[r->n++];
}

static const char *dtype_name(uint32_t dtype)
{
    return dtype != 0 ? dnn_dtype_name(dtype) : NULL;
}

/* ---- events ---- */

static void print_json(json_t *object)
{
    if (object == NULL || json_dumpf(object, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9)) != 0)
        fprintf(stderr, "conform: an event could not be written\n");
    putchar('\n');
    json_decref(object);
}

/* kind: "fail", "known", "warning", "skip". row NULL: the whole file. */
static void report_event(const kit_report *r, const char *kind, kit_row *row, const char *dtype,
                         const char *text)
{
    static const char *const heads[][2] = {
        {"fail", "FAIL"}, {"known", "known"}, {"warning", "warning"}, {"skip", "skipped"}};
    const char *head = kind;

    if (r->options->json) {
        print_json(json_pack("{s:s, s:s?, s:s?, s:s?, s:s}", "event", kind, "kernel",
                             row != NULL ? row->name : NULL, "op", row != NULL ? row->op : NULL,
                             "dtype", dtype, "message", text));
        return;
    }
    if (row != NULL && !r->options->verbose && row->printed++ >= SHOWN)
        return;
    for (size_t i = 0; i < DNN__COUNT(heads); i++)
        head = strcmp(kind, heads[i][0]) == 0 ? heads[i][1] : head;
    printf("%s %s%s%s\n", head, row != NULL ? row->name : "", row != NULL ? ": " : "", text);
}

static kit_gap *excuse(const kit_report *r, const kit_row *row, uint32_t dtype)
{
    for (int64_t i = 0; i < r->gaps->n && row != NULL; i++) {
        kit_gap *gap = &r->gaps->gap[i];

        if (gap->xfail && kit_gap_names(gap, row->op, row->name, dtype_name(dtype)))
            return gap;
    }
    return NULL;
}

static void fail(kit_report *r, int32_t number, uint32_t dtype, const char *text)
{
    kit_row *row = find_row(r, number);
    kit_gap *gap = excuse(r, row, dtype);
    char line[1400];

    if (gap != NULL) {
        gap->met++;
        row->known++;
        r->known++;
        snprintf(line, sizeof line, "%s (line %d of the list: %s)", text, gap->line, gap->reason);
        report_event(r, "known", row, dtype_name(dtype), line);
        return;
    }
    r->failures++;
    if (row != NULL && row->failures++ == 0)
        snprintf(row->first, sizeof row->first, "%s", text);
    report_event(r, "fail", row, dtype_name(dtype), text);
}

static void store_count(kit_report *r, const kit_record *record)
{
    kit_row *row = find_row(r, record->row);
    int d = __builtin_ctz(record->dtype);

    if (row == NULL)
        return;
    row->cases[d] += record->count[0];
    row->failed[d] += record->count[1];
    row->declined[d] += record->count[2];
    row->reads_stash = row->reads_stash || record->reads_stash;
    if (row->decline[d][0] == 0)
        snprintf(row->decline[d], sizeof row->decline[d], "%.255s", record->text);
}

static void store_perf(const kit_report *r, const kit_record *record, kit_row *row)
{
    double ratio = record->us[1] > 0 ? record->us[0] / record->us[1] : 0;

    if (r->options->json) {
        print_json(json_pack("{s:s, s:s, s:s, s:s, s:s, s:f, s:o, s:o}", "event", "perf", "kernel",
                             row->name, "op", row->op, "dtype", dnn_dtype_name(record->dtype),
                             "shapes", record->text, "median_us", record->us[0], "cpu_blas_us",
                             record->us[1] > 0 ? json_real(record->us[1]) : json_null(), "ratio",
                             ratio > 0 ? json_real(ratio) : json_null()));
        return;
    }
    printf("%-28s %-20s %-5s %10.1f us", row->name, row->op, dnn_dtype_name(record->dtype),
           record->us[0]);
    if (ratio > 0)
        printf(" %10.1f us %8.2f", record->us[1], ratio);
    else
        printf(" %13s %8s", "-", "-");
    printf(" %s\n", record->text);
}

void kit_report_take(kit_report *r, const kit_record *record)
{
    kit_row *row = find_row(r, record->row);

    switch (record->kind) {
    case KIT_TABLE:
        r->n_kernels = record->count[0];
        snprintf(r->plugin, sizeof r->plugin, "%s", record->op);
        snprintf(r->about, sizeof r->about, "%s", record->text);
        break;
    case KIT_KERNEL:
        row = add_row(r, record->row);
        snprintf(row->name, sizeof row->name, "%.90s", record->text);
        snprintf(row->op, sizeof row->op, "%s", record->op);
        snprintf(row->device, sizeof row->device, "%s", record->device);
        break;
    case KIT_FAIL:
        fail(r, record->row, record->dtype, record->text);
        break;
    case KIT_WARN:
        r->warnings++;
        report_event(r, "warning", row, dtype_name(record->dtype), record->text);
        break;
    case KIT_SKIP:
        r->skipped++;
        report_event(r, "skip", row, dtype_name(record->dtype), record->text);
        break;
    case KIT_COUNT:
        store_count(r, record);
        break;
    case KIT_PERF:
        if (row != NULL)
            store_perf(r, record, row);
        break;
    case KIT_FACT:
        if (strcmp(record->text, "init_us") == 0)
            r->init_us = record->us[0];
        else
            r->open_us = record->us[0];
        break;
    case KIT_STOP:
        r->stopped = true;
        break;
    default:
        break;
    }
}

void kit_report_died(kit_report *r, const kit_note *note, int status, const char *printed)
{
    char text[1400];
    dnn__text out = dnn__text_to(text, sizeof text);

    if (status == KIT_HUNG)
        dnn__put(&out, "it does not come back: %s", note->doing);
    else if (WIFSIGNALED(status))
        dnn__put(&out, "signal %d (%s) in: %s", WTERMSIG(status), strsignal(WTERMSIG(status)),
                 note->doing);
    else
        dnn__put(&out, "it ends the process with code %d in: %s", WEXITSTATUS(status), note->doing);
    if (note->fault[0] != 0)
        dnn__put(&out, ": %s", note->fault);
    if (printed[0] != 0)
        dnn__put(&out, "; standard error: %s", printed);
    fail(r, note->row, note->dtype, text);
    r->stopped =
        r->stopped ||
        note->row < 0; /* a failure in opening, init or fini would occur in the next child too */
}

/* ---- results for each dtype ---- */

static bool is_gap(const kit_report *r, const kit_row *row, uint32_t dtype)
{
    bool found = false;

    for (int64_t i = 0; i < r->gaps->n; i++) {
        kit_gap *gap = &r->gaps->gap[i];

        if (!gap->xfail && kit_gap_names(gap, row->op, row->name, dtype_name(dtype))) {
            gap->met++;
            found = true;
        }
    }
    return found;
}

/* A dtype that the kernel lists was not tested if the kernel accepted no case of it. */
static void check_support(kit_report *r)
{
    char text[512];

    for (int64_t i = 0; i < r->n; i++) {
        kit_row *row = &r->rows[i];

        for (int d = 0; d < DNN__N_DTYPES; d++) {
            if (row->cases[d] == 0 || row->declined[d] < row->cases[d] || row->failed[d] > 0 ||
                row->reads_stash || is_gap(r, row, 1u << d))
                continue;
            snprintf(
                text, sizeof text,
                "it lists %s and declines every case of it: %s (\"unsupported %s %s reason\" in "
                "a --list says that this is known)",
                dnn_dtype_name(1u << d), row->decline[d], row->op, dnn_dtype_name(1u << d));
            fail(r, row->number, 1u << d, text);
        }
    }
}

static int64_t total(const int64_t *by_dtype)
{
    int64_t sum = 0;

    for (int d = 0; d < DNN__N_DTYPES; d++)
        sum += by_dtype[d];
    return sum;
}

/* It is a failure if a pattern matches nothing, or if every kernel was skipped. */
static void check_anything(kit_report *r)
{
    int64_t cases = 0;

    for (int64_t i = 0; i < r->n; i++)
        cases += total(r->rows[i].cases);
    if (cases == 0 && r->failures == 0)
        fail(r, -1, 0, "nothing was checked: no kernel could be called");
}

/* Returns whether the run tested the operator and dtype of the line. */
static bool was_run(const kit_report *r, const kit_gap *gap)
{
    for (int64_t i = 0; i < r->n; i++) {
        for (int d = 0; d < DNN__N_DTYPES; d++) {
            if (r->rows[i].cases[d] > 0 &&
                kit_gap_names(gap, r->rows[i].op, r->rows[i].name, dnn_dtype_name(1u << d)))
                return true;
        }
    }
    return false;
}

static void check_gaps(kit_report *r)
{
    char text[700];

    for (int64_t i = 0; i < r->gaps->n; i++) {
        const kit_gap *gap = &r->gaps->gap[i];

        if (gap->met > 0 || !was_run(r, gap))
            continue;
        snprintf(text, sizeof text,
                 "unexpected pass: line %d of the list says %s %s %s (%s), and %s", gap->line,
                 gap->xfail ? "xfail" : "unsupported", gap->op, gap->dtype, gap->reason,
                 gap->xfail ? "nothing failed" : "cases were accepted");
        fail(r, -1, 0, text);
    }
}

/* ---- the table ---- */

static const char *dtypes_text(const kit_row *row, char *text, size_t bytes)
{
    dnn__text out = dnn__text_to(text, bytes);

    for (int d = 0; d < DNN__N_DTYPES; d++) {
        if (row->cases[d] > 0)
            dnn__put(&out, "%s%s", out.length > 0 ? " " : "", dnn_dtype_name(1u << d));
    }
    return text;
}

static void print_row(const kit_report *r, const kit_row *row)
{
    char dtypes[128];

    if (r->options->json) {
        print_json(json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:s?}", "event",
                             "kernel", "kernel", row->name, "op", row->op, "device", row->device,
                             "dtypes", dtypes_text(row, dtypes, sizeof dtypes), "cases",
                             (json_int_t)total(row->cases), "failed", (json_int_t)row->failures,
                             "known", (json_int_t)row->known, "declined",
                             (json_int_t)total(row->declined), "first_failure",
                             row->failures > 0 ? row->first : NULL));
        return;
    }
    printf("%-30s %-22s %8lld %7lld %6lld %9lld  %s\n", row->name, row->op,
           (long long)total(row->cases), (long long)row->failures, (long long)row->known,
           (long long)total(row->declined), dtypes_text(row, dtypes, sizeof dtypes));
}

/* Mode support: for each kernel and dtype the number of accepted cases, and the first decline. */
static void print_support(const kit_report *r, const kit_row *row)
{
    for (int d = 0; d < DNN__N_DTYPES; d++) {
        int64_t accepted = row->cases[d] - row->declined[d];

        if (row->cases[d] == 0)
            continue;
        if (r->options->json)
            print_json(json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s?}", "event", "support",
                                 "kernel", row->name, "op", row->op, "dtype",
                                 dnn_dtype_name(1u << d), "cases", (json_int_t)row->cases[d],
                                 "accepted", (json_int_t)accepted, "declines_with",
                                 row->declined[d] > 0 ? row->decline[d] : NULL));
        else
            printf("%-30s %-22s %-5s %5lld of %-5lld %s\n", row->name, row->op,
                   dnn_dtype_name(1u << d), (long long)accepted, (long long)row->cases[d],
                   row->declined[d] > 0 ? row->decline[d] : "");
    }
}

static bool was_asked_for(const kit_report *r, const kit_row *row)
{
    const char *pattern = r->options->pattern;

    return r->options->test && row->number < KIT_GRADIENTS &&
           (pattern == NULL || fnmatch(pattern, row->op, 0) == 0);
}

static void print_totals(const kit_report *r)
{
    int64_t cases = 0, declined = 0, untested = 0;

    for (int64_t i = 0; i < r->n; i++) {
        cases += total(r->rows[i].cases);
        declined += total(r->rows[i].declined);
        untested += was_asked_for(r, &r->rows[i]) && total(r->rows[i].cases) == 0;
    }
    if (r->options->json) {
        print_json(json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:i}",
                             "event", "end", "plugin", r->plugin, "about", r->about, "kernels",
                             (json_int_t)r->n_kernels, "cases", (json_int_t)cases, "failed",
                             (json_int_t)r->failures, "known", (json_int_t)r->known, "declined",
                             (json_int_t)declined, "warnings", (json_int_t)r->warnings, "skipped",
                             (json_int_t)r->skipped, "not_called", (json_int_t)untested, "init_us",
                             r->init_us, "exit", r->failures > 0 ? 1 : 0));
        return;
    }
    printf(
        "\n%s\nkernels %lld (not called %lld), cases %lld, failed %lld, declined %lld, known gaps "
        "%lld, warnings %lld, checks skipped %lld; init %.1f ms\n%s\n",
        r->about[0] != 0 ? r->about : r->options->file, (long long)r->n_kernels,
        (long long)untested, (long long)cases, (long long)r->failures, (long long)declined,
        (long long)r->known, (long long)r->warnings, (long long)r->skipped, r->init_us / 1e3,
        r->failures == 0 ? "PASSED" : "FAILED");
}

/* ---- the end ---- */

kit_report *kit_report_new(const kit_options *options, kit_gaps *gaps)
{
    kit_report *r = calloc(1, sizeof *r);

    if (r != NULL) {
        r->options = options;
        r->gaps = gaps;
    }
    return r;
}

bool kit_report_stopped(const kit_report *r)
{
    return r->stopped;
}

int kit_report_end(kit_report *r)
{
    const kit_options *o = r->options;
    int code;

    if (o->test)
        check_support(r);
    if (o->test || o->support)
        check_gaps(r);
    check_anything(r);
    if (!o->json && (o->test || o->grad))
        printf("\n%-30s %-22s %8s %7s %6s %9s  %s\n", "kernel", "operator", "cases", "failed",
               "known", "declined", "dtypes");
    for (int64_t i = 0; i < r->n; i++) {
        if (o->support)
            print_support(r, &r->rows[i]);
        else if ((o->test || o->grad) && (total(r->rows[i].cases) > 0 || r->rows[i].failures > 0))
            print_row(r, &r->rows[i]);
    }
    print_totals(r);
    code = r->failures == 0 ? 0 : 1;
    free(r->rows);
    free(r);
    return code;
}
