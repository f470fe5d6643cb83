"""CloudFormation's change sets, by which `sam deploy` works: what moto leaves out of them.

moto executes a change set without conditions that turn, outputs, tags and failures. Here a change set is checked
against the constraints of its parameters; what a condition or a template takes away is deleted; the stack has its
outputs; and where a resource cannot be made, all is rolled back, after which CloudFormation refuses to update a stack
that never was complete.
"""

from __future__ import annotations

import re
import time

from moto.cloudformation import models as cloudformation, parsing
from moto.cloudformation.exceptions import ValidationError
from moto.iam.exceptions import NotFoundException
from moto.iam.models import IAMBackend
from moto.sqs.exceptions import SQSException
from moto.sqs.models import SQSBackend

# Services refuse longer names; CloudFormation makes shorter ones where a template gives none.
NAME_LIMITS = {"AWS::IAM::Role": 64, "AWS::Lambda::Function": 64, "AWS::Events::Rule": 64, "AWS::SQS::Queue": 80}
# What is kept as it was made is made anew when it changes.
REPLACED = ("AWS::IAM::Policy", "AWS::Lambda::Function")


def check_parameters(template: dict, given: dict) -> None:
    for name, parameter in template.get("Parameters", {}).items():
        value = str(given.get(name, parameter.get("Default")))
        allowed = [str(choice) for choice in parameter.get("AllowedValues", [value])]
        if value not in allowed:
            raise ValidationError(message=f"Parameter '{name}' must be one of AllowedValues")
        pattern = parameter.get("AllowedPattern")
        if pattern and not re.fullmatch(pattern, value):
            raise ValidationError(message=f"Parameter '{name}' must match pattern {pattern}")


def _generated(original):
    def generate_resource_name(kind: str, stack: str, logical: str) -> str:
        name = original(kind, stack, logical)
        room = NAME_LIMITS.get(kind, len(name)) - (len(name) - len(stack))
        return name if len(stack) <= room else original(kind, stack[:room], logical)

    return generate_resource_name


def _wanted(resources, template: dict) -> dict:
    conditions = resources.lazy_condition_map
    return {
        name: parsing.clean_json(resource, resources)
        for name, resource in template["Resources"].items()
        if "Condition" not in resource or conditions[resource["Condition"]]
    }


def _reconcile(stack, template: dict, parameters: dict) -> None:
    """Makes the stack's resources those of a template: what moto's own way passes over."""
    resources = stack.resource_map
    before = getattr(stack, "made", {})
    resources._template, resources.input_parameters = template, parameters
    resources._resource_json_map = template["Resources"]
    resources.load()
    stack.template_dict, stack.parameters = template, parameters
    wanted = _wanted(resources, template)
    for name, resource in before.items():
        changed = wanted.get(name) != resource
        if changed and (name not in wanted or resource["Type"] in REPLACED):
            _delete(resources, name, resource)
    resources.create(template)
    stack.made = _wanted(resources, template)
    stack.output_map = stack._create_output_map()


def _delete(resources, name: str, resource: dict) -> None:
    if resources._parsed_resources.get(name) is not None and resource.get("DeletionPolicy") != "Retain":
        resources._delete_resource(resources._parsed_resources[name], resource)
    resources._parsed_resources.pop(name, None)


def _roll_back(stack, kind: str, reason: str, before: tuple[dict, dict]) -> None:
    if kind == "CREATE":
        stack.resource_map.delete()
        # moto makes anew what it is asked about.
        stack.resource_map._resource_json_map = {}
        end = "ROLLBACK_COMPLETE"
    else:
        _reconcile(stack, *before)
        end = "UPDATE_ROLLBACK_COMPLETE"
    stack.status = end
    stack._add_stack_event(end, resource_status_reason=reason)


def _execute_change_set(self, change_set_name: str, stack_name: str | None = None) -> None:
    change_set = self.describe_change_set(change_set_name)
    stack, kind = self.stacks[change_set.stack_id], change_set.change_set_type
    before = (stack.template_dict, stack.parameters)
    stack._add_stack_event(f"{kind}_IN_PROGRESS", resource_status_reason="User Initiated")
    change_set.execution_status = "EXECUTE_COMPLETE"
    try:
        _reconcile(stack, change_set.template_dict, change_set.parameters)
    except Exception as error:  # whatever a service says: CloudFormation rolls back on it
        _roll_back(stack, kind, str(error), before)
        return
    stack.template, stack.status = change_set.template, f"{kind}_COMPLETE"
    stack.tags = change_set.tags or {}
    stack._add_stack_event(stack.status)


def _updatable(original):
    def create_change_set(self, stack_name: str, *arguments, **named):
        for stack in self.stacks.values():
            if stack.name == stack_name and stack.status == "ROLLBACK_COMPLETE":
                raise ValidationError(
                    message=f"Stack:{stack.stack_id} is in ROLLBACK_COMPLETE state and can not be updated."
                )
        return original(self, stack_name, *arguments, **named)

    return create_change_set


def _bounded(original):
    def create_role(self, *arguments, **named):
        boundary = named.get("permissions_boundary") or ""
        if f":{self.account_id}:" in boundary and boundary not in self.managed_policies:
            raise NotFoundException(f"Scope ARN: {boundary} does not exist or is not attachable.")
        return original(self, *arguments, **named)

    return create_role


def _slow_to_forget(create, delete):
    deleted: dict[tuple[str, str], float] = {}

    def create_queue(self, name: str, *arguments, **named):
        if time.monotonic() - deleted.get((self.account_id, name), -60.0) < 60:
            raise SQSException("QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before its name.")
        return create(self, name, *arguments, **named)

    def delete_queue(self, queue_name: str) -> None:
        deleted[self.account_id, queue_name] = time.monotonic()
        delete(self, queue_name)

    return create_queue, delete_queue


def _timely(original):
    def delete_message(self, queue_name: str, receipt_handle: str) -> None:
        queue = self.get_queue(queue_name)
        taken = [message for message in queue._messages if message.had_receipt_handle(receipt_handle)]
        # A standard queue deletes by a receipt of any age.
        if queue.fifo_queue and any(message.visible for message in taken):
            reason = "Reason: The receipt handle has expired."
            raise SQSException("InvalidParameterValue", f"Value {receipt_handle} for parameter ReceiptHandle is invalid. {reason}")
        original(self, queue_name, receipt_handle)

    return delete_message


def install() -> None:
    parsing.generate_resource_name = _generated(parsing.generate_resource_name)
    # What it does not make, for a condition or because it cannot, stands in moto's list as a hole.
    cloudformation.Stack.stack_resources = property(
        lambda self: [made for made in self.resource_map.values() if made is not None]
    )
    backend = cloudformation.CloudFormationBackend
    backend.create_change_set = _updatable(backend.create_change_set)
    backend.execute_change_set = _execute_change_set
    SQSBackend.create_queue, SQSBackend.delete_queue = _slow_to_forget(SQSBackend.create_queue, SQSBackend.delete_queue)
    SQSBackend.delete_message = _timely(SQSBackend.delete_message)
    IAMBackend.create_role = _bounded(IAMBackend.create_role)
