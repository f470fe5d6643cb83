"""`template.yaml` into moto's CloudFormation: translated as SAM does, asserted as CloudFormation does, and with the
resources that moto passes over (subscriptions, queue policies, what asynchronous invocation does with failures)."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import boto3
from moto.awslambda.models import LayerVersion, lambda_backends
from moto.cloudformation import models as cloudformation, parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import cloudformation_backends
from moto.dynamodb.models import dynamodb_backends
from moto.kms.models import Key
from moto.sns.models import sns_backends
from moto.sqs.models import sqs_backends
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

import authorize
import changes
import deliver

REGION = "us-east-1"


def _local_code_as_uploaded(template: dict) -> dict:
    """SAM's translator wants code in a bucket, where `sam deploy` puts it; here it stays where it was built."""
    functions = template.get("Globals", {}).get("Function", {})
    holders = [functions] + [r.get("Properties", {}) for r in template["Resources"].values()]
    for holder in holders:
        for key in ("CodeUri", "ContentUri"):
            if isinstance(holder.get(key), str) and not holder[key].startswith("s3://"):
                holder[key] = "s3://built-on-this-machine/code"
    return template


@functools.lru_cache(maxsize=64)
def _translated(text: str, parameters: str) -> str:
    template = _local_code_as_uploaded(yaml_parse(text))
    if "Transform" not in template:
        return json.dumps(template)
    given = {k: v.get("Default", "") for k, v in template.get("Parameters", {}).items()}
    given.update(json.loads(parameters))
    session = boto3.session.Session(region_name=REGION)
    translator = Translator(managed_policy_map={}, sam_parser=Parser(), boto_session=session)
    return json.dumps(translator.translate(template, given))


def _truth(expression, parameters: dict):
    """The rule-specific intrinsic functions that the template uses."""
    if isinstance(expression, dict) and len(expression) == 1:
        (name, value), = expression.items()
        if name == "Ref":
            return parameters[value]
        if name == "Fn::Contains":
            return _truth(value[1], parameters) in [_truth(v, parameters) for v in value[0]]
        if name == "Fn::Equals":
            return _truth(value[0], parameters) == _truth(value[1], parameters)
        if name == "Fn::Not":
            return not _truth(value[0], parameters)
        raise NotImplementedError(f"{name} in Rules")
    return expression


def assert_rules(template: dict, parameters: dict, region: str) -> None:
    given = {k: v.get("Default", "") for k, v in template.get("Parameters", {}).items()}
    given.update(parameters)
    given["AWS::Region"] = region
    for name, rule in template.get("Rules", {}).items():
        if "RuleCondition" in rule and not _truth(rule["RuleCondition"], given):
            continue
        for assertion in rule["Assertions"]:
            if not _truth(assertion["Assert"], given):
                raise ValidationError(message=f"Template validation error: rule {name}: {assertion['AssertDescription']}")


def _parse(self) -> None:
    owner = self if isinstance(self, cloudformation.Stack) else self.stack
    parameters = {k: v for k, v in (self.parameters or {}).items() if isinstance(v, str)}
    self.template_dict = json.loads(_translated(self.template, json.dumps(parameters, sort_keys=True)))
    changes.check_parameters(self.template_dict, parameters)
    assert_rules(self.template_dict, parameters, owner.region_name)


def _without_no_values(original):
    def clean_json(resource_json, resources_map):
        cleaned = original(resource_json, resources_map)
        # CloudFormation takes an AWS::NoValue out of a list; moto leaves a hole.
        return [v for v in cleaned if v is not None] if isinstance(cleaned, list) else cleaned

    return clean_json


def _parameters_first(original):
    def __init__(self, *arguments, **named):
        # The translator needs the parameters; moto parses the template before it keeps them.
        self.parameters, self.region_name = named.get("parameters"), named.get("region_name", REGION)
        original(self, *arguments, **named)

    return __init__


def _key_without_tags(original):
    def create(_, resource_name, cloudformation_json, *rest, **named):
        # moto reads a key's tags as KMS's API spells them, not as CloudFormation does.
        # moto reads a key's policy as text, and keeps what CloudFormation hands over.
        properties = {k: v for k, v in cloudformation_json["Properties"].items() if k != "Tags"}
        properties["KeyPolicy"] = json.dumps(properties["KeyPolicy"])
        return original(resource_name, {**cloudformation_json, "Properties": properties}, *rest, **named)

    return classmethod(create)


def install() -> None:
    # `Ref` of a layer is its version's ARN.
    LayerVersion.physical_resource_id = property(lambda self: self.arn)
    Key.create_from_cloudformation_json = _key_without_tags(Key.create_from_cloudformation_json)
    cloudformation.Stack.__init__ = _parameters_first(cloudformation.Stack.__init__)
    cloudformation.Stack._parse_template = _parse
    cloudformation.ChangeSet._parse_template = _parse
    parsing.clean_json = _without_no_values(parsing.clean_json)
    # As CloudFormation has it after the transform: whoever wants it as it was sent has the file.
    cloudformation.CloudFormationBackend.get_template = lambda self, name: json.dumps(self.get_stack(name).template_dict)


