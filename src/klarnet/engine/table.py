"""The narrow waist: every function the engine can run, one row each.

A row reads like the head of a page in a textbook:

    row("dense", "X[n..,m] W[m,k] ?b[k] -> Y[n..,k]")

Left of the arrow stand the inputs, right of it the outputs, behind a semicolon the scalars. The letters in the
brackets are sizes: the same letter is the same size wherever it stands, `n..` is any number of leading axes folded
into one, `4k` is four times k, `1` is a one. From the letters follow the shape rule, the text of a shape error and
the size arguments of the C function.

Marks in front of a name:   ?  may be missing        !  is updated in place
                            +  may be added to what the output already holds
                            *  any number of arrays that differ in their last size (`*Xs[n..,*]`)
A type may stand before a colon: `int:t[n..]` (int32), `short:index[...]` (uint16), `double:score[w]`
(float64); without one it is the floating type of the call. A scalar named like a size letter gives that size, where no
input does (`; int h, int w`).

Options of a row:   sizes     works out the letters that no input gives, and checks what letters cannot say
                    in_place  outputs that may take over the memory of an input: "dX=dY dX=Y"
                    state     values that change from step to step, read from the state block
                    finish    a carrier: elementwise steps may finish its first output before it is stored
                    step      an elementwise function (first input in, first output out) that may be such a step

This file imports the standard library only: the build runs it to write the C header.
"""

from __future__ import annotations

import sys
from typing import Any

try:
    from klarnet.engine.row import Function
    from klarnet.engine.sizes import convolved, enlarged, joined, padded, permuted, pooled, read
except ImportError:  # run by the build, where the package does not exist yet
    from row import Function  # type: ignore[import-not-found,no-redef]
    from sizes import (  # type: ignore[import-not-found,no-redef]
        convolved,
        enlarged,
        joined,
        padded,
        permuted,
        pooled,
        read,
    )

__all__ = ["FUNCTIONS", "Function"]

FUNCTIONS: dict[str, Function] = {}


def row(name: str, text: str, **options: Any) -> None:
    FUNCTIONS[name] = Function(len(FUNCTIONS), name, text, **options)


def _elementwise(name: str, keeps: str, scalars: str = "") -> None:
    """An activation and its backward pass; `keeps` is what the derivative is written in, X or Y."""
    row(name, f"X[n..] -> Y[n..] {scalars}", in_place="Y=X", step=True)
    row(
        f"{name}_backward",
        f"dY[n..] {keeps}[n..] -> dX[n..] {scalars}",
        in_place=f"dX=dY dX={keeps}",
        step=True,
    )


# fmt: off
row("dense", "X[n..,m] W[m,k] ?b[k] -> Y[n..,k]", finish=True)
row("dense_backward", "dY[n..,k] W[m,k] -> dX[n..,m]", finish=True)
row("dense_gradients", "X[n..,m] dY[n..,k] -> +dW[m,k] ?+db[k]")

_elementwise("relu", "Y")
_elementwise("leaky_relu", "X", "; float slope")
_elementwise("elu", "Y", "; float alpha")
_elementwise("gelu", "X")
_elementwise("silu", "X")
_elementwise("tanh", "Y")
_elementwise("sigmoid", "Y")
row("softmax", "X[n..,k] -> Y[n..,k]", in_place="Y=X")
row("softmax_backward", "dY[n..,k] Y[n..,k] -> dX[n..,k]", in_place="dX=dY dX=Y")

row("dropout", "X[n..] -> Y[n..] ; float rate, int node", in_place="Y=X", step=True, state=("seed", "step"))
row("dropout_backward", "dY[n..] -> dX[n..] ; float rate, int node", in_place="dX=dY", step=True,
    state=("seed", "step"))
row("gaussian_noise", "X[n..] -> Y[n..] ; float deviation, int node", in_place="Y=X", state=("seed", "step"))

