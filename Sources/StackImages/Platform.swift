/// The platform of this machine, in the words of image documents (Go's).
enum Platform {
  static let os = "linux"
  #if arch(x86_64)
    static let architecture = "amd64"
  #elseif arch(arm64)
    static let architecture = "arm64"
  #endif
}
