#!/usr/bin/env python3
"""As much of AWS's command line as the runbooks use: `aws SERVICE OPERATION --name value …`, over boto3.

Options are named after the operation's parameters; values are text, numbers or lists by its shape; `--query` and
`--output` are those of the real one.
"""

import json
import sys

import boto3
import jmespath
from botocore import xform_name


def value(shape, words: list[str]):
    if shape.type_name == "list":
        return words
    if shape.type_name in ("integer", "long"):
        return int(words[0])
    return words[0]


def main() -> None:
    service, operation, *rest = sys.argv[1:]
    options: dict[str, list[str]] = {}
    for word in rest:
        if word.startswith("--"):
            last = options.setdefault(word[2:], [])
        else:
            last.append(word)
    query, output = options.pop("query", None), options.pop("output", ["json"])[0]
    client = boto3.client(service)
    method = operation.replace("-", "_")
    name = client.meta.method_to_api_mapping[method]
    shapes = client.meta.service_model.operation_model(name).input_shape.members
    by_option = {xform_name(member, "-"): member for member in shapes}
    parameters = {by_option[option]: value(shapes[by_option[option]], words) for option, words in options.items()}
    answer = getattr(client, method)(**parameters)
    answer.pop("ResponseMetadata")
    if query:
        answer = jmespath.search(query[0], answer)
    if answer:
        print(answer if output == "text" else json.dumps(answer, default=str))


if __name__ == "__main__":
    main()
