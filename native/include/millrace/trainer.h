/* The trainer: GPT-2 with tensor parallelism (Megatron-LM, Shoeybi et al. 2019) as one handle.
 *
 * A trainer runs its ranks as threads of this process: world = tensor_parallel * data_parallel; tensor-parallel ranks
 * are consecutive (paper, appendix B). Or each rank is a process: then this process's trainer has that one, every
 * process makes the same calls with the same arguments, and results are the same on all; mr_trainer_logits and tensors
 * by name need ranks as threads. The caller's thread hands out work and waits; a handle is used by one thread at a
 * time. All that changes the model (micro-batches, loss scale, clipping, schedule, optimizer) happens behind this
 * interface.
 */
#ifndef MILLRACE_TRAINER_H_
#define MILLRACE_TRAINER_H_

#include "millrace/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_trainer mr_trainer;

typedef enum mr_gelu { MR_GELU_TANH = 0, MR_GELU_ERF = 1 } mr_gelu;
typedef enum mr_schedule { MR_SCHEDULE_COSINE = 0, MR_SCHEDULE_LINEAR = 1, MR_SCHEDULE_CONSTANT = 2 } mr_schedule;
/* What the backward pass computes again instead of keeping it. It changes memory and time, never a bit of a result, but
 * for SELECTIVE on "cuda" in 16 bits: there GELU is else applied before its input is rounded.
 * SELECTIVE: outputs of LayerNorm and GELU. FULL: each layer from its input (activation checkpointing, paper 4.2).
 * Attention probabilities are computed again in any case. */
typedef enum mr_recompute { MR_RECOMPUTE_NONE = 0, MR_RECOMPUTE_SELECTIVE = 1, MR_RECOMPUTE_FULL = 2 } mr_recompute;

typedef struct mr_model_config {
  int32_t num_layers;
  int32_t hidden_size;       /* C */
  int32_t num_heads;         /* H, divides C */
  int32_t context_length;    /* rows of the position embedding */
  int32_t vocab_size;        /* true size; ids at or above it are never predicted */
  int32_t padded_vocab_size; /* V, a multiple of 128 * tensor_parallel */
  mr_gelu gelu;
  double layernorm_epsilon;
} mr_model_config;

/* Dynamic loss scaling (paper, section 4.2). All 0: the paper's 2^32, 1, 1000, 2. */
typedef struct mr_loss_scale {
  double initial;     /* of the first step; a power of two, as is minimum */
  double minimum;     /* an overflow at this scale ends the run (MR_DIVERGED) */
  int64_t window;     /* steps in a row without overflow that double it */
  int64_t hysteresis; /* overflows, the last of which halves it; restored when it doubles */
} mr_loss_scale;

typedef struct mr_trainer_config {
  mr_model_config model;
  const char* backend; /* "cpu", "reference" or "cuda": rank r on GPU r % GPUs */
  /* "fp32", "bf16" or "fp16": of activations and of the weights that products read; sums, statistics, gradients,
   * moments and the weights that the optimizer updates are fp32. "tf32", on cuda: fp32 tensors, whose products read
   * them rounded to 11 bits of significand. "fp64", of all, on the reference backend. */
  const char* precision;
  mr_loss_scale loss_scale; /* of "fp16"; all 0 for others, which are not scaled */
  int32_t tensor_parallel;
  int32_t data_parallel;
  int32_t processes;       /* 1: each rank is a process, which has joined the others (processes.h) */
  int32_t threads;         /* total over all ranks; 0: one a processor, of ranks as processes on each machine */
  int32_t sequence_length; /* T <= context_length */
  int32_t micro_batch;     /* sequences a data-parallel rank at a time */
  int32_t global_batch;    /* sequences a step; a multiple of micro_batch * data_parallel */
  mr_recompute recompute;
  int32_t verify_parallel; /* 1: the same bits for every tensor_parallel and number of threads; slower. Sums over what
                            * ranks share have one order, of the largest power of two of parts, at most 8, that divides
                            * num_heads: tensor_parallel divides that number, and 128 times it padded_vocab_size */
  double dropout;          /* embedding, attention probabilities, both residual branches */
  uint64_t seed;
  double init_std; /* N(0, init_std); attention output and second MLP weight / sqrt(2 * num_layers) (paper 4.2) */
  double learning_rate;
  double min_learning_rate;
  mr_schedule schedule;
  int64_t warmup_steps;
  int64_t decay_steps; /* the schedule reaches its floor at this step, warm-up included */
  double beta1, beta2, epsilon;
  double weight_decay; /* not on biases and LayerNorm parameters */
  double clip_norm;    /* global gradient norm; 0: no clipping */
  void* status_page;   /* mr_status_header and rows, see status_page.h; may be NULL */
  size_t status_page_bytes;
} mr_trainer_config;

typedef struct mr_step_result {
  int64_t step;     /* number of this step, from 1 */
  double loss;      /* mean over the counted tokens of the global batch, nats */
  double grad_norm; /* before clipping */
  double learning_rate;
  double loss_scale; /* of this step; 1 but for "fp16" */
  int64_t num_tokens;
  int32_t skipped;      /* 1: a non-finite gradient; nothing was updated, neither schedule nor moments advanced */
  const char* overflow; /* when skipped: operation, layer, tensor and rank of the first value that is not finite; else
                         * NULL; valid until the trainer's next call */
  double seconds;
  double communication_seconds; /* of rank 0: what its host spent in collectives, inside seconds */
} mr_step_result;

