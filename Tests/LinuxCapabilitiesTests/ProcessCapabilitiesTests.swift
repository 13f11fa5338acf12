import CLinuxShim
import Glibc
import LinuxCapabilities
import LinuxSystem
import TestSupport
import Testing

@Suite struct ProcessCapabilitiesTests {
  /// The whole sequence of a container's first process, on a thread of its own, checked against the kernel's own account.
  @Test(.privateNamespace) func containersOrder() throws {
    let granted: CapabilitySet = [.chown, .netBindService, .setuid]
    let (state, status) = try onOwnThread { () -> (CapabilityState, String) in
      try ProcessCapabilities.dropBounding(keeping: granted)
      try ProcessCapabilities.setKeepCapabilities(true)
      try checked("setresgid", stk_setresgid(65534, 65534, 65534))
      try checked("setresuid", stk_setresuid(65534, 65534, 65534))
      try ProcessCapabilities.apply(
        CapabilityState(
          bounding: granted, effective: [.chown], permitted: granted, inheritable: [.netBindService]))
      try ProcessCapabilities.setAmbient([.netBindService])
      try ProcessCapabilities.setNoNewPrivileges()
      return (try ProcessCapabilities.current(), try Files.text("/proc/thread-self/status"))
    }
    #expect(state.bounding == granted)
    #expect(state.effective == .chown)
    #expect(state.permitted == granted)
    #expect(state.inheritable == .netBindService)
    #expect(state.ambient == .netBindService)
    func mask(_ key: String) -> UInt64? {
      status.split(separator: "\n").first { $0.hasPrefix("\(key):") }
        .flatMap { UInt64($0.split(whereSeparator: \.isWhitespace)[1], radix: 16) }
    }
    #expect(mask("CapBnd") == granted.rawValue)
    #expect(mask("CapEff") == CapabilitySet.chown.rawValue)
    #expect(mask("CapPrm") == granted.rawValue)
    #expect(mask("CapInh") == CapabilitySet.netBindService.rawValue)
    #expect(mask("CapAmb") == CapabilitySet.netBindService.rawValue)
    #expect(mask("NoNewPrivs") == 1)
  }

  @Test(.privateNamespace) func refusalsNameTheCapability() throws {
    try onOwnThread {
      try ProcessCapabilities.apply(CapabilityState(bounding: [], effective: [], permitted: [.chown]))
      // Nothing to drop: success without CAP_SETPCAP.
      try ProcessCapabilities.dropBounding(keeping: ProcessCapabilities.bounding())
      let drop = #expect(throws: SystemCallError.self) { try ProcessCapabilities.dropBounding(keeping: []) }
      #expect(drop == SystemCallError("prctl PR_CAPBSET_DROP", on: "CAP_CHOWN", .notPermitted))
      let raise = #expect(throws: SystemCallError.self) {
        try ProcessCapabilities.apply(CapabilityState(bounding: [], effective: [], permitted: [.chown, .kill]))
      }
      #expect(raise?.errno == .notPermitted)
      let ambient = #expect(throws: SystemCallError.self) { try ProcessCapabilities.setAmbient(.chown) }
      #expect(ambient?.object == "CAP_CHOWN")
    }
  }
}
