// The choice of an instruction set at run time. Users of this module pass a `KernelTable` around
// and never import a variant.

@_exported import KernelABI
import KernelBase

/// The kernels of one instruction set; call its static functions.
public typealias KernelTable = any KernelSet.Type