_CONVOLUTION = "int stride[2], int dilation[2], int padding[4], int groups"
row("conv2d", f"X[n,h,w,c] F[p,q,d,k] ?b[k] -> Y[n,i,j,k] ; {_CONVOLUTION}", sizes=convolved, finish=True)
row("conv2d_backward", f"dY[n,i,j,k] F[p,q,d,k] -> dX[n,h,w,c] ; int h, int w, {_CONVOLUTION}", sizes=convolved,
    finish=True)
row("conv2d_gradients", f"X[n,h,w,c] dY[n,i,j,k] -> +dF[p,q,d,k] ?+db[k] ; int p, int q, {_CONVOLUTION}",
    sizes=convolved)

_POOLING = "int window[2], int stride[2], int padding[4]"
row("max_pool2d", f"X[n,h,w,c] -> Y[n,i,j,c] ?short:index[n,i,j,c] ; {_POOLING}", sizes=pooled)
row("max_pool2d_backward", f"dY[n,i,j,c] short:index[n,i,j,c] -> dX[n,h,w,c] ; int h, int w, {_POOLING}",
    sizes=pooled)
row("average_pool2d", f"X[n,h,w,c] -> Y[n,i,j,c] ; {_POOLING}, int count_padding", sizes=pooled)
row("average_pool2d_backward", f"dY[n,i,j,c] -> dX[n,h,w,c] ; int h, int w, {_POOLING}, int count_padding",
    sizes=pooled)
row("global_average", "X[n,p,c] -> Y[n,c]")
row("global_average_backward", "dY[n,c] -> dX[n,p,c] ; int p")

row("batch_norm", "X[n..,c] gamma[c] beta[c] !mean[c] !variance[c] -> Y[n..,c] mu[c] sigma[c] "
    "; float momentum, float epsilon")
row("batch_norm_backward", "dY[n..,c] X[n..,c] mu[c] sigma[c] gamma[c] -> dX[n..,c]", in_place="dX=dY")
row("batch_norm_fixed", "X[n..,c] gamma[c] beta[c] mean[c] variance[c] -> Y[n..,c] mu[c] sigma[c] ; float epsilon",
    in_place="Y=X")
row("batch_norm_fixed_backward", "dY[n..,c] sigma[c] gamma[c] -> dX[n..,c]", in_place="dX=dY")
row("batch_norm_gradients", "dY[n..,c] X[n..,c] mu[c] sigma[c] -> +dgamma[c] +dbeta[c]")
row("layer_norm", "X[n..,c] gamma[c] beta[c] -> Y[n..,c] mu[n..] sigma[n..] ; float epsilon")
row("layer_norm_backward", "dY[n..,c] X[n..,c] mu[n..] sigma[n..] gamma[c] -> dX[n..,c]", in_place="dX=dY")
row("layer_norm_gradients", "dY[n..,c] X[n..,c] mu[n..] sigma[n..] -> +dgamma[c] +dbeta[c]")

row("embedding", "int:index[n..] W[v,m] -> Y[n..,m]")
row("embedding_gradients", "int:index[n..] dY[n..,m] -> +dW[v,m] ; int v")

row("highway", "H[n..] T[n..] X[n..] -> Y[n..]", in_place="Y=H Y=T")
row("highway_backward", "dY[n..] H[n..] T[n..] X[n..] -> dH[n..] dT[n..] dX[n..]", in_place="dX=dY")

row("lstm", "Z[n,t,4k] W[k,4k] ?h0[n,k] ?c0[n,k] ?int:lengths[n] ?M[n,k] -> H[n,t,k] C[n,t,k] G[n,t,4k] "
    "; int reverse")
row("lstm_backward", "dH[n,t,k] W[k,4k] C[n,t,k] G[n,t,4k] ?c0[n,k] ?int:lengths[n] ?M[n,k] "
    "-> dZ[n,t,4k] ?dh0[n,k] ?dc0[n,k] ; int reverse", in_place="dZ=G")
