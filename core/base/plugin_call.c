/* plugin_call.c - the state of a thread while it calls a plugin. Device, plugin and dispatch read
 * and write it. */
#include "plugin_call.h"

_Thread_local dnn__plugin_call dnn__plugin_self;
