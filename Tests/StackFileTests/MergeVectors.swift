/// Merge cases of compose-go (github.com/compose-spec/compose-go, override/*_test.go at e70e961c, licence Apache-2.0), as
/// data: `override` laid over `base` means the same as `expected`.
struct MergeVector: Sendable {
  var id: String
  var base: String
  var override: String
  var expected: String
}

// swift-format-ignore
let mergeVectors: [MergeVector] = [
  MergeVector(
    id: "TestMergeAnnotationsSequence",
    base: """
      services:
        test:
          image: foo
          annotations:
            - FOO=BAR
      """,
    override: """
      services:
        test:
          annotations:
            - QIX=ZOT
            - EMPTY=
            - NIL
      """,
    expected: """
      services:
        test:
          image: foo
          annotations:
            - FOO=BAR
            - QIX=ZOT
            - EMPTY=
            - NIL
      """),
  MergeVector(
    id: "TestMergeAnnotationsMapping",
    base: """
      services:
        test:
          image: foo
          annotations:
            FOO: BAR
      """,
    override: """
      services:
        test:
          annotations:
            EMPTY: ""
            NIL: null
            QIX: ZOT
      """,
    expected: """
      services:
        test:
          image: foo
          annotations:
            - FOO=BAR
            - EMPTY=
            - NIL
            - QIX=ZOT
      """),
  MergeVector(
    id: "TestMergeAnnotationsNumbers",
    base: """
      services:
        test:
          annotations:
            FOO: 1
      """,
    override: """
      services:
        test:
          annotations:
            FOO: 3
      """,
    expected: """
      services:
        test:
          annotations:
            - FOO=3
      """),
  MergeVector(
    id: "Test_mergeYamlArgsMapping",
    base: """
      services:
        test:
          build:
            context: .
            args:
              FOO: BAR
            additional_contexts:
              source: https://github.com/myuser/project.git
      """,
    override: """
      services:
        test:
          build:
            context: .
            args:
              EMPTY: ""
              NIL: null
              QIX: ZOT
            additional_contexts:
              app: docker-image://my-app:latest
              resources: /path/to/resources
      """,
    expected: """
      services:
        test:
          build:
            context: .
            args:
             - FOO=BAR
             - EMPTY=
             - NIL
             - QIX=ZOT
            additional_contexts:
              - source=https://github.com/myuser/project.git
              - app=docker-image://my-app:latest
              - resources=/path/to/resources
      """),
  MergeVector(
    id: "TestMergeCAPSequence",
    base: """
      services:
        test:
          image: foo
          cap_add:
            - CAP_BPF
            - CAP_CHOWN
          cap_drop:
            - NET_ADMIN
            - SYS_ADMIN
      """,
    override: """
      services:
        test:
          cap_add:
            - CAP_KILL
            - CAP_CHOWN
          cap_drop:
            - NET_ADMIN
            - CAP_FOWNER
      """,
    expected: """
      services:
        test:
          image: foo
          cap_add:
            - CAP_BPF
            - CAP_CHOWN
            - CAP_KILL
          cap_drop:
            - NET_ADMIN
            - SYS_ADMIN
            - CAP_FOWNER
      """),
  MergeVector(
    id: "Test_mergeYamlDNSSequence",
    base: """
      services:
        test:
          image: foo
          dns:
            - 8.8.8.8
          dns_opt:
            - use-vc
          dns_search:
            - dc1.example.com
      """,
    override: """
      services:
        test:
          dns:
            - 9.9.9.9
          dns_opt:
            - no-tld-query
          dns_search:
            - dc2.example.com
      """,
    expected: """
      services:
        test:
          image: foo
          dns:
            - 8.8.8.8
            - 9.9.9.9
          dns_opt:
            - use-vc
            - no-tld-query
          dns_search:
            - dc1.example.com
            - dc2.example.com
      """),
  MergeVector(
    id: "TestMergeEnvFilesSequence",
    base: """
      services:
        test:
          image: foo
          env_file:
            - foo.env
      """,
    override: """
      services:
        test:
          env_file:
            - bar.env
            - baz.env
      """,
    expected: """
      services:
        test:
          image: foo
          env_file:
            - foo.env
            - bar.env
            - baz.env
      """),
  MergeVector(
    id: "Test_mergeYamlEnvironmentSequence",
    base: """
      services:
        test:
          image: foo
          environment:
            - FOO=BAR
      """,
    override: """
      services:
        test:
          environment:
            - QIX=ZOT
            - EMPTY=
            - NIL
      """,
    expected: """
      services:
        test:
          image: foo
          environment:
            - FOO=BAR
            - QIX=ZOT
            - EMPTY=
            - NIL
      """),
  MergeVector(
    id: "Test_mergeYamlEnvironmentMapping",
    base: """
      services:
        test:
          image: foo
          environment:
            FOO: BAR
      """,
    override: """
      services:
        test:
          environment:
            EMPTY: ""
            NIL: null
            QIX: ZOT
      """,
    expected: """
      services:
        test:
          image: foo
          environment:
            - FOO=BAR
            - EMPTY=
            - NIL
            - QIX=ZOT
      """),
  MergeVector(
    id: "TestMergeExtraHostsSequence",
    base: """
      services:
        test:
          image: foo
          extra_hosts:
            - example.com=1.2.3.4
      """,
    override: """
      services:
        test:
          extra_hosts:
            - localhost=127.0.0.1
            - example.com=1.2.3.4
            - example.com=4.3.2.1
      """,
    expected: """
      services:
        test:
          image: foo
          extra_hosts:
            - example.com=1.2.3.4
            - localhost=127.0.0.1
            - example.com=4.3.2.1
      """),
  MergeVector(
    id: "TestMergeExtraHostsMapping",
    base: """
      services:
        test:
          image: foo
          extra_hosts:
            "example.com": "1.2.3.4"
      """,
    override: """
      services:
        test:
          extra_hosts:
            "localhost": "127.0.0.1"
            "example.com": ["1.2.3.4", "4.3.2.1"]
      """,
    expected: """
      services:
        test:
          image: foo
          extra_hosts:
            - example.com=1.2.3.4
            - example.com=4.3.2.1
            - localhost=127.0.0.1
      """),
  MergeVector(
    id: "Test_mergeYamlLabelsSequence",
    base: """
      services:
        test:
          image: foo
          labels:
            - FOO=BAR
      """,
    override: """
      services:
        test:
          labels:
            - QIX=ZOT
            - EMPTY=
            - NIL
      """,
    expected: """
      services:
        test:
          image: foo
          labels:
            - FOO=BAR
            - QIX=ZOT
            - EMPTY=
            - NIL
      """),
  MergeVector(
    id: "Test_mergeYamlDeployLabelsMapping",
    base: """
      services:
        test:
          image: foo
          deploy:
            labels:
              FOO: BAR
      """,
    override: """
      services:
        test:
          deploy:
            labels:
              EMPTY: ""
              NIL: null
              QIX: ZOT
      """,
    expected: """
      services:
        test:
          image: foo
          deploy:
            labels:
              - FOO=BAR
              - EMPTY=
              - NIL
              - QIX=ZOT
      """),
  MergeVector(
    id: "Test_mergeYamlDeployLabelsMixed",
    base: """
      services:
        test:
          image: foo
          deploy:
            labels:
              FOO: BAR
      """,
    override: """
      services:
        test:
          deploy:
            labels:
              - QIX=ZOT
      """,
    expected: """
      services:
        test:
          image: foo
          deploy:
            labels:
              - FOO=BAR
              - QIX=ZOT
      """),
  MergeVector(
    id: "Test_mergeYamlBuildLabelsMapping",
    base: """
      services:
        test:
          image: foo
          build:
            labels:
              FOO: BAR
      """,
    override: """
      services:
        test:
          build:
            labels:
              EMPTY: ""
              NIL: null
              QIX: ZOT
      """,
    expected: """
      services:
        test:
          image: foo
          build:
            labels:
              - FOO=BAR
              - EMPTY=
              - NIL
              - QIX=ZOT
      """),
  MergeVector(
    id: "Test_mergeYamlBuildLabelsNumber",
    base: """
      services:
        test:
          build:
            labels:
              FOO: 1
      """,
    override: """
      services:
        test:
          build:
            labels:
              FOO: 3
      """,
    expected: """
      services:
        test:
          build:
            labels:
              - FOO=3
      """),
  MergeVector(
    id: "Test_mergeYamlLoggingSameDriver",
    base: """
      services:
        test:
          image: foo
          logging:
            driver: syslog
            options:
              syslog-address: "tcp://192.168.0.42:123"
      """,
    override: """
      services:
        test:
          logging:
            driver: syslog
            options:
              syslog-address: "tcp://127.0.0.1:123"
      """,
    expected: """
      services:
        test:
          image: foo
          logging:
            driver: syslog
            options:
              syslog-address: "tcp://127.0.0.1:123"
      """),
  MergeVector(
    id: "Test_mergeYamlLoggingDistinctDriver",
    base: """
      services:
        test:
          image: foo
          logging:
            driver: local
            options:
              max-size: "10m"
      """,
    override: """
      services:
        test:
          logging:
            driver: syslog
            options:
              syslog-address: "tcp://127.0.0.1:123"
      """,
    expected: """
      services:
        test:
          image: foo
          logging:
            driver: syslog
            options:
              syslog-address: "tcp://127.0.0.1:123"
      """),
  MergeVector(
    id: "Test_mergeYamlLoggingImplicitDriver",
    base: """
      services:
        test:
          image: foo
          logging:
            options:
              max-size: "10m"
      """,
    override: """
      services:
        test:
          logging:
            options:
              max-file: 3
      """,
    expected: """
      services:
        test:
          image: foo
          logging:
            options:
              max-size: "10m"
              max-file: 3
      """),
  MergeVector(
    id: "Test_mergeYamlServiceModelsLongSyntax",
    base: """
      services:
        test:
          image: foo
          models:
            llm:
              endpoint_var: AI_MODEL_URL
              model_var: AI_MODEL_NAME
      """,
    override: """
      services:
        test:
          models:
            embedding-model:
              endpoint_var: EMBEDDING_URL
              model_var: EMBEDDING_MODEL
      """,
    expected: """
      services:
        test:
          image: foo
          models:
            llm:
              endpoint_var: AI_MODEL_URL
              model_var: AI_MODEL_NAME
            embedding-model:
              endpoint_var: EMBEDDING_URL
              model_var: EMBEDDING_MODEL
      """),
  MergeVector(
    id: "Test_mergeYamlServiceModelsMixed",
    base: """
      services:
        test:
          image: foo
          models:
            - llm
            - embedding-model
      """,
    override: """
      services:
        test:
          models:
            vision-model:
              endpoint_var: VISION_URL
              model_var: VISION_MODEL
      """,
    expected: """
      services:
        test:
          image: foo
          models:
            llm:
            embedding-model:
            vision-model:
              endpoint_var: VISION_URL
              model_var: VISION_MODEL
      """),
  MergeVector(
    id: "Test_mergeYamlTopLevelModels",
    base: """
      services:
        test:
          image: foo
      models:
        llm:
          model: ai/smollm2
          context_size: 2048
          runtime_flags:
            - "--gpu"
      """,
    override: """
      services:
        test:
          image: foo
      models:
        embedding-model:
          model: ai/all-minilm
          context_size: 512
          runtime_flags:
            - "--cpu"
      """,
    expected: """
      services:
        test:
          image: foo
      models:
        llm:
          model: ai/smollm2
          context_size: 2048
          runtime_flags:
            - "--gpu"
        embedding-model:
          model: ai/all-minilm
          context_size: 512
          runtime_flags:
            - "--cpu"
      """),
  MergeVector(
    id: "Test_mergeYamlModelsMultipleServices",
    base: """
      services:
        go-genai:
          models:
            - llm
      models:
        llm:
          model: ai/smollm2
          context_size: 2048
      """,
    override: """
      services:
        node-genai:
          models:
            - llm
      models:
        llm:
          model: ai/smollm2
          context_size: 2048
      """,
    expected: """
      services:
        go-genai:
          models:
            - llm
        node-genai:
          models:
            - llm
      models:
        llm:
          model: ai/smollm2
          context_size: 2048
      """),
  MergeVector(
    id: "Test_mergeYamlServiceMount",
    base: """
      services:
        test:
          image: foo
          secrets:
            - foo
            - bar
            - zot
      """,
    override: """
      services:
        test:
          image: foo
          secrets:
            - source: zot
              target: /run/secrets/foo
      """,
    expected: """
      services:
        test:
          image: foo
          secrets:
            - source: zot
              target: /run/secrets/foo
            - bar
            - zot
      """),
  MergeVector(
    id: "TestMergeSysctlsMapping",
    base: """
      services:
        test:
          image: foo
          sysctls:
            "net.ipv6.conf.all.disable_ipv6": 1
      """,
    override: """
      services:
        test:
          sysctls:
            "net.ipv4.tcp_keepalive_time": "300"
      """,
    expected: """
      services:
        test:
          image: foo
          sysctls:
            - net.ipv6.conf.all.disable_ipv6=1
            - net.ipv4.tcp_keepalive_time=300
      """),
  MergeVector(
    id: "Test_mergeYamlUlimits",
    base: """
      services:
        test:
          image: foo
          ulimits:
            nofile:
                soft: 20000
                hard: 40000
            nproc: 65535
            locks:
                soft: 20000
                hard: 40000
      """,
    override: """
      services:
        test:
          image: foo
          ulimits:
            nofile:
                soft: 10000
                hard: 40000
            nproc:
                soft: 65535
            locks:
                hard: 65535
      """,
    expected: """
      services:
        test:
          image: foo
          ulimits:
            nofile:
                soft: 10000
                hard: 40000
            nproc:
                soft: 65535
            locks:
                hard: 65535
      """),
  MergeVector(
    id: "TestMergeVolumes",
    base: """
      services:
        test:
          image: foo
          volumes:
           - a:/a
           - type: bind
             source: ./b
             target: /b
      """,
    override: """
      services:
        test:
          volumes:
            - c:/c
      """,
    expected: """
      services:
        test:
          image: foo
          volumes:
            - a:/a
            - type: bind
              source: ./b
              target: /b
            - c:/c
      """),
]
