"""The mathematics, one page a chapter: pure functions, arrays in, arrays out.

No state, no class, no engine: `dense(X, W, b)`, `dense_backward(dY, W)`, `dense_gradients(X, dY)`, side by
side as on a board. Every function of the engine has its page here under the same name; pages take its arrays
in order, its scalars by keyword, and return new arrays, never changing what they were given. They run on any
floating type, and on any array library that follows the array API standard unless the page says otherwise.
What a student reads, what tests judge by, and what runs where there is no compiled engine.
"""

from .activation import (
    elu,
    elu_backward,
    gelu,
    gelu_backward,
    leaky_relu,
    leaky_relu_backward,
    relu,
    relu_backward,
    sigmoid,
    sigmoid_backward,
    silu,
    silu_backward,
    tanh,
    tanh_backward,
)
from .adagrad import adagrad
from .adam import adam
from .batch_norm import (
    batch_norm,
    batch_norm_backward,
    batch_norm_fixed,
    batch_norm_fixed_backward,
    batch_norm_folded,
    batch_norm_gradients,
)
from .binary_cross_entropy import (
    binary_cross_entropy,
    binary_cross_entropy_backward,
    sigmoid_binary_cross_entropy,
    sigmoid_binary_cross_entropy_backward,
)
from .clipping import clip_norm, clip_value, gradient_norm, max_norm
from .convolution import conv2d, conv2d_backward, conv2d_gradients
from .convolution_1d import conv1d, conv1d_backward, conv1d_gradients
from .cross_entropy import (
    cross_entropy,
    cross_entropy_backward,
    softmax_cross_entropy,
    softmax_cross_entropy_backward,
)
from .ctc import ctc, ctc_backward
from .ctc_beam import ctc_beam_search
from .ctc_decoding import ctc_best_path, ctc_read
from .ctc_lattice import ctc_best_states, ctc_lattice
from .dense import dense, dense_backward, dense_gradients
from .dropout import dropout, dropout_backward
from .embedding import embedding, embedding_gradients
from .gradient_descent import gradient_descent, momentum
from .gru import gru, gru_backward, gru_gradients
from .highway import highway, highway_backward
from .layer_norm import layer_norm, layer_norm_backward, layer_norm_gradients
from .lengths import mask, output_lengths
from .lstm import lstm, lstm_backward
from .merge import add, concat, split
from .noise import gaussian_noise
from .padding import explicit_padding, output_size, pad
from .perceptron import perceptron, perceptron_update
from .pooling import (
    average_pool2d,
    average_pool2d_backward,
    global_average,
    global_average_backward,
    global_max,
    global_max_backward,
    max_pool2d,
    max_pool2d_backward,
)
from .recurrent import carry, last_step, last_step_backward, recurrent_gradients, state_mask
from .rmsprop import rmsprop
from .rnn import rnn, rnn_backward
from .shape import copy, permute
from .smooth_l1 import huber, huber_backward, smooth_l1, smooth_l1_backward
from .softmax import log_softmax, log_softmax_backward, softmax, softmax_backward
from .squared_error import squared_error, squared_error_backward
from .targets import one_hot
from .transposed import add_bias, bias_gradients, conv2d_transpose
from .upsampling import max_unpool2d, max_unpool2d_backward, upsample2d, upsample2d_backward

__all__ = [
    "adagrad",
    "adam",
    "add",
    "average_pool2d",
    "average_pool2d_backward",
    "batch_norm",
    "batch_norm_backward",
    "batch_norm_fixed",
    "batch_norm_fixed_backward",
    "batch_norm_folded",
    "batch_norm_gradients",
    "binary_cross_entropy",
    "binary_cross_entropy_backward",
    "carry",
    "clip_norm",
    "clip_value",
    "concat",
    "conv1d",
    "conv1d_backward",
    "conv1d_gradients",
    "conv2d",
    "conv2d_backward",
    "conv2d_gradients",
    "copy",
    "add_bias",
    "bias_gradients",
    "conv2d_transpose",
    "max_unpool2d",
    "max_unpool2d_backward",
    "upsample2d",
    "upsample2d_backward",
    "cross_entropy",
    "cross_entropy_backward",
    "ctc",
    "ctc_backward",
    "ctc_beam_search",
    "ctc_best_path",
    "ctc_best_states",
    "ctc_lattice",
    "ctc_read",
    "dense",
    "dense_backward",
    "dense_gradients",
    "dropout",
    "dropout_backward",
    "elu",
    "elu_backward",
    "embedding",
    "embedding_gradients",
    "explicit_padding",
    "gaussian_noise",
    "gelu",
    "gelu_backward",
    "global_average",
    "global_average_backward",
    "global_max",
    "global_max_backward",
    "gradient_descent",
    "gradient_norm",
    "gru",
    "gru_backward",
    "gru_gradients",
    "highway",
    "highway_backward",
    "huber",
    "huber_backward",
    "last_step",
    "last_step_backward",
    "layer_norm",
    "layer_norm_backward",
    "layer_norm_gradients",
    "leaky_relu",
    "leaky_relu_backward",
    "log_softmax",
    "log_softmax_backward",
    "lstm",
    "lstm_backward",
    "mask",
    "max_norm",
    "max_pool2d",
    "max_pool2d_backward",
    "momentum",
    "one_hot",
    "output_lengths",
    "output_size",
    "pad",
    "perceptron",
    "perceptron_update",
    "permute",
    "recurrent_gradients",
    "relu",
    "relu_backward",
    "rmsprop",
    "rnn",
    "rnn_backward",
    "sigmoid",
    "sigmoid_backward",
    "sigmoid_binary_cross_entropy",
    "sigmoid_binary_cross_entropy_backward",
    "silu",
    "silu_backward",
    "smooth_l1",
    "smooth_l1_backward",
    "softmax",
    "softmax_backward",
    "softmax_cross_entropy",
    "softmax_cross_entropy_backward",
    "split",
    "squared_error",
    "squared_error_backward",
    "state_mask",
    "tanh",
    "tanh_backward",
]
