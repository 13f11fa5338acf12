/// What keys of one service say of each other.
struct ServiceRules {
  let member: Node.Member
  let report: Report

  private var node: Node { member.value }
  private func path(_ key: String) -> String { "services.\(member.key).\(key)" }

  func check() {
    checkBuild()
    checkWatches()
    checkDevices(node["gpus"], "gpus")
    checkDevices(node["deploy"]?["resources"]?["reservations"]?["devices"], "deploy.resources.reservations.devices")
  }

  private func checkBuild() {
    guard let build = node["build"] else { return }
    if let inline = build.member("dockerfile_inline"), build["dockerfile"] != nil {
      report.error(
        inline.mark, path("build.dockerfile_inline"), "dockerfile: and dockerfile_inline: exclude each other",
        hint: "keep one of the two")
    }
    let platforms = (build["platforms"]?.items ?? []).compactMap(\.text)
    if let platform = node["platform"], let text = platform.text, !platforms.isEmpty, !platforms.contains(text) {
      report.error(
        platform.mark, path("platform"), "the platform \(text) is not among those of the build",
        hint: "they are \(platforms.joined(separator: ", "))")
    }
  }

  private func checkWatches() {
    for (index, watch) in (node["develop"]?["watch"]?.items ?? []).enumerated() {
      guard let action = watch["action"]?.text, action.hasPrefix("sync"), watch["target"] == nil else { continue }
      report.error(
        watch.mark, path("develop.watch[\(index)]"), "\(action) needs target:", hint: "the path in the container")
    }
  }

  private func checkDevices(_ devices: Node?, _ key: String) {
    for (index, device) in (devices?.items ?? []).enumerated() {
      guard let count = device.member("count"), device["device_ids"] != nil else { continue }
      report.error(
        count.mark, path("\(key)[\(index)]"), "count: and device_ids: exclude each other", hint: "keep one of the two")
    }
  }
}
