/* offsets.c - prints the size of every ABI struct and the offset of every member. The output is
 * held against tests/golden/abi.golden: within a major version only lines at the end of a struct
 * may be new. */
#include <stdio.h>
#include "dnn_ops.h"
#include "dnn_plugin.h"
#include "dnn_reader.h"

#define STRUCT(t) printf("%s size %zu\n", #t, sizeof(t))
#define MEMBER(t, m) \
    printf("%s.%s offset %zu size %zu\n", #t, #m, offsetof(t, m), sizeof(((t *)0)->m))

/* The members of the attribute structs are those of the table that calls by name go by. */
static void print_attributes(void)
{
    STRUCT(dnn_attr_arange);
    STRUCT(dnn_attr_linspace);
    STRUCT(dnn_attr_dim);
    STRUCT(dnn_attr_slice);
    STRUCT(dnn_attr_gelu);
    STRUCT(dnn_attr_alpha);
    STRUCT(dnn_attr_softplus);
    STRUCT(dnn_attr_reduce);
    STRUCT(dnn_attr_reduce_dim);
    STRUCT(dnn_attr_conv2d);
    STRUCT(dnn_attr_pool2d);
    STRUCT(dnn_attr_loss);
    STRUCT(dnn_attr_uniform);
    STRUCT(dnn_attr_normal);
    STRUCT(dnn_attr_bernoulli);
    STRUCT(dnn_attr_sgd);
#define DNN_ATTR(attr, member, type, value) MEMBER(dnn_attr_##attr, member);
#include "attr_table.def"
}

int main(void)
{
    STRUCT(dnn_view);
    MEMBER(dnn_view, size);
    MEMBER(dnn_view, dtype);
    MEMBER(dnn_view, ndim);
    MEMBER(dnn_view, mem);
    MEMBER(dnn_view, ordinal);
    MEMBER(dnn_view, layout);
    MEMBER(dnn_view, dim);
    MEMBER(dnn_view, stride);
    MEMBER(dnn_view, data);
    MEMBER(dnn_view, nbytes);
    STRUCT(dnn_call);
    MEMBER(dnn_call, size);
    MEMBER(dnn_call, n_in);
    MEMBER(dnn_call, n_out);
    MEMBER(dnn_call, mode);
    MEMBER(dnn_call, in);
    MEMBER(dnn_call, out);
    MEMBER(dnn_call, attr);
    MEMBER(dnn_call, state);
    MEMBER(dnn_call, workspace);
    MEMBER(dnn_call, stash);
    MEMBER(dnn_call, stream);
    MEMBER(dnn_call, rng_seed);
    MEMBER(dnn_call, rng_stream);
    MEMBER(dnn_call, rng_offset);
    MEMBER(dnn_call, host);
    STRUCT(dnn_host);
    MEMBER(dnn_host, size);
    MEMBER(dnn_host, abi_minor);
    MEMBER(dnn_host, fail);
    MEMBER(dnn_host, log);
    MEMBER(dnn_host, alloc);
    MEMBER(dnn_host, free);
    MEMBER(dnn_host, threads);
    MEMBER(dnn_host, parallel_for);
    MEMBER(dnn_host, layout);
    MEMBER(dnn_host, layout_name);
    MEMBER(dnn_host, extension);
    STRUCT(dnn_plan);
    MEMBER(dnn_plan, size);
    MEMBER(dnn_plan, _pad);
    MEMBER(dnn_plan, workspace_bytes);
    MEMBER(dnn_plan, stash_bytes);
    MEMBER(dnn_plan, state);
    MEMBER(dnn_plan, in_layout);
    MEMBER(dnn_plan, out_layout);
    MEMBER(dnn_plan, out_bytes);
    STRUCT(dnn_kernel);
    MEMBER(dnn_kernel, size);
    MEMBER(dnn_kernel, flags);
    MEMBER(dnn_kernel, op);
    MEMBER(dnn_kernel, device);
    MEMBER(dnn_kernel, name);
    MEMBER(dnn_kernel, op_version);
    MEMBER(dnn_kernel, dtypes);
    MEMBER(dnn_kernel, priority);
    MEMBER(dnn_kernel, attr_bytes);
    MEMBER(dnn_kernel, plan);
    MEMBER(dnn_kernel, run);
    MEMBER(dnn_kernel, unplan);
    STRUCT(dnn_device);
    MEMBER(dnn_device, size);
    MEMBER(dnn_device, flags);
    MEMBER(dnn_device, kind);
    MEMBER(dnn_device, dlpack_type);
    MEMBER(dnn_device, _pad);
    MEMBER(dnn_device, count);
    MEMBER(dnn_device, mem_info);
    MEMBER(dnn_device, alloc);
    MEMBER(dnn_device, free);
    MEMBER(dnn_device, copy);
    MEMBER(dnn_device, fill);
    MEMBER(dnn_device, stream_new);
    MEMBER(dnn_device, stream_del);
    MEMBER(dnn_device, stream_sync);
    MEMBER(dnn_device, event_record);
    MEMBER(dnn_device, event_wait);
    MEMBER(dnn_device, event_done);
    MEMBER(dnn_device, event_del);
    STRUCT(dnn_plugin);
    MEMBER(dnn_plugin, size);
    MEMBER(dnn_plugin, min_host_minor);
    MEMBER(dnn_plugin, id);
    MEMBER(dnn_plugin, version);
    MEMBER(dnn_plugin, build);
    MEMBER(dnn_plugin, init);
    MEMBER(dnn_plugin, fini);
    MEMBER(dnn_plugin, kernels);
    MEMBER(dnn_plugin, device);
    MEMBER(dnn_plugin, layouts);
    MEMBER(dnn_plugin, extension);
    STRUCT(dnn_reader_host);
    MEMBER(dnn_reader_host, size);
    MEMBER(dnn_reader_host, abi_minor);
    MEMBER(dnn_reader_host, fail);
    MEMBER(dnn_reader_host, log);
    MEMBER(dnn_reader_host, alloc);
    MEMBER(dnn_reader_host, free);
    MEMBER(dnn_reader_host, extension);
    STRUCT(dnn_reader_probe);
    MEMBER(dnn_reader_probe, size);
    MEMBER(dnn_reader_probe, is_dir);
    MEMBER(dnn_reader_probe, path);
    MEMBER(dnn_reader_probe, head);
    MEMBER(dnn_reader_probe, head_bytes);
    MEMBER(dnn_reader_probe, length);
    STRUCT(dnn_reader_source);
    MEMBER(dnn_reader_source, size);
    MEMBER(dnn_reader_source, _pad);
    MEMBER(dnn_reader_source, name);
    MEMBER(dnn_reader_source, length);
    MEMBER(dnn_reader_source, ctx);
    MEMBER(dnn_reader_source, read_at);
    STRUCT(dnn_reader_request);
    MEMBER(dnn_reader_request, size);
    MEMBER(dnn_reader_request, _pad);
    MEMBER(dnn_reader_request, path);
    MEMBER(dnn_reader_request, source);
    MEMBER(dnn_reader_request, split);
    MEMBER(dnn_reader_request, options);
    MEMBER(dnn_reader_request, max_bytes);
    MEMBER(dnn_reader_request, host);
    STRUCT(dnn_reader_field);
    MEMBER(dnn_reader_field, size);
    MEMBER(dnn_reader_field, dtype);
    MEMBER(dnn_reader_field, name);
    MEMBER(dnn_reader_field, ndim);
    MEMBER(dnn_reader_field, _pad);
    MEMBER(dnn_reader_field, dim);
    MEMBER(dnn_reader_field, labels);
    STRUCT(dnn_reader_info);
    MEMBER(dnn_reader_info, size);
    MEMBER(dnn_reader_info, flags);
    MEMBER(dnn_reader_info, n_samples);
    MEMBER(dnn_reader_info, n_fields);
    MEMBER(dnn_reader_info, _pad);
    MEMBER(dnn_reader_info, field);
    MEMBER(dnn_reader_info, text);
    MEMBER(dnn_reader_info, name);
    MEMBER(dnn_reader_info, digest);
    STRUCT(dnn_reader);
    MEMBER(dnn_reader, size);
    MEMBER(dnn_reader, min_host_minor);
    MEMBER(dnn_reader, flags);
    MEMBER(dnn_reader, _pad);
    MEMBER(dnn_reader, id);
    MEMBER(dnn_reader, version);
    MEMBER(dnn_reader, build);
    MEMBER(dnn_reader, extensions);
    MEMBER(dnn_reader, bid);
    MEMBER(dnn_reader, open);
    MEMBER(dnn_reader, describe);
    MEMBER(dnn_reader, shape);
    MEMBER(dnn_reader, read);
    MEMBER(dnn_reader, close);
    MEMBER(dnn_reader, extension);
    print_attributes();
#if SHOW_NEXT /* tests/skew: a version with one more member in each struct */
    MEMBER(dnn_view, next);
    MEMBER(dnn_call, next);
    MEMBER(dnn_host, next);
    MEMBER(dnn_plan, next);
    MEMBER(dnn_kernel, next);
    MEMBER(dnn_device, next);
    MEMBER(dnn_plugin, next);
    MEMBER(dnn_reader_host, next);
    MEMBER(dnn_reader_probe, next);
    MEMBER(dnn_reader_source, next);
    MEMBER(dnn_reader_request, next);
    MEMBER(dnn_reader_field, next);
    MEMBER(dnn_reader_info, next);
    MEMBER(dnn_reader, next);
    MEMBER(dnn_attr_alpha, next);
#endif
    return 0;
}