typedef struct mr_memory_plan {
  uint64_t parameter_bytes; /* of one rank, as are all; in bf16 and fp16 with the fp32 weights of the optimizer */
  uint64_t gradient_bytes;
  uint64_t optimizer_bytes;
  uint64_t activation_bytes;
  uint64_t total_bytes;    /* the size of the rank's arena, exact */
  uint64_t snapshot_bytes; /* of a rank of the first data-parallel group, besides: see mr_snapshot_create */
  uint64_t num_parameters; /* of the whole model, padded vocabulary included, duplicated ones once */
} mr_memory_plan;

/* 1 when this build can run the backend ("cpu", "reference" or "cuda") on this machine, else 0. */
int32_t mr_backend_available(const char* backend);
/* What is missing when it cannot: "this build has no CUDA; ..."; else "". Valid until this thread's next call. */
const char* mr_backend_reason(const char* backend);

/* Checks the config and plans without allocating; MR_INVALID_ARGUMENT names the field, what was expected and what came.
 */
mr_code mr_trainer_plan(const mr_trainer_config* config, mr_memory_plan* out);
/* Allocates, starts the ranks and initialises the parameters: the same for every tensor_parallel. */
mr_code mr_trainer_create(const mr_trainer_config* config, mr_trainer** out);
void mr_trainer_destroy(mr_trainer* trainer);

/* One optimizer step over the global batch.
 * tokens: (global_batch, T + 1) int32; inputs are [:, :T], targets [:, 1:]; a target of -1 is not counted, an input of
 * -1 has a position but no token (so rows may be padded at their end). At least one target is counted. samples:
 * (global_batch) global sample numbers, the identity of each row for dropout. Rows are borrowed for the call. */
mr_code mr_trainer_step(mr_trainer* trainer, const int32_t* tokens, const int64_t* samples, mr_step_result* out);

/* A step like any other under a clock, a little slower: where its time goes. Rows, those with most time first, are of
 * rank 0 and stay valid until the trainer's next call; calls of all layers are one row. */
typedef struct mr_op_time {
  const char* name; /* "mlp up forward: linear_gelu_forward"; "between ops": collectives, copies and pauses */
  int64_t calls;
  double seconds; /* on the device's clock */
} mr_op_time;
mr_code mr_trainer_profile(mr_trainer* trainer, const int32_t* tokens, const int64_t* samples, mr_step_result* out,
                           const mr_op_time** rows, int64_t* num_rows);

/* The step in two halves, for a device that works on one step while the host prepares the next: submit() enqueues it
 * and returns, collect() waits for the oldest that is outstanding and gives its result. Results are those of
 * mr_trainer_step, which is both halves at once. At most steps_ahead() + 1 steps are outstanding, 0 ahead on a backend
 * whose calls return when their work is done:
 *
 *   mr_trainer_submit(1), mr_trainer_submit(2), mr_trainer_collect() -> 1, mr_trainer_submit(3), ...
 *
 * A step behind one that was skipped does not happen until the skipped one is collected, and then as if it had been
 * submitted afterwards. seconds: since it was submitted or, if that is later, since the one before was collected. Every
 * other call that reads or changes the model's state is refused (MR_INVALID_ARGUMENT) while a step is outstanding. */
mr_code mr_trainer_steps_ahead(const mr_trainer* trainer, int32_t* out);
mr_code mr_trainer_submit(mr_trainer* trainer, const int32_t* tokens, const int64_t* samples);
mr_code mr_trainer_collect(mr_trainer* trainer, mr_step_result* out);

/* Sum of the losses (nats) and count of counted targets over num_sequences rows of T + 1 tokens; no dropout, no update.
 */
mr_code mr_trainer_evaluate(mr_trainer* trainer, const int32_t* tokens, int64_t num_sequences, double* loss_sum,
                            int64_t* num_tokens);

/* Logits (vocab_size floats) of the position after tokens[0..length), 1 <= length <= T; no dropout. */
mr_code mr_trainer_logits(mr_trainer* trainer, const int32_t* tokens, int64_t length, float* logits);

/* Checkpoint bytes: logical tensors, moments and counters in one safetensors file, written aside and renamed; any
 * tensor_parallel and data_parallel loads it. The metadata map holds "step" and the model config. See
 * docs/formats/checkpoint.md; checkpoint.h writes them while training goes on. A refusal (MR_IO, MR_CORRUPT,
 * MR_INVALID_ARGUMENT) leaves trainer and `path` as they were; after an error of any other call that is not
 * MR_INVALID_ARGUMENT the trainer can only be destroyed. */
mr_code mr_trainer_save(mr_trainer* trainer, const char* path);
mr_code mr_trainer_load(mr_trainer* trainer, const char* path);

/* Number of steps taken, counting those of a loaded checkpoint. */
mr_code mr_trainer_step_count(const mr_trainer* trainer, int64_t* out);

/* Logical tensors by name, as floats in row-major order of the whole model ("h.0.attn.qkv.weight": (3C, C)). For tests
 * and export. kind: "parameter" or "gradient" (of the last step, before clipping). */
mr_code mr_trainer_tensor_count(const mr_trainer* trainer, int64_t* out);
mr_code mr_trainer_tensor_info(const mr_trainer* trainer, int64_t index, const char** name, int64_t* rows,
                               int64_t* columns);
mr_code mr_trainer_read_tensor(mr_trainer* trainer, const char* kind, const char* name, float* out,
                               size_t num_elements);
mr_code mr_trainer_write_parameter(mr_trainer* trainer, const char* name, const float* values, size_t num_elements);

#ifdef __cplusplus
}
#endif
#endif
