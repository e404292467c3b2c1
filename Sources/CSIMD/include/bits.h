// Work on the bits of floats, and random bits from counters. Part of csimd.h, whose types it needs.
#pragma once
#include "csimd.h"

// exponent       n, and
// significand    m, of a positive normal number 2^n m with m in sqrt(1/2)..<sqrt(2)
// counting       a, with 0, 1, 2, ... added to the lanes
// hash           32 random bits of a counter: two rounds of MurmurHash3's finaliser (Appleby), with
//                half of the key before each
// keep           b where the upper 31 bits of the hash reach the limit, else 0
#define CSIMD_BITS(n)                                                                              \
  CSIMD csimd_i##n csimd_exponent_bits(csimd_f##n a) { return ((csimd_i##n)a - 0x3f3504f3) >> 23; } \
  CSIMD csimd_f##n csimd_exponent(csimd_f##n a) {                                                  \
    return __builtin_convertvector(csimd_exponent_bits(a), csimd_f##n);                            \
  }                                                                                                \
  CSIMD csimd_f##n csimd_significand(csimd_f##n a) {                                               \
    return (csimd_f##n)((csimd_u##n)a - ((csimd_u##n)csimd_exponent_bits(a) << 23));               \
  }                                                                                                \
  CSIMD csimd_u##n csimd_finalised(csimd_u##n a) {                                                 \
    a = (a ^ a >> 16) * 0x85ebca6bu;                                                               \
    a = (a ^ a >> 13) * 0xc2b2ae35u;                                                               \
    return a ^ a >> 16;                                                                            \
  }                                                                                                \
  CSIMD csimd_u##n csimd_hash(csimd_u##n counters, unsigned key, unsigned second) {                \
    return csimd_finalised(csimd_finalised(counters ^ key) ^ second);                              \
  }                                                                                                \
  CSIMD csimd_f##n csimd_keep(csimd_u##n hash, int limit, csimd_f##n b) {                          \
    return (csimd_i##n)(hash >> 1) >= limit ? b : 0;                                               \
  }

CSIMD csimd_u4 csimd_counting(csimd_u4 a) { return a + (csimd_u4){0, 1, 2, 3}; }
CSIMD csimd_u8 csimd_counting(csimd_u8 a) { return a + (csimd_u8){0, 1, 2, 3, 4, 5, 6, 7}; }
CSIMD csimd_u16 csimd_counting(csimd_u16 a) {
  return a + (csimd_u16){0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
}

CSIMD_BITS(4)
CSIMD_BITS(8)
CSIMD_BITS(16)
