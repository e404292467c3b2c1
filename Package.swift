// swift-tools-version: 6.2
import PackageDescription

// Swift 6 language mode follows from the tools version; warnings become errors where
// APUS_STRICT=1 is set (CI does), so that a newer compiler's new warning never stops a user.
let strict: [SwiftSetting] =
  Context.environment["APUS_STRICT"] == "1" ? [.treatAllWarnings(as: .error)] : []

/// Kernels, and what a training step runs through, are optimised in debug builds too: the tests run
/// them at full speed, and count that a step allocates nothing, which is true of optimised code.
/// Generic kernels need the whole module for that; two threads give an object per file, as SwiftPM's
/// index expects.
func kernelSettings(_ more: [SwiftSetting] = []) -> [SwiftSetting] {
  strict + [.unsafeFlags(["-O", "-wmo", "-num-threads", "2", "-disable-batch-mode"])] + more
}

/// In release builds these modules do without the run-time check that nobody else is using a property
/// (debug builds, and so the tests, have it): it took a quarter of a short all-reduce.
let unchecked =
  strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]

func module(
  _ name: String, _ dependencies: [Target.Dependency] = [], settings: [SwiftSetting] = strict
) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = [])
  -> Target
{
  .testTarget(
    name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

// One kernel source, compiled once per instruction set: Sources/KernelAVX2 and KernelAVX512 are
// symbolic links to Sources/KernelBase. An ARM build has KernelBase alone.
var kernelVariants: [Target] = [
  .target(
    name: "KernelBase", dependencies: ["CSIMD", "KernelABI"], swiftSettings: kernelSettings())
]
#if arch(x86_64)
  for (name, march, define) in [
    ("KernelAVX2", "x86-64-v3", "KERNEL_AVX2"), ("KernelAVX512", "x86-64-v4", "KERNEL_AVX512"),
  ] {
    kernelVariants.append(
      .target(
        name: name, dependencies: ["CSIMD", "KernelABI"],
        swiftSettings: kernelSettings([
          .define(define), .unsafeFlags(["-Xcc", "-march=\(march)"]),
        ])))
  }
#endif

let package = Package(
  name: "apus",
  products: [
    .executable(name: "apus", targets: ["apus"]),
    .library(name: "Basics", targets: ["Basics"]),
    .library(name: "Kernels", targets: ["Kernels"]),
    .library(name: "Messaging", targets: ["Messaging"]),
    .library(name: "MPIMessaging", targets: ["MPIMessaging"]),
    .library(name: "Collectives", targets: ["Collectives"]),
    .library(name: "Layers", targets: ["Layers"]),
    .library(name: "Optimizers", targets: ["Optimizers"]),
    .library(name: "Datasets", targets: ["Datasets"]),
    .library(name: "Strategies", targets: ["Strategies"]),
    .library(name: "Training", targets: ["Training"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.4.0"),
  ],
  targets: [
    .systemLibrary(
      name: "CMPI", pkgConfig: Context.environment["MPI_PKGCONFIG"] ?? "mpi",
      providers: [
        .apt(["libopenmpi-dev", "openmpi-bin"]), .yum(["openmpi-devel"]), .brew(["open-mpi"]),
      ]),
    .systemLibrary(
      name: "CZlib", pkgConfig: "zlib",
      providers: [.apt(["zlib1g-dev"]), .yum(["zlib-devel"]), .brew(["zlib"])]),
    .target(name: "CSIMD"),
    module("Basics", settings: kernelSettings()),
    .target(name: "KernelABI", swiftSettings: kernelSettings()),
    .target(
      name: "Kernels",
      dependencies: ["KernelABI", "CSIMD"] + kernelVariants.map { .byName(name: $0.name) },
      swiftSettings: kernelSettings()),
    module("Messaging", ["Basics", "Kernels"]),
    module("MPIMessaging", ["CMPI", "Messaging"], settings: unchecked),
    // Optimised in debug builds too: the verifier follows millions of transfers.
    module(
      "Collectives", ["Basics", "Kernels", "Messaging"], settings: kernelSettings() + unchecked),
    module("Layers", ["Basics", "Kernels"], settings: kernelSettings()),
    module("Optimizers", ["Basics", "Kernels"], settings: kernelSettings()),
    module(
      "Datasets",
      ["Basics", "Kernels", "CZlib", .product(name: "SystemPackage", package: "swift-system")]),
    module("Strategies", ["Collectives", "Layers", "Optimizers"], settings: kernelSettings()),
    module(
      "Training",
      [
        "Strategies", "Datasets", "CZlib", "Yams",
        .product(name: "SystemPackage", package: "swift-system"),
      ]),
    .executableTarget(
      name: "apus",
      dependencies: [
        "Training", "MPIMessaging", "Yams",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "kernel-bench",
      dependencies: ["Kernels", "Basics"] + kernelVariants.map { .byName(name: $0.name) },
      path: "benchmarks/KernelBench", swiftSettings: strict),
    .executableTarget(
      name: "library-example", dependencies: ["Training", "Layers", "Kernels", "MPIMessaging"],
      path: "Examples/Library", swiftSettings: strict),
    .executableTarget(
      name: "step-bench", dependencies: ["Training"], path: "benchmarks/StepBench",
      swiftSettings: strict),
    tests("BasicsTests", ["Basics"]),
    tests("KernelsTests", ["Kernels", "Basics"]),
    tests("MessagingTests", ["Messaging"]),
    tests("MPIMessagingTests", ["MPIMessaging", "Collectives"]),
    tests("CollectivesTests", ["Collectives"]),
    tests("LayersTests", ["Layers"]),
    tests("OptimizersTests", ["Optimizers"], resources: [.copy("Fixtures")]),
    tests("DatasetsTests", ["Datasets"]),
    .target(
      name: "AllocationCounter", path: "Tests/AllocationCounter", swiftSettings: kernelSettings(),
      linkerSettings: [
        // What stands before the C library's own must be seen by other libraries.
        .unsafeFlags(
          ["-Xlinker", "--defsym=malloc=apus_counting_malloc"]
            + ["malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign"].flatMap {
              ["-Xlinker", "--export-dynamic-symbol=\($0)"]
            }, .when(platforms: [.linux]))
      ]),
    tests("StrategiesTests", ["Strategies", "AllocationCounter"]),
    tests("TrainingTests", ["Training"]),
    tests("apusTests", ["apus", "Training"]),
  ] + kernelVariants
)
