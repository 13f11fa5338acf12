extension KeyTable {
  /// The keys at the top of a stack file.
  static let top = KeyTable(
    "stack file",
    [
      Key("name", .text, "The project name; -p and STACK_PROJECT_NAME win over it"),
      Key("version", .textOrNumber, .obsolete, "Had a meaning in old versions of the format"),
      Key(
        "include",
        .nullable(.list(.form(.inclusions, .either([.text, .record(.inclusion)])))),
        "Other stack files that are part of this one, each with its own directory and .env"),
      Key(
        "services", .dictionary(.record(.service), .resource),
        "The services of the stack, in the order in which they are shown"),
      Key("networks", .dictionary(.nullable(.record(.network)), .resource), "The networks that services may join"),
      Key(
        "volumes", .dictionary(.nullable(.record(.volume)), .resource), "The volumes that services may mount by name"),
      Key("secrets", .dictionary(.record(.secret), .resource), "Files with secrets that services may use"),
      Key("configs", .dictionary(.record(.config), .resource), "Files with settings that services may use"),
      Key(
        "models", .dictionary(.record(.model), .resource), .never("run the model as a service"), "Language models"),
    ])

  static let inclusion = KeyTable(
    "include", isOpen: true,
    [
      Key("path", .stringOrList, "The file, or several of which later ones are merged into the first", required: true),
      Key("project_directory", .textOrNumber, "Where its relative paths start; without it, the directory of the file"),
      Key("env_file", .stringOrList, "Its variables; without it, .env of its directory"),
    ])

  static let volume = KeyTable(
    "volume", isNamed: true,
    [
      Key("name", .text, "The volume's name in the store; without it, <project>_<key>"),
      Key("external", .external, "The volume exists already: it is neither made nor removed"),
      Key("labels", .labels, "Labels of the volume"),
      Key("driver", .text, "local, which is the default, is the only driver"),
      Key(
        "driver_opts", .options,
        "What the local driver mounts: a directory with type: none, o: bind and device:; others are accepted, not acted on yet"
      ),
    ])

  private static let objectKeys = [
    Key("name", .text, "Its name on the machine; without it, <project>_<key>"),
    Key("file", .text, "The file that has it"),
    Key("environment", .text, "The variable that has it"),
    Key("external", .external, "It exists already on the machine"),
    Key("labels", .labels, .noEffect("labels of a cluster's store"), "Labels"),
    Key("driver", .text, .never("there is no cluster"), "Who keeps it"),
    Key("driver_opts", .options, .never("there is no cluster"), "Options of the driver"),
    Key("template_driver", .text, .never("there is no cluster"), "How its text is made"),
  ]

  static let secret = KeyTable("secret", isNamed: true, objectKeys)

  static let config = KeyTable(
    "config", isNamed: true, objectKeys + [Key("content", .text, "Its text")])

  static let model = KeyTable(
    "model", isNamed: true,
    [
      Key("name", .text, "Its name"),
      Key("model", .text, "The model", required: true),
      Key("context_size", .whole, "The number of tokens that it sees"),
      Key("runtime_flags", .strings, "Flags of the program that runs it"),
    ])

  static let externalName = KeyTable(
    "external", isOpen: true, [Key("name", .text, .obsolete, "Use name: beside external: true")])
}

extension Shape {
  static let external = Shape.form(.external, .either([.boolean, .record(.externalName)]))
}
