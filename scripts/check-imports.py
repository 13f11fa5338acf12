#!/usr/bin/env python3
"""Checks that every import of Sources/ points down, by the table of levels in docs/architecture.md."""
import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def levels():
    result = {}
    with open(f"{ROOT}/docs/architecture.md", encoding="utf-8") as page:
        for line in page:
            if row := re.match(r"\| (\d) \|(.*)", line):
                result.update({module: int(row[1]) for module in re.findall(r"`(\w+)`", row[2])})
    return result


def main():
    level = levels()
    modules = {name for name in os.listdir(f"{ROOT}/Sources") if glob.glob(f"{ROOT}/Sources/{name}/**/*.swift", recursive=True)}
    wrong = [f"docs/architecture.md: {name} is in Sources/ and not in the table of levels" for name in sorted(modules - level.keys())]
    wrong += [f"docs/architecture.md: there is no module {name}" for name in sorted(level.keys() - modules)]
    for module in sorted(modules & level.keys()):
        for path in sorted(glob.glob(f"{ROOT}/Sources/{module}/**/*.swift", recursive=True)):
            with open(path, encoding="utf-8") as file:
                imports = re.findall(r"^(?:\w+ )?import (\w+)", file.read(), re.MULTILINE)
            for name in imports:
                place = f"{os.path.relpath(path, ROOT)}: {module} imports {name}"
                if name in level and level[name] >= level[module]:
                    wrong.append(f"{place}, which is not below it")
                elif module.startswith("Linux") and name.startswith("Stack"):
                    wrong.append(f"{place}: the kernel's modules know nothing of stacks")
    print("\n".join(wrong), end="\n" if wrong else "", file=sys.stderr)
    sys.exit(1 if wrong else 0)


main()