def resources_of(stack) -> dict[str, dict]:
    """Every resource whose condition holds, with its properties as CloudFormation would resolve them."""
    found = {}
    for name, resource in stack.template_dict["Resources"].items():
        condition = resource.get("Condition")
        if condition and not stack.resource_map.lazy_condition_map[condition]:
            continue
        made = stack.resource_map._parsed_resources.get(name)
        found[name] = {
            "type": resource["Type"],
            "id": getattr(made, "physical_resource_id", None),
            "arn": _arn(made),
            "properties": parsing.clean_json(resource.get("Properties", {}), stack.resource_map),
        }
    return found


def _arn(made) -> str | None:
    for attribute in ("arn", "function_arn", "queue_arn", "table_arn"):
        if isinstance(getattr(made, attribute, None), str):
            return getattr(made, attribute)
    return None


def finish(account: str, stack_name: str) -> dict:
    """Does what moto passes over, and says what was made."""
    stack = cloudformation_backends[account][REGION].get_stack(stack_name)
    resources = resources_of(stack)
    queues = {r["id"]: r["arn"] for r in resources.values() if r["type"] == "AWS::SQS::Queue"}
    functions = {r["id"]: name for name, r in resources.items() if r["type"] == "AWS::Lambda::Function"}
    binaries = {
        name: resource.get("Metadata", {}).get("BuildProperties", {}).get("Binary")
        for name, resource in yaml_parse(stack.template)["Resources"].items()
    }
    for resource in resources.values():
        properties = resource["properties"]
        match resource["type"]:
            case "AWS::SQS::QueuePolicy":
                for queue in properties["Queues"]:
                    authorize.set_resource_policy(queues[queue], properties["PolicyDocument"])
                    policy = {"Policy": json.dumps(properties["PolicyDocument"])}
                    sqs_backends[account][REGION].set_queue_attributes(queue.rsplit("/", 1)[-1], policy)
            case "AWS::SNS::TopicPolicy":
                for topic in properties["Topics"]:
                    policy = json.dumps(properties["PolicyDocument"])
                    sns_backends[account][REGION].set_topic_attribute(topic, "policy", policy)
            case "AWS::DynamoDB::Table":
                policy = properties["ResourcePolicy"]["PolicyDocument"]
                authorize.set_resource_policy(resource["arn"], policy)
                dynamodb_backends[account][REGION].put_resource_policy(resource["arn"], json.dumps(policy), None)
            case "AWS::SNS::Subscription":
                backend = sns_backends[account][REGION]
                backend.subscribe(properties["TopicArn"], properties["Endpoint"], properties["Protocol"])
            case "AWS::Lambda::Permission":
                function = _function_arn(resources, functions, properties["FunctionName"])
                deliver.permit(function, properties["Principal"], properties["SourceArn"])
                # moto keeps the name of the function in the statement.
                for statement in lambda_backends[account][REGION].get_function(function).policy.statements:
                    statement.pop("FunctionName", None)
            case "AWS::Lambda::EventInvokeConfig":
                function = _function_arn(resources, functions, properties["FunctionName"])
                on_failure = properties.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
                deliver.on_failure(function, properties["MaximumRetryAttempts"], on_failure)
            case _:
                pass
    made = []
    for function_id, name in functions.items():
        resource = resources[name]
        deliver.function_role(resource["arn"], resource["properties"]["Role"])
        # moto passes over a function's layers.
        layers = [{"Arn": layer, "CodeSize": 0} for layer in resource["properties"].get("Layers", [])]
        stack.resource_map._parsed_resources[name].layers = layers
        made.append(
            {
                "name": name,
                "arn": resource["arn"],
                "function_name": function_id,
                "binary": binaries[name],
                "role": resource["properties"]["Role"],
                "environment": resource["properties"]["Environment"]["Variables"],
                "timeout": resource["properties"]["Timeout"],
                "memory": resource["properties"]["MemorySize"],
            }
        )
    for resource in resources.values():
        if resource["type"] == "AWS::Lambda::EventSourceMapping":
            properties = resource["properties"]
            function = _function_arn(resources, functions, properties["FunctionName"])
            deliver.poll(account, properties, function)
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack.outputs or []}
    return {"account": account, "stack": stack_name, "outputs": outputs, "functions": made, "resources": resources}


def _function_arn(resources: dict, functions: dict, function_id: str) -> str:
    return resources[functions[function_id]]["arn"]


def parsed(text: str) -> dict:
    return yaml_parse(text)


def read_template(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")
