import Glibc
import LinuxSystem
import StackImages
import StackModel

/// Where a service's root file system is.
struct RootSource {
  let service: Service
  let store: ImageStore

  init(_ service: Service, store: ImageStore) {
    self.service = service
    self.store = store
  }

  struct Resolved {
    let layers: [String]
    let configuration: ImageConfiguration?
    let imageID: String
  }

  func resolve() throws(EngineError) -> Resolved {
    switch service.root {
    case .image(let reference):
      let image = try engineStep(service.name, kind: .imageUnavailable) { try store.resolve(reference) }
      try checkPlatform(of: image.configuration, reference)
      return Resolved(layers: image.layers, configuration: image.configuration, imageID: image.id)
    case .directory(let path):
      let status: stat
      do throws(SystemCallError) {
        status = try Files.status(path)
      } catch {
        throw EngineError(.imageUnavailable, service.name, "rootfs \(path): \(error.errno)")
      }
      guard status.st_mode & S_IFMT == S_IFDIR else {
        throw EngineError(.imageUnavailable, service.name, "rootfs \(path) is not a directory")
      }
      return Resolved(layers: [path], configuration: nil, imageID: path)
    case .archive(let path):
      let layer = try engineStep(service.name, kind: .imageUnavailable) { try store.unpackedArchive(path: path) }
      return Resolved(layers: [layer], configuration: nil, imageID: layer)
    case .host:
      return Resolved(layers: ["/"], configuration: nil, imageID: "host")
    }
  }

  /// A program for another processor would fail with "exec format error" when it is too late to say why.
  private func checkPlatform(of image: ImageConfiguration, _ reference: String) throws(EngineError) {
    guard let wanted = service.platform, !image.architecture.isEmpty, image.architecture != wanted.architecture else {
      return
    }
    throw EngineError(
      .imageUnavailable, service.name,
      "the image \(reference) is for \(image.os.isEmpty ? "linux" : image.os)/\(image.architecture), and platform: "
        + "asks for linux/\(wanted.architecture): bring that one in with \"stack image load\"")
  }
}
