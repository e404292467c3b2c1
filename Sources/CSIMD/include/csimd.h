// Vector intrinsics that Swift lacks, one line each. A vector of n floats imports as SIMDn<Float>;
// the functions are overloaded by width and always inlined, so that they compile to the
// instructions of the Swift module that uses them: one register, or two where the vector is wider.
//
// Why not the standard library's own operations: Swift never contracts a * b + c, addingProduct
// spills at twice the register width, pointwiseMax, squareRoot and the rounding conversions are
// loops over lanes, and so are even + and * where LLVM fails to put the lanes together again.
#pragma once
#include "denormals.h"
#include <string.h>
#if defined(__AVX512F__)
#include <immintrin.h>
#endif

/// The widest x86-64 level that processor and operating system support: 4 (AVX-512), 3 (AVX2 and
/// FMA), else 0.
int csimd_level(void);

#pragma clang assume_nonnull begin

#define CSIMD static inline __attribute__((always_inline, overloadable, unused))

#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
#define CSIMD_FMA(a, b, c) __builtin_elementwise_fma(a, b, c)
#else // would be a call of fmaf per lane
#define CSIMD_FMA(a, b, c) ((a) * (b) + (c))
#endif

#define CSIMD_TYPES(n)                                                                             \
  typedef float csimd_f##n __attribute__((ext_vector_type(n)));                                    \
  typedef double csimd_d##n __attribute__((ext_vector_type(n)));                                   \
  typedef int csimd_i##n __attribute__((ext_vector_type(n)));                                      \
  typedef unsigned char csimd_b##n __attribute__((ext_vector_type(n)));
CSIMD_TYPES(2)
CSIMD_TYPES(4)
CSIMD_TYPES(8)
CSIMD_TYPES(16)
CSIMD_TYPES(32)

// Sums and maxima over lanes halve the vector each time: a fixed order.
CSIMD float csimd_sum(csimd_f2 a) { return a[0] + a[1]; }
CSIMD double csimd_sum(csimd_d2 a) { return a[0] + a[1]; }
CSIMD float csimd_largest(csimd_f2 a) { return a[0] > a[1] ? a[0] : a[1]; }

