/// Which services are part of the stack (Compose Specification, section Profiles).
struct ProfileSelection {
  private let active: Set<String>
  private let named: Set<String>

  init(context: LoadContext, environment: ProjectEnvironment) {
    var profiles = context.request.profiles
    if profiles.isEmpty {
      let list = environment.setting("PROFILES") ?? ""
      profiles = list.split(separator: ",", omittingEmptySubsequences: false).map {
        String($0.drop { $0 == " " }.prefix { $0 != " " })
      }
    }
    active = Set(profiles)
    named = Set(context.request.services)
  }

  /// A service without profiles always is; one that is named brings its profiles with it.
  func active(_ services: [Node.Member]) -> [Node.Member] {
    var active = active
    if !named.isEmpty {
      for service in services where named.contains(service.key) && !has(active, service) {
        active.formUnion((service.value["profiles"]?.items ?? []).compactMap(\.text))
      }
    }
    return services.filter { has(active, $0) }
  }

  private func has(_ active: Set<String>, _ service: Node.Member) -> Bool {
    let profiles = (service.value["profiles"]?.items ?? []).compactMap(\.text)
    return profiles.isEmpty || active.contains("*") || profiles.contains { active.contains($0) }
  }
}
