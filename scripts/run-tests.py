#!/usr/bin/env python3
"""Runs the tests that are built and prints `N passed, N failed` on the last line; the exit code says the same.

    run-tests.py [--program PATH] [arguments of `swift test`]

--program names the built tests, which then run without the package manager: where there is no time for it.

As root they run in a mount and network namespace of their own, in which tests may make interfaces, firewall rules and
mounts. Otherwise those that need that are skipped; the last lines say how many are, and why.
"""
import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
MINUTES = 20


def enter_namespaces():
    if os.environ.get("STACK_TEST_PRIVATE") == "1":
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    elif os.geteuid() == 0:
        os.environ["STACK_TEST_PRIVATE"] = "1"
        namespaces = ["--mount", "--net", "--propagation", "private"]
        os.execvp("unshare", ["unshare", *namespaces, sys.executable, os.path.abspath(__file__), *sys.argv[1:]])


def read_events(path):
    """The events of swift-testing that are complete: a crash may cut the last one off."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            try:
                record = json.loads(line)
            except ValueError:
                return
            if record.get("kind") == "event":
                yield record["payload"]
            elif record.get("kind") == "test" and record["payload"].get("kind") == "function":
                yield {"kind": "function", "testID": record["payload"]["id"]}


class Tally:
    """What became of each test function. One that began and did not end took the process down."""

    def __init__(self, events):
        self.functions, self.begun, self.ended, self.failed = (set() for _ in range(4))
        self.skipped = {}  # with the reason
        self.complaints = []  # each with its test and all its text on a line
        for event in events:
            test = event.get("testID")
            match event["kind"]:
                case "function":
                    self.functions.add(test)
                case "testStarted":
                    self.begun.add(test)
                case "testEnded":
                    self.ended.add(test)
                case "testSkipped":
                    reasons = [re.sub(r'.*? skipped: "(.*)"$', r"\1", message["text"]) for message in event.get("messages", [])]
                    self.skipped[test] = " ".join(reasons)
                case "issueRecorded":
                    issue = event.get("issue", {})
                    if not issue.get("isKnown") and issue.get("severity", "error") == "error":
                        self.failed.add(test)
                        text = " ".join(message["text"] for message in event.get("messages", []))
                        self.complaints.append(f"{test or 'no test'}: {' '.join(text.split())[:1000]}")
        self.unfinished = (self.begun - self.ended) & self.functions
        # An issue may belong to a suite, or to no test at all.
        self.failed |= self.unfinished
        self.passed = (self.functions & self.ended) - self.failed - self.skipped.keys()


def main():
    enter_namespaces()
    os.environ.setdefault("STACK_BINARY", f"{ROOT}/.build/debug/stack")
    with tempfile.TemporaryDirectory() as directory:
        stream = f"{directory}/events"
        open(stream, "w").close()
        command = ["swift", "test", "--skip-build", "--disable-xctest"]
        arguments = sys.argv[1:]
        if arguments[:1] == ["--program"]:
            command = [os.path.abspath(arguments[1]), "--testing-library", "swift-testing"]
            arguments = arguments[2:]
        command += ["--no-parallel", "--event-stream-output-path", stream, "--event-stream-version", "0", *arguments]
        # Warnings of tools that want a home or a terminal are not results.
        try:
            status = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=MINUTES * 60).returncode
        except subprocess.TimeoutExpired:
            print(f"run-tests: not finished after {MINUTES} minutes", file=sys.stderr)
            status = 1
        tally = Tally(read_events(stream))

    # Said again at the end: the output of a long run is cut in its middle.
    for complaint in tally.complaints:
        print(f"failed: {complaint}")
    for test in sorted(tally.unfinished):
        print(f"failed: {test}: it did not end")
    skipped = [reason for test, reason in tally.skipped.items() if test in tally.functions]
    for reason in sorted(set(skipped)):
        print(f"skipped {skipped.count(reason)}: {reason}")
    failed = len(tally.failed)
    # A failure that no test owns, such as a crash before the first or a build that is missing, is one too.
    if status != 0 and failed == 0:
        failed = 1
    print(f"{len(tally.passed)} passed, {failed} failed", flush=True)
    sys.exit(1 if failed else 0)


main()
