// Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017): 60,000 and 10,000 grey pictures of 28 x 28 of ten
// kinds of clothing, as Debian packages it.

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Finds Fashion-MNIST on this machine.
public enum FashionMNIST {
  /// Where Debian's package dataset-fashion-mnist puts the files.
  public static let packageFolder = "/usr/share/datasets/fashion-mnist"
  /// Environment variable that names another folder.
  public static let variable = "FASHION_MNIST"

  /// Opens the folder that the environment names, else the package's.
  ///
  /// - Throws: `DataError` that says what to install, or what to use instead, where it is missing.
  public static func open() throws(DataError) -> DatasetPair {
    try open(named: getenv(variable).map { String(cString: $0) })
  }

  static func open(
    named: String?, installed: String = packageFolder
  ) throws(DataError) -> DatasetPair {
    if let named, !named.isEmpty { return try IDXFolder.open(named, classes: 10) }
    guard access(installed, F_OK) == 0 else {
      throw DataError(
        path: installed,
        problem: "no such folder; install the package dataset-fashion-mnist, set \(variable) to "
          + "a folder with the four files, or use --data generated")
    }
    return try IDXFolder.open(installed, classes: 10)
  }
}
