/* next_rows.c - calls and rules of the rows that the next version changes or adds (next.cmake).
 * sign gets attributes. Three rows are new: eight has as many results as a row may have, three has
 * no decomposition.
 *
 *   eight      yk = (k + 1) x for k < 7; y7 = x x
 *   eight_bwd  dx = the sum of (k + 1) dyk, plus 2 x dy7; each dyk may be left out
 *   three      y = -x; positive = x > 0, as i32; twice = 2 x */
#include "call.h"
#include "ops_impl.h"
#include "rules.h"

dnn_tensor *dnn_sign(dnn_tensor *x)
{
    return dnn__call(DNN_OP_sign, &x, 1, &(dnn_attr_sign){.size = sizeof(dnn_attr_sign)});
}

dnn_status dnn__eight_shape(dnn__sig *sig)
{
    for (int k = 0; k < DNN__RESULTS; k++) {
        sig->out[k].dtype = sig->in[0]->dtype;
        dnn__take_dims(&sig->out[k], sig->in[0]);
    }
    return DNN_OK;
}

dnn_status dnn__three_shape(dnn__sig *sig)
{
    for (int k = 0; k < 3; k++) {
        sig->out[k].dtype = k == 1 ? DNN_T_I32 : sig->in[0]->dtype;
        dnn__take_dims(&sig->out[k], sig->in[0]);
    }
    return DNN_OK;
}

void dnn__eight_decompose(dnn__decomposition *d)
{
    for (int k = 0; k < 7; k++) {
        d->out[k] = dnn_mul(d->in[0], k + 1);
    }
    d->out[7] = dnn_mul(d->in[0], d->in[0]);
}

void dnn__eight_backward(dnn__grad *g)
{
    dnn_tensor *in[1 + DNN__RESULTS] = {g->in[0]};

    for (int k = 0; k < DNN__RESULTS; k++) {
        in[1 + k] = g->dout[k];
    }
    g->din[0] = dnn__call(DNN_OP_eight_bwd, in, 1 + DNN__RESULTS, NULL);
}
