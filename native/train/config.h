// How a model is trained. Values are checked where they come in (api/); here they are taken as sound.
#ifndef MILLRACE_TRAIN_CONFIG_H_
#define MILLRACE_TRAIN_CONFIG_H_

#include <cstdint>

#include "core/step_control.h"
#include "core/tensor.h"
#include "model/config.h"
#include "model/recompute.h"
#include "model/shards.h"
#include "train/fault.h"
#include "train/optimizer.h"

namespace millrace {

struct TrainerConfig {
  ModelConfig model;
  DType dtype = DType::kF32;
  bool tf32 = false;  // f32 products read TF32
  int tensor_parallel = 1;
  int data_parallel = 1;
  bool processes = false;  // each rank is a process of its own; else all are threads of one
  int threads_per_rank = 1;
  int64_t sequence_length = 0;  // T
  int64_t micro_batch = 0;      // sequences a data-parallel rank at a time
  int64_t global_batch = 0;     // sequences a step, a multiple of micro_batch * data_parallel
  Recompute recompute = Recompute::kNone;
  bool verify_parallel = false;  // the same bits for every tensor_parallel and number of threads (model/shards.h)
  float dropout = 0;
  uint64_t seed = 0;
  double init_std = 0.02;
  LearningRateSchedule schedule;
  OptimizerSettings optimizer;
  LossScaleSettings loss_scale;
  Fault fault;

  int world() const { return tensor_parallel * data_parallel; }
  StepRules step_rules() const { return StepRules{schedule, loss_scale, optimizer.clip_norm}; }
  int tensor_shards() const { return verify_parallel ? verify_shards(model) : tensor_parallel; }
};

}  // namespace millrace

#endif  // MILLRACE_TRAIN_CONFIG_H_
