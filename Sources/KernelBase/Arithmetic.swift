// The four operations on this variant's vectors. The standard library's own are generic: at one
// register's width the optimiser turns them into one instruction, at two it leaves loops over lanes
// that go through memory (Adam and sums ran 30 times slower on AVX-512).

import CSIMD

@inline(__always) func + (a: Wide, b: Wide) -> Wide { csimd_add(a, b) }
@inline(__always) func - (a: Wide, b: Wide) -> Wide { csimd_minus(a, b) }
@inline(__always) func * (a: Wide, b: Wide) -> Wide { csimd_times(a, b) }
@inline(__always) func / (a: Wide, b: Wide) -> Wide { csimd_over(a, b) }

@inline(__always) func + (a: Half, b: Half) -> Half { csimd_add(a, b) }
@inline(__always) func - (a: Half, b: Half) -> Half { csimd_minus(a, b) }
@inline(__always) func * (a: Half, b: Half) -> Half { csimd_times(a, b) }
@inline(__always) func / (a: Half, b: Half) -> Half { csimd_over(a, b) }
