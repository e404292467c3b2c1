#pragma once
#include "csimd.h"

// The four operations of whole vectors: the standard library's are generic, and at twice the
// register width they are left as loops over lanes.
#define CSIMD_ARITHMETIC(n)                                                                        \
  CSIMD csimd_f##n csimd_minus(csimd_f##n a, csimd_f##n b) { return a - b; }                       \
  CSIMD csimd_f##n csimd_times(csimd_f##n a, csimd_f##n b) { return a * b; }                       \
  CSIMD csimd_f##n csimd_over(csimd_f##n a, csimd_f##n b) { return a / b; }

CSIMD_ARITHMETIC(4)
CSIMD_ARITHMETIC(8)
CSIMD_ARITHMETIC(16)
CSIMD_ARITHMETIC(32)
