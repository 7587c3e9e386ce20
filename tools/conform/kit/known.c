/* known.c - reads the list of known gaps: lines `unsupported OP DTYPE reason` and `xfail OP DTYPE
 * reason`; # begins a comment. OP is an operator, a kernel's name, or a pattern; DTYPE is a dtype
 * or *. A line that excuses nothing is a failure (report.c). */
#include "kit.h"
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_dtype(const char *word)
{
    if (strcmp(word, "*") == 0)
        return true;
    for (int d = 0; d < DNN__N_DTYPES; d++) {
        if (strcmp(dnn_dtype_name(1u << d), word) == 0)
            return true;
    }
    return false;
}

/* Returns the fault of a line, or NULL. */
static const char *parse(const char *line, kit_gap *gap)
{
    char kind[16];
    int end = 0;

    *gap = (kit_gap){0};
    if (sscanf(line, "%15s %63s %15s %n", kind, gap->op, gap->dtype, &end) < 3 || end == 0)
        return "it is not of the form: unsupported|xfail OP DTYPE reason";
    gap->xfail = strcmp(kind, "xfail") == 0;
    if (!gap->xfail && strcmp(kind, "unsupported") != 0)
        return "it begins neither with unsupported nor with xfail";
    if (!is_dtype(gap->dtype))
        return "its third word is no dtype and not *";
    snprintf(gap->reason, sizeof gap->reason, "%s", line + end);
    gap->reason[strcspn(gap->reason, "\n")] = 0;
    return gap->reason[0] == 0 ? "it has no reason" : NULL;
}

static bool add(kit_gaps *gaps, const kit_gap *gap)
{
    kit_gap *more = realloc(gaps->gap, ((size_t)gaps->n + 1) * sizeof *more);

    if (more == NULL)
        return false;
    gaps->gap = more;
    gaps->gap[gaps->n++] = *gap;
    return true;
}

bool kit_gaps_read(const char *path, kit_gaps *gaps)
{
    FILE *file = fopen(path, "re");
    char line[512];
    const char *wrong = NULL;
    int number = 0;

    if (file == NULL) {
        fprintf(stderr, "conform: %s: cannot be read\n", path);
        return false;
    }
    while (wrong == NULL && fgets(line, sizeof line, file) != NULL) {
        size_t blank = strspn(line, " \t\r\n");
        kit_gap gap;

        number++;
        if (line[blank] == 0 || line[blank] == '#')
            continue;
        wrong = parse(line + blank, &gap);
        gap.line = number;
        if (wrong == NULL && !add(gaps, &gap))
            wrong = "there is no memory for it";
    }
    if (wrong != NULL)
        fprintf(stderr, "conform: %s: line %d: %s\n", path, number, wrong);
    fclose(file);
    return wrong == NULL;
}

bool kit_gap_names(const kit_gap *gap, const char *op, const char *kernel, const char *dtype)
{
    return (fnmatch(gap->op, op, 0) == 0 || fnmatch(gap->op, kernel, 0) == 0) &&
           (strcmp(gap->dtype, "*") == 0 || (dtype != NULL && strcmp(gap->dtype, dtype) == 0));
}
