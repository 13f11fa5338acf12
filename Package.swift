// swift-tools-version: 6.2
import PackageDescription

// `Sources/` is the architecture. Arrows go down only: a target depends on targets listed above it.
// See docs/architecture.md for the map and its invariants.

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// Tests read C structures back and call system calls freely: the same settings without the memory-safety marks.
let strictTests: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let system = Target.Dependency.product(name: "SystemPackage", package: "swift-system")

func library(_ name: String, _ dependencies: Target.Dependency...) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: Target.Dependency..., exclude: [String] = []) -> Target {
  .testTarget(name: name, dependencies: dependencies + ["TestSupport"], exclude: exclude, swiftSettings: strictTests)
}

func systemLibrary(_ name: String, pkgConfig: String, apt package: String) -> Target {
  .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([package])])
}

let package = Package(
  name: "stack",
  products: [
    .executable(name: "stack", targets: ["stack"]),
    .library(name: "IsolationEngine", targets: ["IsolationEngine"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.0"),
  ],
  targets: [
    // System libraries, all from Debian's -dev packages, all linkable statically.
    systemLibrary("CYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
    systemLibrary("CNetlink", pkgConfig: "libnl-route-3.0", apt: "libnl-route-3-dev"),
    systemLibrary("CSeccomp", pkgConfig: "libseccomp", apt: "libseccomp-dev"),
    systemLibrary("CCapability", pkgConfig: "libcap", apt: "libcap-dev"),
    systemLibrary("CArchive", pkgConfig: "libarchive", apt: "libarchive-dev"),
    systemLibrary("CNettle", pkgConfig: "nettle", apt: "nettle-dev"),

    library("InternetAddress"),
    library("JSONDocument"),

    // The kernel, and nothing of stacks.
    .target(name: "CLinuxShim", cSettings: [.unsafeFlags(["-Wall", "-Wextra", "-Werror"])]),
    library("LinuxSystem", "CLinuxShim", system),
    library("LinuxNetlink", "LinuxSystem", "InternetAddress", "CLinuxShim", "CNetlink", system),
    library("LinuxFirewall", "LinuxSystem", "LinuxNetlink", "InternetAddress", "CNetlink"),
    library("LinuxCgroup", "LinuxSystem", "CLinuxShim", system),
    library("LinuxSystemd", "LinuxSystem", system),
    library("LinuxCapabilities", "LinuxSystem", "CCapability", "CLinuxShim", system),
    library("LinuxSeccomp", "LinuxCapabilities", "LinuxSystem", "CSeccomp", "CLinuxShim", system),
    library("LinuxMounts", "LinuxSystem", "CLinuxShim", system),
    library("LinuxArchive", "LinuxSystem", "CLinuxShim", "CArchive", "CNettle", system),
    library(
      "IsolationEngine", "LinuxSystem", "LinuxNetlink", "LinuxCgroup", "LinuxSystemd", "LinuxSeccomp",
      "LinuxCapabilities", "LinuxMounts", "InternetAddress", "CLinuxShim", system),

    // Stacks; the kernel only through the modules above.
    // The command line of OCI runtimes, over the engine alone.
    library(
      "StackOCI", "JSONDocument", "IsolationEngine", "LinuxSystem", "LinuxCgroup", "LinuxSeccomp", "LinuxCapabilities",
      "LinuxMounts",
      system),

    library("StackModel", "InternetAddress"),
    .target(name: "StackFile", dependencies: ["StackModel", "InternetAddress", "CYAML"], swiftSettings: strict),
    library("StackPlan", "StackModel", "InternetAddress"),
    library("StackLifecycle", "StackModel"),
    library("StackDNS", "InternetAddress"),
    library("StackLogs", "LinuxSystem", system),
    library("StackImages", "StackModel", "LinuxSystem", "LinuxArchive", system),
    library("StackStore", "StackModel", "StackLifecycle", "InternetAddress", "LinuxSystem", system),
    library(
      "StackEngine", "StackModel", "StackPlan", "StackLifecycle", "StackLogs", "StackImages", "StackStore",
      "IsolationEngine",
      "LinuxSystem", "LinuxNetlink", "LinuxFirewall", "LinuxCgroup", "LinuxSeccomp", "LinuxCapabilities",
      "LinuxMounts", "InternetAddress", system),
    library(
      "StackSupervisor", "StackEngine", "StackStore", "StackLifecycle", "StackDNS", "StackLogs", "StackModel",
      "IsolationEngine",
      "LinuxSystem", "InternetAddress", "CLinuxShim", system),
    .executableTarget(
      name: "stack",
      dependencies: [
        "StackSupervisor", "StackEngine", "StackFile", "StackPlan", "StackLifecycle", "StackLogs", "StackImages",
        "StackStore", "StackOCI",
        "StackModel", "IsolationEngine", "LinuxSystem", "LinuxCapabilities", "LinuxCgroup", "LinuxSeccomp",
        "LinuxMounts",
        "InternetAddress", "JSONDocument",
        argumentParser, system,
      ],
      swiftSettings: strict),

    .target(
      name: "TestSupport", dependencies: ["LinuxSystem", "CLinuxShim", system], path: "Tests/TestSupport",
      swiftSettings: strictTests),
    tests("LinuxSystemTests", "LinuxSystem"),
    tests("LinuxNetlinkTests", "LinuxNetlink", "InternetAddress", "LinuxSystem"),
    tests("LinuxFirewallTests", "LinuxFirewall", "LinuxNetlink", "InternetAddress", "LinuxSystem"),
    tests("LinuxCgroupTests", "LinuxCgroup", "LinuxSystem", system),
    tests("LinuxSystemdTests", "LinuxSystemd", "LinuxSystem", system, exclude: ["systemd.py"]),
    tests("LinuxSeccompTests", "LinuxSeccomp", "LinuxCapabilities", "LinuxSystem", "CLinuxShim"),
    tests("LinuxCapabilitiesTests", "LinuxCapabilities", "LinuxSystem", "CLinuxShim"),
    tests("LinuxArchiveTests", "LinuxArchive", "LinuxSystem", "CLinuxShim", system),
    tests("IsolationEngineTests", "IsolationEngine", "LinuxSystem"),
    tests("StackOCITests", "StackOCI", "JSONDocument", "IsolationEngine", "LinuxCgroup", "LinuxMounts", "LinuxSystem"),
    tests("StackFileTests", "StackFile", "StackModel", "InternetAddress", exclude: ["merge-vectors.yaml"]),
    tests("StackPlanTests", "StackPlan", "StackModel", "InternetAddress"),
    tests("StackDNSTests", "StackDNS", "InternetAddress"),
    tests("StackLifecycleTests", "StackLifecycle", "StackModel"),
    tests("StackLogsTests", "StackLogs", "LinuxSystem"),
    tests("StackImagesTests", "StackImages", "StackModel", "LinuxArchive", "LinuxSystem", system),
    .target(
      name: "ForeignBytes",
      dependencies: [
        "IsolationEngine", "JSONDocument", "LinuxArchive", "LinuxCapabilities", "LinuxSeccomp", "LinuxSystem",
        "StackDNS",
        "StackEngine", "StackImages", "StackOCI", "StackStore", "InternetAddress", system,
      ], path: "Fuzz/ForeignBytes", exclude: ["corpus"], swiftSettings: strict),
    tests("ForeignBytesTests", "ForeignBytes"),
    tests("EndToEndTests", "LinuxSystem", system),
  ]
)

// The main function of a fuzzer is libFuzzer's: the targets are only there for `make fuzz`.
if Context.environment["STACK_FUZZ"] != nil {
  package.targets += [
    .executableTarget(
      name: "StackFileFuzz", dependencies: ["StackFile", "StackModel"], path: "Fuzz/StackFile",
      exclude: ["corpus", "found"],
      swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]),
    .executableTarget(
      name: "ForeignFuzz", dependencies: ["ForeignBytes"], path: "Fuzz/Foreign",
      swiftSettings: strict + [.unsafeFlags(["-parse-as-library"])]),
  ]
}
