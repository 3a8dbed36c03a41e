// Functions that run on the host and in CUDA kernels.
#ifndef MILLRACE_CORE_HOST_DEVICE_H_
#define MILLRACE_CORE_HOST_DEVICE_H_

#if defined(__CUDACC__)
#define MR_HOST_DEVICE __host__ __device__
#else
#define MR_HOST_DEVICE
#endif

#endif  // MILLRACE_CORE_HOST_DEVICE_H_
