# Made by scripts/terraform.py from template.yaml.

output "alert_topic" {
  description = "Every alert is published here; subscribe people and machines"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "AlertTopic", null)
}

output "operations_topic" {
  description = "Alarms about the guard itself"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "OperationsTopic", null)
}

output "tamper_topic" {
  description = "What changed the guard itself is published here; subscribe whom the alerts go to"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "TamperTopic", null)
}

output "mode" {
  description = "The ceiling above the rules file"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "Mode", null)
}

output "rules_hash" {
  description = "The hash of the compiled access rules, as in every alert"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "RulesHash", null)
}

output "rules_layer" {
  description = "The version of the layer that holds the access rules"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "RulesLayer", null)
}

output "table" {
  description = "Histories, leases, budgets and incidents"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "Table", null)
}

output "orders_url" {
  description = "The queue of orders for the remediator"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "OrdersUrl", null)
}

output "orders_dead_letters_url" {
  description = "Orders that could not be carried out"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "OrdersDeadLettersUrl", null)
}

output "role_trust_function" {
  description = "Judges trust policies"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "RoleTrustFunction", null)
}

output "access_key_function" {
  description = "Judges access keys"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "AccessKeyFunction", null)
}

output "root_activity_function" {
  description = "Reports root"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "RootActivityFunction", null)
}

output "role_permissions_function" {
  description = "Judges what third parties may do"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "RolePermissionsFunction", null)
}

output "identity_provider_function" {
  description = "Reports changes of identity providers"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "IdentityProviderFunction", null)
}

output "resource_share_function" {
  description = "Reports what is shared without a role"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "ResourceShareFunction", null)
}

output "remediator_function" {
  description = "Carries orders out"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "RemediatorFunction", null)
}

output "guard_tamper_function" {
  description = "Reports what changes the guard"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "GuardTamperFunction", null)
}

output "incidents_function" {
  description = "Answers operators about incidents"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "IncidentsFunction", null)
}

output "incidents_url" {
  description = "Where the command line asks it"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "IncidentsUrl", null)
}

output "read_incidents_policy" {
  description = "For operators who list, show and approve incidents"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "ReadIncidentsPolicy", null)
}

output "restore_roles_policy" {
  description = "For operators who take remediations back"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "RestoreRolesPolicy", null)
}

output "sweep_function" {
  description = "Looks at all roles"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "SweepFunction", null)
}

output "remediator_role" {
  description = "The only role of this stack that can hold a permission to write to IAM"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "RemediatorRole", null)
}

output "stop_all_writes" {
  description = "This command stops all writes to IAM at once, alerts go on; see docs/runbooks/stop-writes.md"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "StopAllWrites", null)
}

output "stop_delivery" {
  description = "This command spares waiting orders the failed tries while writes are stopped"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "StopDelivery", null)
}

output "other_regions" {
  description = "What this stack alone does not see"
  value       = lookup(aws_cloudformation_stack.trustwarden.outputs, "OtherRegions", null)
}
