/* folder.h - the folder of a run (--log-dir): config.json, metrics.csv, metrics.jsonl. */
#ifndef ZOO_FOLDER_H
#define ZOO_FOLDER_H
#include "message.h"

typedef struct zoo_folder {
    const char *path; /* --log-dir */
    zoo_messages *messages;
    FILE *csv; /* metrics.csv, or NULL */
} zoo_folder;

/* Makes the folder. Refuses a folder that holds a run of another program. */
int zoo_folder_open(const zoo_folder *folder);

/* Opens the logs. If from is NULL the run is new: empties them, and refuses a folder that holds
 * checkpoints. Else the run resumes from that checkpoint: drops the lines after its step. */
int zoo_folder_start(zoo_folder *folder, const char *from, int64_t step);

/* Writes config.json, which holds the start event. */
void zoo_folder_config(const zoo_folder *folder, const json_t *start);

/* Appends the row of an epoch to metrics.csv, if it is open, and flushes it to the disk. */
void zoo_folder_epoch(const zoo_folder *folder, const zoo_epoch *epoch);

/* Closes the logs. */
void zoo_folder_close(zoo_folder *folder);

#endif
