/* What a backend runs on: facts about the card and its libraries, and how fast it multiplies, for benches and checks.
 */
#ifndef MILLRACE_DEVICE_H_
#define MILLRACE_DEVICE_H_

#include "millrace/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mr_device_facts {
  char name[256];    /* "NVIDIA H100 80GB HBM3"; of "cpu" and "reference" the name of the backend */
  int32_t count;     /* devices of this kind that can be used */
  int32_t driver;    /* newest CUDA version that the driver knows, as 1000 * major + 10 * minor; 0 on the CPU */
  int32_t runtime;   /* CUDA version of this build, likewise */
  int32_t cublas_lt; /* versions of the libraries as these number them; 0: not found */
  int32_t cudnn;
  int32_t nccl;
  int32_t multiprocessors;
  uint64_t memory_bytes; /* of the card; 0 on the CPU */
  uint64_t free_bytes;
} mr_device_facts;

/* Facts about device `index` of a backend ("cpu", "reference" or "cuda"); MR_NO_DEVICE says what is missing. */
mr_code mr_device_facts_of(const char* backend, int32_t index, mr_device_facts* out);

/* Floating-point operations a second (a multiply-add is two) of products (n,n) x (n,n) of random numbers on device 0,
 * by the op that models use: the median of those run within about `seconds`. precision as in mr_trainer_config. */
mr_code mr_device_product_rate(const char* backend, const char* precision, int64_t n, double seconds, double* out);

#ifdef __cplusplus
}
#endif
#endif
