/// The labels by which tools of docker compose find containers.
extension ContainerRecord {
  private static let prefix = "com.docker.compose."

  /// Kept with the record: what does not follow from the rest of it.
  package static let configurationFilesLabel = prefix + "project.config_files"
  package static let workingDirectoryLabel = prefix + "project.working_dir"

  /// The file's own labels, and those that docker compose gives to its containers.
  package var allLabels: [String: String] {
    var result = labels
    let own = [
      "project": project, "service": service, "config-hash": configuration, "container-number": "\(number)",
      "oneoff": isOneOff ? "True" : "False", "image": imageID, "depends_on": dependencies.joined(separator: ","),
    ]
    for (name, value) in own { result[Self.prefix + name] = value }
    return result
  }
}