row("rnn", "Z[n,t,k] W[k,k] ?h0[n,k] ?int:lengths[n] ?M[n,k] -> H[n,t,k] ; int reverse")
row("rnn_backward", "dH[n,t,k] W[k,k] H[n,t,k] ?int:lengths[n] ?M[n,k] -> dZ[n,t,k] ?dh0[n,k] ; int reverse",
    in_place="dZ=dH dZ=H")
row("gru", "Z[n,t,3k] W[k,3k] ?b[k] ?h0[n,k] ?int:lengths[n] ?M[n,k] -> H[n,t,k] G[n,t,4k] "
    "; int reverse, int before")
row("gru_backward", "dH[n,t,k] W[k,3k] H[n,t,k] G[n,t,4k] ?h0[n,k] ?int:lengths[n] ?M[n,k] "
    "-> dZ[n,t,3k] ?dh0[n,k] ; int reverse, int before")
row("gru_gradients", "H[n,t,k] dZ[n,t,3k] G[n,t,4k] ?h0[n,k] ?int:lengths[n] ?M[n,k] "
    "-> +dW[k,3k] ?+db[k] ; int reverse, int before")
row("recurrent_gradients", "H[n,t,k] dZ[n,t,j] ?h0[n,k] ?int:lengths[n] ?M[n,k] -> +dW[k,j] ; int reverse")
row("state_mask", "W[k,j] -> M[n,k] ; int n, float rate, int node, int reverse", state=("seed", "step"))
row("last_step", "X[n,t,k] ?int:lengths[n] ?h0[n,k] -> Y[n,k] ; int reverse")
row("last_step_backward", "dY[n,k] ?int:lengths[n] -> dX[n,t,k] ?dh0[n,k] ; int t, int reverse")
row("carry", "!S[n..] X[n..] ->")
row("mask", "X[n,h,w,d] int:lengths[n] -> Y[n,h,w,d]", in_place="Y=X")
row("output_lengths", "int:lengths[n] -> int:L[n] ; int window, int stride, int padding")

row("add", "A[n..] B[n..] -> Y[n..]", in_place="Y=A Y=B", step=True)
row("concat", "*Xs[n..,*] -> Y[n..,k] ; int widths[*]", sizes=joined)
row("split", "Y[n..,k] -> *Xs[n..,*] ; int widths[*]", sizes=joined)
row("permute", "X[a,b,c,d,e] -> Y[v,w,x,y,z] ; int axes[5]", sizes=permuted)
row("pad", "X[n,h,w,c] -> Y[n,i,j,c] ; int padding[4]", sizes=padded)
row("copy", "X[n..] -> Y[n..]")

row("add_bias", "X[n..,k] b[k] -> Y[n..,k]", in_place="Y=X")
row("bias_gradients", "dY[n..,k] -> +db[k]")
row("max_unpool2d_backward", f"dY[n,h,w,c] short:index[n,i,j,c] -> dX[n,i,j,c] ; {_POOLING}", sizes=pooled)
row("upsample2d", "X[n,h,w,c] -> Y[n,i,j,c] ; int factor[2], int bilinear", sizes=enlarged)
row("upsample2d_backward", "dY[n,i,j,c] -> dX[n,h,w,c] ; int factor[2], int bilinear", sizes=enlarged)

_TARGETS = "?int:t[n..] ?T[n..,k] ?weights[k]"
row("softmax_cross_entropy", f"X[n..,k] {_TARGETS} -> value[1] P[n..,k] total[1] "
    "; float smoothing, int ignored, int mean, float factor", in_place="P=X")
row("softmax_cross_entropy_backward", f"P[n..,k] {_TARGETS} total[1] -> dX[n..,k] "
    "; float smoothing, int ignored, float factor", in_place="dX=P")
row("cross_entropy", f"X[n..,k] {_TARGETS} -> value[1] total[1] "
    "; float smoothing, int ignored, int mean, float factor")
