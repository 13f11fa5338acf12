import StackModel
import StackPlan
import Testing

/// `pre_start`: steps as services of their own.
@Suite struct InitStepsTests {
  private func services(_ steps: [InitStep], count: Int = 1, _ change: (inout Service) -> Void = { _ in }) -> [Service]
  {
    var web = service("web", "db healthy")
    web.root = .image("web")
    web.preStart = steps
    change(&web)
    var stack = Stack(name: "p", directory: "/")
    stack.services = [web, Service(name: "db", root: .host)]
    return stack.scaled(["web": count]).services.filter { $0.serviceName == "web" }
  }

  private func needs(_ services: [Service]) -> [String: [String]] {
    Dictionary(uniqueKeysWithValues: services.map { ($0.name, $0.dependencies.map(\.service)) })
  }

  private func step(perReplica: Bool = false) -> InitStep {
    var step = InitStep(command: ["x"])
    step.isPerReplica = perReplica
    return step
  }

  @Test func `each waits for those before it, and the service for all`() {
    let all = services([step(), step()], count: 2)
    #expect(
      needs(all) == [
        "web": ["db", "web pre_start[0]", "web pre_start[1]"], "web#2": ["db", "web pre_start[0]", "web pre_start[1]"],
        "web pre_start[0]": ["db"], "web pre_start[1]": ["db", "web pre_start[0]"],
      ])
    #expect(all[0].dependencies.map(\.condition) == [.healthy, .completedSuccessfully, .completedSuccessfully])
  }

  @Test func `those of a replica are for it alone`() {
    #expect(
      needs(services([step(perReplica: true), step()], count: 2)) == [
        "web": ["db", "web pre_start[0] of 1", "web pre_start[1]"],
        "web#2": ["db", "web pre_start[0] of 2", "web pre_start[1]"],
        "web pre_start[0] of 1": ["db"], "web pre_start[0] of 2": ["db"],
        "web pre_start[1]": ["db", "web pre_start[0] of 1", "web pre_start[0] of 2"],
      ])
    #expect(services([step()], count: 0).isEmpty)
  }

  @Test func `a step is the service for one command`() throws {
    var first = step()
    first.environment = [EnvironmentVariable("A", "2")]
    var other = step()
    other.image = "tool"
    let all = services([first, other]) { web in
      web.user = "app"
      web.entrypoint = ["serve"]
      web.workingDirectory = "/srv"
      web.environment = [EnvironmentVariable("A", "1"), EnvironmentVariable("B", "1")]
      web.ports = [PortMapping(containerPort: 80)]
      web.restart = .always
      web.mounts = [Mount(.volume(key: "data"), target: "/data")]
      var attachment = NetworkAttachment(network: "n")
      attachment.aliases = ["www"]
      web.networkMode = .networks([attachment])
    }
    let steps = all.filter { $0.initPlace != nil }
    #expect(steps.map(\.entrypoint) == [nil, nil] && steps.map(\.command) == [["x"], ["x"]])
    #expect(steps.map(\.user) == ["app", nil] && steps.map(\.workingDirectory) == ["/srv", "/srv"])
    #expect(steps.map(\.root) == [.image("web"), .image("tool")])
    #expect(steps[0].environment == [EnvironmentVariable("B", "1"), EnvironmentVariable("A", "2")])
    #expect(steps.allSatisfy { $0.ports.isEmpty && $0.restart == .no && $0.healthCheck?.isDisabled == true })
    // What the tool's image has in the place of the volume is not its first content.
    #expect(steps.map { $0.mounts[0].keepsEmpty } == [nil, true])
    #expect(steps[0].networkMode == .networks([NetworkAttachment(network: "n")]))
    #expect(
      steps.map { KernelNames.container(project: "p", $0) } == ["p-web-pre_start.0", "p-web-pre_start.1"])
  }
}
