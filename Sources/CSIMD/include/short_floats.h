// Floats of 16 bits. Conversions round to nearest even, keep NaN (quiet, sign and upper payload)
// and turn what is too large into infinity; subnormal numbers are exact whatever the thread's mode
// of denormals is: the processor's conversions ignore it, and nothing else here computes with any.
// Part of csimd.h, whose types it needs.
#pragma once

// overflows      set where a finite number has at least the magnitude whose bits are `limit`
// to, from       bits of the format, as unsigned shorts
// load, store    as for floats
#define CSIMD_SHORTS(n, half)                                                                      \
  typedef unsigned short csimd_s##n __attribute__((ext_vector_type(n)));                           \
  typedef unsigned csimd_u##n __attribute__((ext_vector_type(n)));                                 \
  CSIMD csimd_i##n csimd_subtract(csimd_i##n a, csimd_i##n b) { return a - b; }                    \
  CSIMD int csimd_sum(csimd_i##n a) { return csimd_sum((csimd_i##half)(a.lo + a.hi)); }            \
  CSIMD csimd_i##n csimd_overflows(csimd_f##n a, int limit) {                                      \
    csimd_i##n magnitude = (csimd_i##n)a & 0x7fffffff;                                             \
    return magnitude >= limit & magnitude < 0x7f800000;                                            \
  }                                                                                                \
  CSIMD csimd_s##n csimd_to_bfloat16(csimd_f##n a) {                                               \
    csimd_u##n bits = (csimd_u##n)a;                                                               \
    csimd_u##n rounded = bits + 0x7fffu + (bits >> 16 & 1u);                                       \
    csimd_i##n isNaN = (csimd_i##n)(bits & 0x7fffffffu) > 0x7f800000;                              \
    return __builtin_convertvector((isNaN ? bits | 0x400000u : rounded) >> 16, csimd_s##n);        \
  }                                                                                                \
  CSIMD csimd_f##n csimd_from_bfloat16(csimd_s##n a) {                                             \
    return (csimd_f##n)(__builtin_convertvector(a, csimd_u##n) << 16);                             \
  }                                                                                                \
  CSIMD csimd_s##n csimd_load(const unsigned short *p, long count, csimd_s##n rest) {              \
    memcpy(&rest, p, count * sizeof(short));                                                       \
    return rest;                                                                                   \
  }                                                                                                \
  CSIMD void csimd_store(unsigned short *p, long count, csimd_s##n a) {                            \
    memcpy(p, &a, count * sizeof(short));                                                          \
  }

#if defined(__F16C__)
#define CSIMD_FLOAT16(n)                                                                           \
  typedef _Float16 csimd_h##n __attribute__((ext_vector_type(n)));                                 \
  CSIMD csimd_s##n csimd_to_float16(csimd_f##n a) {                                                \
    return (csimd_s##n)__builtin_convertvector(a, csimd_h##n);                                     \
  }                                                                                                \
  CSIMD csimd_f##n csimd_from_float16(csimd_s##n a) {                                              \
    return __builtin_convertvector((csimd_h##n)a, csimd_f##n);                                     \
  }
#else
// To: below 2^-14, adding 0.5 makes the addition round at the last bit of the format's subnormals;
// above, the integer is rounded, and the exponent takes the carry. From: the same, backwards.
#define CSIMD_FLOAT16(n)                                                                           \
  CSIMD csimd_s##n csimd_to_float16(csimd_f##n a) {                                                \
    csimd_u##n sign = (csimd_u##n)a >> 16 & 0x8000u;                                               \
    csimd_u##n bits = (csimd_u##n)a & 0x7fffffffu;                                                 \
    csimd_u##n small = (csimd_u##n)((csimd_f##n)bits + 0.5f) - 0x3f000000u;                        \
    csimd_u##n normal = (bits - 0x38000000u + 0xfffu + (bits >> 13 & 1u)) >> 13;                   \
    csimd_u##n large = (csimd_i##n)bits > 0x7f800000 ? (bits >> 13 & 0x3ffu) | 0x7e00u             \
                                                     : (csimd_u##n)0x7c00u;                        \
    csimd_u##n other = (csimd_i##n)bits >= 0x47800000 ? large : normal;                            \
    return __builtin_convertvector(                                                                \
        ((csimd_i##n)bits < 0x38800000 ? small : other) | sign, csimd_s##n);                       \
  }                                                                                                \
  CSIMD csimd_f##n csimd_from_float16(csimd_s##n a) {                                              \
    csimd_u##n wide = __builtin_convertvector(a, csimd_u##n);                                      \
    csimd_u##n sign = (wide & 0x8000u) << 16;                                                      \
    csimd_u##n bits = (wide & 0x7fffu) << 13;                                                      \
    csimd_u##n normal = bits + 0x38000000u;                                                        \
    csimd_u##n small = (csimd_u##n)((csimd_f##n)(bits + 0x38800000u) - 0x1p-14f);                  \
    csimd_u##n quiet = (csimd_u##n)((csimd_i##n)bits > 0xf800000) & 0x400000u;                     \
    csimd_u##n large = (bits + 0x70000000u) | quiet;                                               \
    csimd_u##n other = (csimd_i##n)bits >= 0xf800000 ? large : normal;                             \
    return (csimd_f##n)(((csimd_i##n)bits < 0x800000 ? small : other) | sign);                     \
  }
#endif

CSIMD int csimd_sum(csimd_i2 a) { return a[0] + a[1]; }

CSIMD_SHORTS(4, 2)
CSIMD_SHORTS(8, 4)
CSIMD_SHORTS(16, 8)
CSIMD_SHORTS(32, 16)
CSIMD_FLOAT16(4)
CSIMD_FLOAT16(8)
CSIMD_FLOAT16(16)
CSIMD_FLOAT16(32)
