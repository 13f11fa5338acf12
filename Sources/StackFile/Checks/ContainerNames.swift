import StackModel

/// A container name belongs to one service of those that run at the same time, which is known when they start.
struct ContainerNames {
  let services: [DecodedService]
  let report: Report

  func check() {
    var owners: [String: String] = [:]
    for decoded in services {
      guard let name = decoded.service.containerName, let node = decoded.member.value["container_name"] else {
        continue
      }
      if let other = owners[name] {
        report.warning(
          node.mark, "services.\(decoded.service.name).container_name",
          "the container name \"\(name)\" is already that of the service \"\(other)\": only one of both can run")
      }
      owners[name] = decoded.service.name
    }
  }
}
