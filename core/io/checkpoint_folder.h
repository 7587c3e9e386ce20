/* checkpoint_folder.h - names of the checkpoints in a folder, and the removal of old ones.
 * checkpoint.c calls it. Private to core/io. */
#ifndef DNN__CHECKPOINT_FOLDER_H
#define DNN__CHECKPOINT_FOLDER_H
#include <stddef.h>
#include <stdint.h>

/* Removes the checkpoints that dnn_save_checkpoint promises to remove, after `step` was saved. Logs
 * a failure to remove one. */
void dnn__checkpoint_prune(const char *folder, int64_t step);
/* Writes "ckpt-00001200.safetensors". */
void dnn__checkpoint_name(char *text, size_t bytes, int64_t step);

#endif
