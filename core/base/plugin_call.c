/* plugin_call.c - the state of a thread that calls a plugin. Device, plugin and dispatch set it and
 * read it. */
#include "plugin_call.h"

_Thread_local dnn__plugin_call dnn__plugin_self;
