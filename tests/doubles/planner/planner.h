/* planner.h - the counts of planner.c: calls since the library started, faults since the process
 * started. */
#ifndef PLANNER_H
#define PLANNER_H

typedef struct planner_counts {
    int planned, unplanned;
    int twice;         /* states that were unplanned again */
    int dead_runs;     /* calls on a state that was unplanned */
    int freed_running; /* states unplanned while a call ran on them */
    int strangers; /* pieces run by a worker beyond the threads that the plan was made for; numbers
                      that changed during a call */
} planner_counts;

typedef void (*planner_read_fn)(planner_counts *out);

#endif
