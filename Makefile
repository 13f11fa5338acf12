# Targets for people and for CI; `make help` lists them.

PREFIX ?= /usr/local
DESTDIR ?=
# Arguments of `swift test`, for example: make test ARGUMENTS="--filter StackPlanTests"
ARGUMENTS ?=
# Arguments of chaos.py, for example: make chaos CHAOS="--only kill-up --verbose"
CHAOS ?=
# Arguments of bars.py, for example: make bars BARS="--only cycles,execs --scale 0.1"
BARS ?=
# Arguments of soak.py, for example: make soak SOAK="--kills 20 --seed 7"
SOAK ?=
# Arguments of bench/run.py, for example: make bench BENCH="--only logs"
BENCH ?=
# What `make fuzz` feeds: nothing is the loader of stack files, or tar, image, bundle, seccomp, dns, records.
FUZZ ?=
# How long `make fuzz` runs.
FUZZ_SECONDS ?= 600

# Under sudo the toolchain is where the user has it, and what is built belongs to the user.
export PATH := $(shell scripts/swift-directory.sh):$(PATH)
USER_HOME := $(shell [ -z "$$SUDO_USER" ] || getent passwd "$$SUDO_USER" | cut -d: -f6)
AS_OWNER := $(shell [ "$$(id -u)" = 0 ] && [ -n "$$SUDO_USER" ] && [ "$$(stat -c %U .)" = "$$SUDO_USER" ] && \
  echo runuser -u "$$SUDO_USER" -- env HOME=$(USER_HOME))
SWIFT := $(AS_OWNER) swift

# One file without libraries, for any x86-64 or arm64 Linux; sections that nothing uses and symbols stay out of it.
RELEASE := -c release --product stack -Xswiftc -static-executable -Xlinker --gc-sections -Xlinker -s

.PHONY: help dependencies build release test test-vm chaos soak bars check format bench fuzz demo install uninstall docs clean

help:
	@sed -n 's/^\([a-z-]*\):.*##/\1\t/p' Makefile | expand -t 16

dependencies: ## install the Debian packages that building and testing need (root)
	@scripts/install-build-dependencies.sh

build: ## debug build
	$(SWIFT) build

release: ## dist/stack, one static file
	$(SWIFT) build $(RELEASE)
	@$(AS_OWNER) install -D -m 755 "$$($(SWIFT) build $(RELEASE) --show-bin-path)/stack" dist/stack
	@ldd dist/stack 2>&1 | grep -q 'not a dynamic executable' || { echo "dist/stack is not static" >&2; exit 1; }
	@ls -l dist/stack

test: ## build and run the tests; with root all of them, in namespaces of their own
	@[ "$$(id -u)" != 0 ] || scripts/install-build-dependencies.sh --tests
	$(SWIFT) build --build-tests
	@scripts/run-tests.py $(ARGUMENTS)

test-vm: ## build, and run the tests that cgroup v2 matters to in a virtual machine that has it alone (root)
	@scripts/install-vm-dependencies.sh
	$(SWIFT) build --build-tests
	@scripts/test-vm.sh $(ARGUMENTS)

chaos: build ## kill, and make fail, every step of `up` and `down` (root, at most nine minutes)
	Tests/Chaos/chaos.py $(CHAOS)

soak: build ## kill the supervisor 200 times under load (root, about a minute)
	Tests/Soak/soak.py $(SOAK)

bars: build ## everything a great many times, at the same time, and where something is scarce (root, about five minutes)
	Tests/Chaos/bars.py $(BARS)

check: ## format, warnings, length of files, scripts
	scripts/check.sh
	$(SWIFT) build

format: ## format the sources
	$(SWIFT) format --in-place --recursive --parallel Package.swift Sources Tests

bench: release ## measure beside the kernel's floor (root)
	bench/run.py --stack dist/stack $(BENCH)

FUZZER := $(if $(FUZZ),ForeignFuzz,StackFileFuzz)
FUZZ_INPUT := $(if $(FUZZ),-max_len=8192 Fuzz/ForeignBytes/corpus/$(FUZZ),\
  -max_len=20000 -dict=Fuzz/StackFile/keys.dict Fuzz/StackFile/corpus Fuzz/StackFile/found)

fuzz: ## feed random bytes to what FUZZ names for FUZZ_SECONDS (600); what breaks it is left in .build/fuzz
	STACK_FUZZ=1 $(SWIFT) build --scratch-path .build/fuzz --product $(FUZZER) --sanitize fuzzer -Xswiftc -O
	@mkdir -p .build/fuzz/corpus/$(FUZZ)
	FUZZ_TARGET=$(FUZZ) .build/fuzz/debug/$(FUZZER) -max_total_time=$(FUZZ_SECONDS) -timeout=5 -rss_limit_mb=1024 \
	  -artifact_prefix=.build/fuzz/ .build/fuzz/corpus/$(FUZZ) $(FUZZ_INPUT)

demo: dependencies release ## the samples, up and down again (root)
	@scripts/demo.sh dist/stack

install: ## install dist/stack with completions and the schema below PREFIX; `make release` comes first
	@[ -x dist/stack ] || { echo "dist/stack is missing: make release" >&2; exit 1; }
	install -D -m 755 dist/stack $(DESTDIR)$(PREFIX)/bin/stack
	install -D -m 644 schemas/stack.schema.json $(DESTDIR)$(PREFIX)/share/stack/stack.schema.json
	@scripts/install-completions.sh dist/stack $(DESTDIR)$(PREFIX)

uninstall: ## remove what install put below PREFIX
	rm -f $(DESTDIR)$(PREFIX)/bin/stack
	rm -rf $(DESTDIR)$(PREFIX)/share/stack
	@scripts/install-completions.sh --remove $(DESTDIR)$(PREFIX)

docs: release ## generate what is generated: the schema and the picture in the README (root)
	dist/stack schema > schemas/stack.schema.json
	scripts/record-demo.sh dist/stack dist/demo.txt
	scripts/terminal-svg.py dist/demo.txt docs/demo.svg

clean: ## remove all that was built
	rm -rf .build .build-vm dist bench/build samples/*/rootfs
