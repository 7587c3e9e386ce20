/* stop.h - Ctrl-C: after the first signal the run ends with its step, the second ends it at once.
 */
#ifndef ZOO_STOP_H
#define ZOO_STOP_H

/* Catches SIGINT and SIGTERM. The first is stored, the second ends the process at once. */
void zoo_stop_catch(void);
/* Returns the number of the stored signal, or 0. */
int zoo_stop_signal(void);

#endif
