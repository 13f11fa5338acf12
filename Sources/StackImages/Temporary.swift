import StackModel
package struct ImageConfiguration: Sendable, Hashable { package var env: [String] = []; package var cmd: [String]?; package var entrypoint: [String]?; package var user = ""; package var workingDirectory = ""; package var volumes: [String] = []; package var stopSignal: String? }
package struct Image { package var id: String; package var layers: [String]; package var configuration: ImageConfiguration }
package struct ImageError: Error { }
package struct ImageStore { package init(dataDirectory: String) {}
  package func resolve(_ r: String) throws(ImageError) -> Image { throw ImageError() }
  package func unpackedArchive(path: String) throws(ImageError) -> String { throw ImageError() } }