// fma            a b + c, with a scalar a broadcast
// max, min       the second operand where either is NaN, as the processor's own instruction has it
// two_to_the     2^n, for the integer n in the low bits of a float
// select         b where the mask is set, else c
// load           the first `count` floats, beyond them those of `rest`
// store          of the first `count` floats
#define CSIMD_WIDTH(n, half)                                                                       \
  CSIMD csimd_f##n csimd_fma(float a, csimd_f##n b, csimd_f##n c) {                                \
    return CSIMD_FMA((csimd_f##n)a, b, c);                                                         \
  }                                                                                                \
  CSIMD csimd_f##n csimd_fma(csimd_f##n a, csimd_f##n b, csimd_f##n c) {                           \
    return CSIMD_FMA(a, b, c);                                                                     \
  }                                                                                                \
  CSIMD csimd_f##n csimd_add(csimd_f##n a, csimd_f##n b) { return a + b; }                         \
  CSIMD csimd_f##n csimd_subtract(csimd_f##n a, csimd_f##n b) { return a - b; }                    \
  CSIMD csimd_f##n csimd_multiply(csimd_f##n a, csimd_f##n b) { return a * b; }                    \
  CSIMD csimd_f##n csimd_divide(csimd_f##n a, csimd_f##n b) { return a / b; }                      \
  CSIMD csimd_f##n csimd_two_to_the(csimd_f##n a) {                                                \
    return (csimd_f##n)(((csimd_i##n)a + 127) << 23);                                              \
  }                                                                                                \
  CSIMD csimd_d##n csimd_add(csimd_d##n a, csimd_d##n b) { return a + b; }                         \
  CSIMD csimd_f##n csimd_max(csimd_f##n a, csimd_f##n b) { return a > b ? a : b; }                 \
  CSIMD csimd_f##n csimd_min(csimd_f##n a, csimd_f##n b) { return a < b ? a : b; }                 \
  CSIMD csimd_f##n csimd_sqrt(csimd_f##n a) { return __builtin_elementwise_sqrt(a); }              \
  CSIMD csimd_i##n csimd_greater(csimd_f##n a, csimd_f##n b) { return a > b; }                     \
  CSIMD csimd_i##n csimd_greater_or_nan(csimd_f##n a, csimd_f##n b) { return a > b | a != a; }     \
  CSIMD csimd_i##n csimd_at_most(csimd_f##n a, csimd_f##n b) { return a <= b; }                    \
  CSIMD csimd_i##n csimd_negated(csimd_i##n a) { return -a; }                                      \
  CSIMD csimd_i##n csimd_equal(csimd_i##n a, csimd_i##n b) { return a == b; }                      \
  CSIMD csimd_f##n csimd_select(csimd_i##n mask, csimd_f##n b, csimd_f##n c) {                     \
    return mask ? b : c;                                                                           \
  }                                                                                                \
  CSIMD csimd_i##n csimd_select(csimd_i##n mask, csimd_i##n b, csimd_i##n c) {                     \
    return mask ? b : c;                                                                           \
  }                                                                                                \
  CSIMD csimd_b##n csimd_bytes(csimd_i##n a) { return __builtin_convertvector(a, csimd_b##n); }    \
  CSIMD csimd_i##n csimd_integers(csimd_b##n a) { return __builtin_convertvector(a, csimd_i##n); } \
  CSIMD csimd_f##n csimd_floats(csimd_b##n a) { return __builtin_convertvector(a, csimd_f##n); }   \
  CSIMD csimd_d##n csimd_doubles(csimd_f##n a) { return __builtin_convertvector(a, csimd_d##n); }  \
  CSIMD csimd_d##n csimd_fma(csimd_d##n a, csimd_d##n b, csimd_d##n c) {                           \
    return CSIMD_FMA(a, b, c);                                                                     \
  }                                                                                                \
  CSIMD float csimd_sum(csimd_f##n a) { return csimd_sum((csimd_f##half)(a.lo + a.hi)); }          \
  CSIMD double csimd_sum(csimd_d##n a) { return csimd_sum((csimd_d##half)(a.lo + a.hi)); }         \
  CSIMD float csimd_largest(csimd_f##n a) {                                                        \
    return csimd_largest((csimd_f##half)(a.lo > a.hi ? a.lo : a.hi));                              \
  }                                                                                                \
  CSIMD csimd_b##n csimd_load(const unsigned char *p, long count, csimd_b##n rest) {               \
    memcpy(&rest, p, count);                                                                       \
    return rest;                                                                                   \
  }                                                                                                \
  CSIMD void csimd_store(unsigned char *p, long count, csimd_b##n a) { memcpy(p, &a, count); }

CSIMD_WIDTH(4, 2)
CSIMD_WIDTH(8, 4)
CSIMD_WIDTH(16, 8)
CSIMD_WIDTH(32, 16)

#define CSIMD_PARTIAL(n)                                                                           \
  CSIMD csimd_f##n csimd_load(const float *p, long count, csimd_f##n rest) {                       \
    memcpy(&rest, p, count * sizeof(float));                                                       \
    return rest;                                                                                   \
  }                                                                                                \
  CSIMD void csimd_store(float *p, long count, csimd_f##n a) {                                     \
    memcpy(p, &a, count * sizeof(float));                                                          \
  }
CSIMD_PARTIAL(4)
CSIMD_PARTIAL(8)

#if defined(__AVX512F__)
CSIMD csimd_f16 csimd_load(const float *p, long count, csimd_f16 rest) {
  return (csimd_f16)_mm512_mask_loadu_ps((__m512)rest, (__mmask16)((1u << count) - 1), p);
}
CSIMD void csimd_store(float *p, long count, csimd_f16 a) {
  _mm512_mask_storeu_ps(p, (__mmask16)((1u << count) - 1), (__m512)a);
}
CSIMD csimd_f32 csimd_load(const float *p, long count, csimd_f32 rest) {
  unsigned mask = (unsigned)((1ull << count) - 1);
  csimd_f32 a;
  a.lo = (csimd_f16)_mm512_mask_loadu_ps((__m512)rest.lo, (__mmask16)mask, p);
  a.hi = (csimd_f16)_mm512_mask_loadu_ps((__m512)rest.hi, (__mmask16)(mask >> 16), p + 16);
  return a;
}
CSIMD void csimd_store(float *p, long count, csimd_f32 a) {
  unsigned mask = (unsigned)((1ull << count) - 1);
  _mm512_mask_storeu_ps(p, (__mmask16)mask, (__m512)a.lo);
  _mm512_mask_storeu_ps(p + 16, (__mmask16)(mask >> 16), (__m512)a.hi);
}
#else
CSIMD_PARTIAL(16)
CSIMD_PARTIAL(32)
#endif

// Halves to a whole. LLVM would move the join behind the shuffles that follow, and double them.
#if defined(__AVX__)
#define CSIMD_OPAQUE(a) __asm__("" : "+v"(a))
#else
#define CSIMD_OPAQUE(a)
#endif
CSIMD csimd_f8 csimd_join(csimd_f4 a, csimd_f4 b) {
  csimd_f8 c = __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
  CSIMD_OPAQUE(c);
  return c;
}
CSIMD csimd_f16 csimd_join(csimd_f8 a, csimd_f8 b) {
  csimd_f16 c =
      __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#if defined(__AVX512F__)
  CSIMD_OPAQUE(c);
#endif
  return c;
}

// Steps of transposes. In each group of four lanes: the first two floats of a and b in turn, the
// last two in turn; the first two of a, then of b; the last two of a, then of b.
#define CSIMD_LANE(n, at, i) ((i) < 4 ? (i) + (at) : (i) - 4 + (at) + (n))
#define CSIMD_FOUR(n, at, w, x, y, z)                                                              \
  CSIMD_LANE(n, at, w), CSIMD_LANE(n, at, x), CSIMD_LANE(n, at, y), CSIMD_LANE(n, at, z)
#define CSIMD_STEP(name, w, x, y, z)                                                               \
  CSIMD csimd_f4 csimd_##name(csimd_f4 a, csimd_f4 b) {                                            \
    return __builtin_shufflevector(a, b, CSIMD_FOUR(4, 0, w, x, y, z));                            \
  }                                                                                                \
  CSIMD csimd_f8 csimd_##name(csimd_f8 a, csimd_f8 b) {                                            \
    return __builtin_shufflevector(                                                                \
        a, b, CSIMD_FOUR(8, 0, w, x, y, z), CSIMD_FOUR(8, 4, w, x, y, z));                         \
  }                                                                                                \
  CSIMD csimd_f16 csimd_##name(csimd_f16 a, csimd_f16 b) {                                         \
    return __builtin_shufflevector(                                                                \
        a, b, CSIMD_FOUR(16, 0, w, x, y, z), CSIMD_FOUR(16, 4, w, x, y, z),                        \
        CSIMD_FOUR(16, 8, w, x, y, z), CSIMD_FOUR(16, 12, w, x, y, z));                            \
  }
CSIMD_STEP(first_in_turn, 0, 4, 1, 5)
CSIMD_STEP(last_in_turn, 2, 6, 3, 7)
CSIMD_STEP(first_halves, 0, 1, 4, 5)
CSIMD_STEP(last_halves, 2, 3, 6, 7)

/// p, of which the compiler knows nothing any more: it would replace addresses that few registers
/// make up by many that it keeps in memory.
CSIMD const float *csimd_opaque(const float *p) {
  __asm__("" : "+r"(p));
  return p;
}

/// Asks for the line at p before it is needed.
CSIMD void csimd_prefetch(const void *p) { __builtin_prefetch(p, 0, 3); }
/// As `csimd_prefetch`, but only into the second-level cache.
CSIMD void csimd_prefetch_far(const void *p) { __builtin_prefetch(p, 0, 2); }

/// Natural logarithm.
CSIMD double csimd_log(double x) { return __builtin_log(x); }

#pragma clang assume_nonnull end

#include "short_floats.h"
#include "bits.h"
