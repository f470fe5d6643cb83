"""CloudWatch's alarms as a stack's resources: moto knows them by its API alone. They ring for nobody here; that they
exist, speak to somebody and are in a state is what can be read."""

from __future__ import annotations

from moto.cloudwatch.models import Alarm, cloudwatch_backends
from moto.core.common_models import CloudFormationModel


class StackAlarm(CloudFormationModel):
    # moto sorts what it knows by the module it is from.
    __module__ = "moto.cloudwatch.models"

    def __init__(self, alarm: Alarm):
        self.name = alarm.name
        self.arn = alarm.alarm_arn

    @property
    def physical_resource_id(self) -> str:
        return self.name

    @staticmethod
    def cloudformation_name_type() -> str:
        return "AlarmName"

    @staticmethod
    def cloudformation_type() -> str:
        return "AWS::CloudWatch::Alarm"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name, **_):
        properties = cloudformation_json["Properties"]
        return cls(
            cloudwatch_backends[account_id][region_name].put_metric_alarm(
                name=resource_name,
                namespace=properties.get("Namespace"),
                metric_name=properties.get("MetricName"),
                metric_data_queries=properties.get("Metrics"),
                comparison_operator=properties["ComparisonOperator"],
                evaluation_periods=int(properties["EvaluationPeriods"]),
                period=int(properties["Period"]) if "Period" in properties else None,
                threshold=float(properties["Threshold"]),
                statistic=properties.get("Statistic"),
                description=properties["AlarmDescription"],
                dimensions=properties.get("Dimensions", []),
                alarm_actions=properties.get("AlarmActions", []),
                insufficient_data_actions=properties.get("InsufficientDataActions", []),
                treat_missing_data=properties["TreatMissingData"],
            )
        )

    @classmethod
    def update_from_cloudformation_json(
        cls, original_resource, new_resource_name, cloudformation_json, account_id, region_name
    ):
        return cls.create_from_cloudformation_json(original_resource.name, cloudformation_json, account_id, region_name)

    @classmethod
    def delete_from_cloudformation_json(cls, resource_name, cloudformation_json, account_id, region_name):
        cloudwatch_backends[account_id][region_name].delete_alarms([resource_name])
