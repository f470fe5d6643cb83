"""Deploys a template into an emulated account and prints its roles as
`aws iam get-account-authorization-details` does. The emulation cannot print that itself for roles
whose inline policies came from CloudFormation, so it is put together from what it holds."""

import ast
import json
import sys

import boto3
from moto import mock_aws

def plain(document):
    """A document that came by CloudFormation is kept as Python prints it."""
    return ast.literal_eval(document) if isinstance(document, str) else document


with mock_aws():
    stacks = boto3.client("cloudformation", region_name="us-east-1")
    with open(sys.argv[1], encoding="utf-8") as template:
        stacks.create_stack(
            StackName="vendor", TemplateBody=template.read(), Capabilities=["CAPABILITY_NAMED_IAM"]
        )
    iam = boto3.client("iam", region_name="us-east-1")
    roles = []
    for name in [role["RoleName"] for role in iam.list_roles()["Roles"]]:
        role = iam.get_role(RoleName=name)["Role"]
        policies = [
            iam.get_role_policy(RoleName=name, PolicyName=policy)
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        role["RolePolicyList"] = [
            {"PolicyName": policy["PolicyName"], "PolicyDocument": plain(policy["PolicyDocument"])}
            for policy in policies
        ]
        role["AttachedManagedPolicies"] = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
        roles.append(role)
    details = {"RoleDetailList": roles, "UserDetailList": [], "Policies": []}
    json.dump(details, sys.stdout, default=lambda moment: moment.isoformat())
