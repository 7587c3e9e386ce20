/* autotune_json.h - the text of the timings. One thread at a time. Private. */
#ifndef DNN__AUTOTUNE_JSON_H
#define DNN__AUTOTUNE_JSON_H
#include "base.h"

/* Checks the text of a file and puts its timings into the table: all or none. A timing that the
 * table has already stays. */
dnn_status dnn__timings_parse(const char *text, size_t bytes);
/* The JSON of the table. The caller frees it with free(). NULL: no memory. */
char *dnn__timings_print(void);
/* Writes the line that stands ahead of the JSON; returns its length. */
size_t dnn__timings_head(char *line, size_t bytes, const char *json, size_t length);
void dnn__timings_forget_builds(void); /* the builds of plugins that the last text named */

#endif
