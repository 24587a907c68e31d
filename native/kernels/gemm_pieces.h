// Products that are cut along k: each piece makes a C of its own, these are added up in order.
//
// Where C is small and k long (weight gradients) there is no other way to give every thread work. Where few rows meet a
// matrix of weights, it makes thread and memory agree: a thread reads the same rows of W that it updates, in the product
// that makes their gradients and in the optimizer, and they stay in its cache.
#pragma once
#include "kernels/gemm.h"

namespace kn::KN_TARGET {

int64_t pieces_of(const Product& product);                  // 1: not cut
void gemm_in_pieces(const Product& product, int64_t pieces);
void gemm_undivided(const Product& product);                // m, n > 0

}  // namespace kn::KN_TARGET
