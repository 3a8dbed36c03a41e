// CUDA's vector types, with its alignments: an access to a misaligned one is found (README.md).
#ifndef MILLRACE_EMULATOR_VECTOR_TYPES_H_
#define MILLRACE_EMULATOR_VECTOR_TYPES_H_

#define MR_VECTOR_TYPES(scalar, name, align2, align4)                                       \
  struct alignas(align2) name##2 {                                                          \
    scalar x, y;                                                                            \
  };                                                                                        \
  struct name##3 {                                                                          \
    scalar x, y, z;                                                                         \
  };                                                                                        \
  struct alignas(align4) name##4 {                                                          \
    scalar x, y, z, w;                                                                      \
  };                                                                                        \
  inline name##2 make_##name##2(scalar x, scalar y) { return name##2 {x, y}; }              \
  inline name##3 make_##name##3(scalar x, scalar y, scalar z) { return name##3 {x, y, z}; } \
  inline name##4 make_##name##4(scalar x, scalar y, scalar z, scalar w) { return name##4 {x, y, z, w}; }

MR_VECTOR_TYPES(unsigned char, uchar, 2, 4)
MR_VECTOR_TYPES(short, short, 4, 8)
MR_VECTOR_TYPES(unsigned short, ushort, 4, 8)
MR_VECTOR_TYPES(int, int, 8, 16)
MR_VECTOR_TYPES(unsigned, uint, 8, 16)
MR_VECTOR_TYPES(float, float, 8, 16)
MR_VECTOR_TYPES(double, double, 16, 16)
MR_VECTOR_TYPES(long long, longlong, 16, 16)
MR_VECTOR_TYPES(unsigned long long, ulonglong, 16, 16)
#undef MR_VECTOR_TYPES

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_size = 1, unsigned y_size = 1, unsigned z_size = 1) : x(x_size), y(y_size), z(z_size) {}
};

#endif  // MILLRACE_EMULATOR_VECTOR_TYPES_H_
