#!/usr/bin/env python3
"""Whether the schema of stack files accepts what `stack` accepts.

    schema.py STACK SCHEMA DIRECTORY...

Validates each YAML file below the directories that STACK accepts against SCHEMA, as an editor does. Files that are
refused, or are none with services, are counted only. Prints what the schema has against an accepted file, and ends with
`N valid, N not valid, N left out`; the exit code is 1 when one is not valid.
"""
import json
import pathlib
import re
import subprocess
import sys

import jsonschema
import yaml


class CoreSchema(yaml.SafeLoader):
    """Scalars as YAML 1.2's core schema has them (section 10.3.2), and the tags of the Compose Specification."""

    yaml_implicit_resolvers = {}

    def tagged(self, _suffix, node):
        if isinstance(node, yaml.ScalarNode):
            tag = self.resolve(yaml.ScalarNode, node.value, (True, False))
            return self.construct_object(yaml.ScalarNode(tag, node.value))
        if isinstance(node, yaml.SequenceNode):
            return self.construct_sequence(node, deep=True)
        return self.construct_mapping(node, deep=True)

    def integer(self, node):
        text = node.value
        if re.match(r"[-+]?0[0-7]+$", text):
            return int(text, 8)
        return int(text, 0)


for name, pattern, first in [
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("int", r"^(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)$", "-+0123456789"),
    ("float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", "-+.0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("merge", r"^<<$", "<"),
]:
    CoreSchema.add_implicit_resolver(f"tag:yaml.org,2002:{name}", re.compile(pattern), list(first))
CoreSchema.add_constructor("tag:yaml.org,2002:int", CoreSchema.integer)
CoreSchema.add_multi_constructor("!", CoreSchema.tagged)


def documents(path):
    """The documents of a file that have services; none of one that this reader cannot read."""
    try:
        with open(path, errors="strict") as file:
            loaded = list(yaml.load_all(file, CoreSchema))
    except (yaml.YAMLError, ValueError, UnicodeDecodeError, RecursionError, TypeError):
        return []
    return [document for document in loaded if isinstance(document, dict) and "services" in document]


def accepts(stack, path):
    command = [stack, "--project-name", "schema", "--file", path.name, "config", "--quiet", "--no-env-resolution"]
    return subprocess.run(command, cwd=path.parent, capture_output=True, stdin=subprocess.DEVNULL).returncode == 0


def main(stack, schema, *directories):
    stack = pathlib.Path(stack).resolve()
    with open(schema) as file:
        validator = jsonschema.Draft202012Validator(json.load(file))
    valid = wrong = left = 0
    paths = {path for directory in directories for path in pathlib.Path(directory).rglob("*") if path.is_file()}
    for path in sorted(paths):
        found = documents(path)
        if not found or not accepts(stack, path):
            left += 1
            continue
        errors = [error for document in found for error in validator.iter_errors(document)]
        for error in errors[:3]:
            place = ".".join(str(step) for step in error.absolute_path)
            print(f"{path}: {place}: {error.message[:200]}")
        wrong += bool(errors)
        valid += not errors
    print(f"{valid} valid, {wrong} not valid, {left} left out")
    return 1 if wrong or not valid else 0


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
