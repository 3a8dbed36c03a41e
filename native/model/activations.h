// The activations of one micro-batch between its forward and its backward pass, and the memory that layers share. The
// one place that knows what a recomputation policy keeps. Elements a layer, C channels, N rows, p tensor-parallel
// ranks, statistics (5 a row and head or so) left out:
//
//                              none      selective   full
//   r, middle.r                2 N C     2 N C       N C
//   y, middle.y (norms)        2 N C     -           -
//   qkv, attention             4 N C/p   4 N C/p     -
//   pre, gelu                  8 N C/p   4 N C/p     -
//
// What is not kept for each layer has one place for all of them. It holds the values of the last layer when the
// forward pass has ended, so that layer is never computed again.
#ifndef MILLRACE_MODEL_ACTIVATIONS_H_
#define MILLRACE_MODEL_ACTIVATIONS_H_

#include <vector>

#include "core/arena.h"
#include "model/config.h"
#include "model/recompute.h"

namespace millrace {

// A point of the residual stream and the norm taken of it.
struct NormedResidual {
  Tensor r;     // (B,T,C)
  Tensor y;     // (B,T,C)
  Tensor mean;  // (N)
  Tensor rstd;  // (N)
};

// What the backward pass of a layer reads, apart from the residual points around it.
struct LayerActivations {
  Tensor qkv;        // (B,T,3*C_p)
  Tensor attention;  // (B,T,C_p)
  Tensor lse;        // (B,H_p,T)
  NormedResidual middle;
  Tensor pre;   // (N,F_p)
  Tensor gelu;  // (N,F_p)
};

// Space that layers take in turn: nothing in it outlives a half layer.
struct LayerWorkspace {
  Tensor branch;      // (B,T,C)    a branch's output forward, the gradient to it backward
  Tensor dy;          // (B,T,C)    gradient to a norm's output
  Tensor dattention;  // (B,T,C_p)
  Tensor dqkv;        // (B,T,3*C_p)
  Tensor dpre;        // (N,F_p)
};

struct Activations {
  std::vector<NormedResidual> points;    // [l]: the input of layer l; [num_layers]: the final norm's, always its own
  std::vector<LayerActivations> layers;  // [l]
  LayerWorkspace space;
  Tensor dr;  // (B,T,C)

  // For up to `batch` sequences of `time` tokens on one of tensor_size ranks.
  Status allocate(DType dtype, const ModelConfig&, int tensor_size, Recompute, int64_t batch, int64_t time,
                  Arena& arena);
  // *out becomes this one's memory in a shape that is no larger.
  void view(const ModelConfig&, int tensor_size, int64_t batch, int64_t time, Activations* out) const;
};

}  // namespace millrace

#endif  // MILLRACE_MODEL_ACTIVATIONS_H_