row("cross_entropy_backward", f"X[n..,k] {_TARGETS} total[1] -> dX[n..,k] "
    "; float smoothing, int ignored, float factor", in_place="dX=X")
row("binary_cross_entropy", "X[n..] T[n..] -> value[1] ; float factor")
row("binary_cross_entropy_backward", "X[n..] T[n..] -> dX[n..] ; float factor", in_place="dX=X")
row("sigmoid_binary_cross_entropy", "X[n..] T[n..] -> value[1] P[n..] ; float factor", in_place="P=X")
row("sigmoid_binary_cross_entropy_backward", "P[n..] T[n..] -> dX[n..] ; float factor", in_place="dX=P")
row("squared_error", "X[n..] T[n..] -> value[1] ; float factor")
row("squared_error_backward", "X[n..] T[n..] -> dX[n..] ; float factor", in_place="dX=X")
row("smooth_l1", "X[n..] T[n..] -> value[1] ; float beta, float factor")
row("smooth_l1_backward", "X[n..] T[n..] -> dX[n..] ; float beta, float factor", in_place="dX=X")

row("gradient_norm", "*gs[*] -> norm[1]")
row("clip_norm", "!g[p] norm[1] -> ; float most")
row("clip_value", "!g[p] -> ; float most")
row("max_norm", "!W[a..,k,b] -> ; float most")

_UPDATE = "float rate, float decay"
row("gradient_descent", f"!W[p] g[p] -> ; {_UPDATE}", state=("learning_rate",))
row("momentum", f"!W[p] g[p] !v[p] -> ; float momentum, int nesterov, {_UPDATE}", state=("learning_rate",))
row("adagrad", f"!W[p] g[p] !s[p] -> ; float epsilon, {_UPDATE}", state=("learning_rate",))
row("rmsprop", f"!W[p] g[p] !s[p] -> ; float rho, float epsilon, {_UPDATE}", state=("learning_rate",))
row("adam", f"!W[p] g[p] !m[p] !s[p] -> ; float beta1, float beta2, float epsilon, int decoupled, int born, {_UPDATE}",
    state=("learning_rate", "step"))

row("ctc_best_path", "X[t,k] -> int:path[t]")
row("ctc_read", "X[t,k] int:path[t] -> int:count[1] int:labels[t] int:spans[t,2] double:confidences[t] "
    "double:log_probability[1] ; int blank", sizes=read)
row("ctc_lattice", "X[t,k] int:labels[s] -> double:log_y[t,u] double:log_alpha[t,u] double:log_beta[t,u] "
    "double:log_probability[1] ; int blank", sizes=read)
row("ctc_best_states", "X[t,k] int:labels[s] -> int:path[t] ; int blank", sizes=read)
row("ctc_beam_search", "X[t,k] ?int:symbols[k] ?int:states[q,3] ?int:arcs[a,2] ?log_p[a] ?log_back[q] "
    "?int:nodes[r,3] ?int:branches[b,2] -> int:count[1] int:labels[w,t] double:log_probability[w] double:score[w] "
    "; int w, int blank, float weight, float bonus, int begin, int end", sizes=read)
row("global_max", "X[n,p,c] ?int:lengths[n] -> Y[n,c] ?int:index[n,c]")
row("global_max_backward", "dY[n,c] int:index[n,c] -> dX[n,p,c] ; int p")
row("ctc", "X[n,t,k] int:labels[n,s] ?int:lengths[n] ?int:label_lengths[n] -> value[1] losses[n] ?G[n,t,k] total[1] "
    "; int blank, int skip, int mean, float factor", sizes=read)
row("ctc_backward", "G[n,t,k] total[1] -> dX[n,t,k] ; float factor", in_place="dX=G")
# fmt: on


if __name__ == "__main__":
    # Run by the build, before the package exists: `python table.py --header waist.h`.
    sys.path.insert(0, str(__import__("pathlib").Path(__file__).parent))
    __import__("generate").main(sys.argv[1:])
