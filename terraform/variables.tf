# Made by scripts/terraform.py from template.yaml.

variable "mode" {
  type        = string
  default     = "alert"
  description = "The ceiling above the rules file: with alert nothing is ever written to IAM, and the remediator has no permission to. With enforce the rules decide."

  validation {
    condition     = contains(["alert", "enforce"], var.mode)
    error_message = "One of alert, enforce."
  }
}

variable "revoke_sessions" {
  type        = string
  default     = "false"
  description = "Whether the remediator may also end sessions already issued, by an inline deny on the role; in mode alert, nothing. That permission, iam:PutRolePolicy, is a strong one."

  validation {
    condition     = contains(["true", "false"], var.revoke_sessions)
    error_message = "One of true, false."
  }
}

variable "detach_policies" {
  type        = string
  default     = "false"
  description = "Whether the remediator may also undo what a change of policies gave to outsiders, where the rules ask for it (permissions.on_violation); in mode alert, nothing. Those permissions, iam:PutRolePolicy among them, are strong ones."

  validation {
    condition     = contains(["true", "false"], var.detach_policies)
    error_message = "One of true, false."
  }
}

variable "alert_email" {
  type        = string
  default     = ""
  description = "An address that gets every alert. It is asked to confirm, once for each of two topics. Empty for none."
}

variable "operations_email" {
  type        = string
  default     = ""
  description = "An address that hears when the guard itself is unwell. Empty for none."
}

variable "slack_secret_arn" {
  type        = string
  default     = ""
  description = "The full ARN of a Secrets Manager secret that holds a Slack webhook's URL. Empty for no Slack."

  validation {
    condition     = can(regex("^$|^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$", var.slack_secret_arn))
    error_message = "It must match ^$|^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[A-Za-z0-9/_+=.@-]+$."
  }
}

variable "permissions_boundary_arn" {
  type        = string
  default     = ""
  description = "A permissions boundary for all roles of this stack. Empty for none."

  validation {
    condition     = can(regex("^$|^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "It must match ^$|^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$."
  }
}

variable "reserved_concurrency" {
  type        = string
  default     = ""
  description = "Concurrency set aside for each function, so that others in the account cannot starve the guard. Empty for none, else 5 at least, since five pollers hand orders to the remediator; an account must keep 100 units unreserved, and a new account has few more."

  validation {
    condition     = can(regex("^$|^([5-9]|[1-9][0-9]{1,3})$", var.reserved_concurrency))
    error_message = "It must match ^$|^([5-9]|[1-9][0-9]{1,3})$."
  }
}

variable "log_retention_days" {
  type        = number
  default     = 90
  description = "For how many days the functions' logs are kept."

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "One of 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653."
  }
}

locals {
  parameters = {
    Mode                   = var.mode
    RevokeSessions         = var.revoke_sessions
    DetachPolicies         = var.detach_policies
    AlertEmail             = var.alert_email
    OperationsEmail        = var.operations_email
    SlackSecretArn         = var.slack_secret_arn
    PermissionsBoundaryArn = var.permissions_boundary_arn
    ReservedConcurrency    = var.reserved_concurrency
    LogRetentionDays       = var.log_retention_days
  }
}
