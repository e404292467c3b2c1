#pragma once
// The calling thread's floating-point mode.
#if defined(__x86_64__)
#include <immintrin.h>
// Results and operands below 2^-126 count as zero (MXCSR: flush to zero, denormals are zero).
static inline void csimd_flush_denormals(void) { _mm_setcsr(_mm_getcsr() | 0x8040); }
#elif defined(__aarch64__)
static inline void csimd_flush_denormals(void) {
  unsigned long long mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  __asm__ volatile("msr fpcr, %0" : : "r"(mode | (1ull << 24)));
}
#else
static inline void csimd_flush_denormals(void) {}
#endif
