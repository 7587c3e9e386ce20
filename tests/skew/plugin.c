/* plugin.c - a plugin that looks at what the host gives it. Built with today's header (old), and
 * with that of the next version: not using the new members (new), filling the one of a kernel
 * (used), and shutting out older hosts (needs). Its relu refuses to compute where sizes and
 * versions do not fit together, so a right result is the proof. */
#include "dnn_ops.h"
#include "dnn_plugin.h"

static const dnn_host *host;

static dnn_status init(const dnn_host *h)
{
    host = h;
    return h->size >= 80 && h->fail != NULL ? DNN_OK : DNN_DECLINED;
}

#if DNN_PLUGIN_TARGET >= 1
/* Either all structs of the host have the new member, and it is zero as nobody sets it, or none. */
static dnn_status look(const dnn_call *c)
{
    const dnn_view *x = c->in[0], *y = c->out[0];
    int newer = host->abi_minor >= 1;

    if (DNN_FITS(host, next) != newer || DNN_FITS(c, next) != newer || DNN_FITS(x, next) != newer ||
        DNN_FITS(y, next) != newer) {
        return host->fail(DNN_E_INTERNAL,
                          "host 1.%u of %u bytes gives a call of %u, views of %u, %u",
                          host->abi_minor, host->size, c->size, x->size, y->size);
    }
    if (newer &&
        (DNN_HAS(host, next) || DNN_HAS(c, next) || DNN_HAS(x, next) || DNN_HAS(y, next))) {
        return host->fail(DNN_E_INTERNAL, "a new member that nobody set is not zero");
    }
    return DNN_OK;
}
#else
static dnn_status look(const dnn_call *c)
{
    const dnn_view *x = c->in[0], *y = c->out[0];

    if (host->size < sizeof *host || c->size < sizeof *c || x->size < sizeof *x ||
        y->size < sizeof *y) {
        return host->fail(DNN_E_INTERNAL, "host of %u bytes gives a call of %u, views of %u, %u",
                          host->size, c->size, x->size, y->size);
    }
    return DNN_OK;
}
#endif

static dnn_status plan(const dnn_call *c, dnn_plan *p)
{
#if DNN_PLUGIN_TARGET >= 1
    if (DNN_FITS(p, next)) {
        p->next = 0;
    }
    if (DNN_FITS(p, next) != (host->abi_minor >= 1)) {
        return host->fail(DNN_E_INTERNAL, "host 1.%u gives a plan of %u bytes", host->abi_minor,
                          p->size);
    }
#endif
    if (p->size < 56) {
        return host->fail(DNN_E_INTERNAL, "a plan of %u bytes", p->size);
    }
    p->workspace_bytes = 64;
    return look(c);
}

#if defined SKEW_EQUAL /* as a plugin should not: the sizes are held for what they were when it \
                          was built */
static dnn_status look_wrongly(const dnn_call *c)
{
    return c->size == sizeof *c ? DNN_OK
                                : host->fail(DNN_E_INTERNAL, "%u bytes are not mine", c->size);
}
#elif defined \
    SKEW_BEYOND /* as a plugin should not: a new member is read without a look at the size */
static dnn_status look_wrongly(const dnn_call *c)
{
    return c->next == 12345 ? host->fail(DNN_E_INTERNAL, "a strange number") : DNN_OK;
}
#else
#define look_wrongly look
#endif

static dnn_status relu(const dnn_call *c)
{
    const float *x = c->in[0]->data;
    float *y = c->out[0]->data;
    dnn_status status = look_wrongly(c);

    if (status != DNN_OK) {
        return status;
    }
    for (uint64_t i = 0; i < c->out[0]->nbytes / sizeof *y; i++) {
        y[i] = x[i] < 0 ? 0 : x[i];
    }
    return DNN_OK;
}

/* x > 0 ? x : x * alpha, and the new attribute, where it is known, is added. */
static dnn_status leaky_relu(const dnn_call *c)
{
    const dnn_attr_alpha *attr = c->attr;
    const float *x = c->in[0]->data;
    float *y = c->out[0]->data, more = 0;

#if DNN_PLUGIN_TARGET >= 1
    more = DNN_FITS(attr, next) ? (float)attr->next : 0;
#endif
    for (uint64_t i = 0; i < c->out[0]->nbytes / sizeof *y; i++) {
        y[i] = (x[i] > 0 ? x[i] : x[i] * (float)attr->alpha) + more;
    }
    return DNN_OK;
}

/* -1, 0 or 1, and the new attribute, where it is known, is added. */
static dnn_status sign(const dnn_call *c)
{
    const float *x = c->in[0]->data;
    float *y = c->out[0]->data, more = 0;

#if DNN_PLUGIN_TARGET >= 1
    const dnn_attr_sign *attr = c->attr; /* an older host gives none */

    more = attr != NULL && DNN_FITS(attr, next) ? (float)attr->next : 0;
#endif
    for (uint64_t i = 0; i < c->out[0]->nbytes / sizeof *y; i++) {
        y[i] = (float)((x[i] > 0) - (x[i] < 0)) + more;
    }
    return DNN_OK;
}

#if SKEW_KNOWS_ALL
#define SIGN_BYTES sizeof(dnn_attr_sign)
#else
#define SIGN_BYTES 0
#endif

#ifdef SKEW_USES
#define USES .next = 1,
#else
#define USES
#endif

static const dnn_kernel *const kernels[] = {
    DNN_KERNEL(.op = "relu", .device = "cpu", .name = "skew_relu", .dtypes = DNN_T_F32,
               .plan = plan, .run = relu, .priority = DNN_PRI_SPECIAL,
               USES.flags = 1u << 30), /* a hint that nobody knows */
    DNN_KERNEL(.op = "leaky_relu", .device = "cpu", .name = "skew_leaky_relu", .dtypes = DNN_T_F32,
               .run = leaky_relu, .priority = DNN_PRI_SPECIAL,
               .attr_bytes = SKEW_KNOWS_ALL ? sizeof(dnn_attr_alpha) : 0),
    DNN_KERNEL(.op = "sign", .device = "cpu", .name = "skew_sign", .dtypes = DNN_T_F32, .run = sign,
               .priority = DNN_PRI_SPECIAL, .attr_bytes = SIGN_BYTES),
    NULL};

DNN_PLUGIN(.id = SKEW_ID, .version = "1", .min_host_minor = SKEW_NEEDS, .init = init,
           .kernels = kernels)
