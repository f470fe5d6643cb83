# Trustwarden from Terraform. The stack stays one of CloudFormation: guard-tamper asks CloudFormation what is the
# guard's own, `trustwarden status` holds what is there against the stack's template, and the table's and the queues'
# policies name the stack's roles. Nothing here gives a permission: all of them are in template.yaml.

data "aws_region" "here" {}

data "aws_s3_bucket" "code" {
  bucket = var.bucket
}

variable "stack_name" {
  type        = string
  default     = "trustwarden"
  description = "The stack's name, as `trustwarden status --stack` takes it."
}

variable "bucket" {
  type        = string
  description = "The bucket with the functions' zips; it keeps versions. Only those who deploy may write to it."
}

variable "template" {
  type        = string
  description = "The template that scripts/pin_functions.py wrote."
}

variable "rules" {
  type        = string
  description = "The zip that `trustwarden rules publish --output` wrote."
}

# One file, trustwarden/rules.json, and nothing that a function could run.
resource "aws_lambda_layer_version" "rules" {
  layer_name          = "${var.stack_name}-rules"
  description         = "The access rules, compiled; /opt/trustwarden/rules.json in the functions"
  filename            = var.rules
  source_code_hash    = filebase64sha256(var.rules)
  compatible_runtimes = ["provided.al2023"]
  skip_destroy        = true
}

# Longer than a call takes it: CloudFormation reads it from the bucket.
resource "aws_s3_object" "template" {
  bucket      = var.bucket
  key         = "trustwarden/${var.stack_name}/template-${filesha256(var.template)}.yaml"
  source      = var.template
  source_hash = filemd5(var.template)
}

resource "aws_cloudformation_stack" "trustwarden" {
  name         = var.stack_name
  template_url = "https://${data.aws_s3_bucket.code.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  capabilities = ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
  on_failure   = "DELETE"
  tags         = { application = "trustwarden" }

  parameters = merge(local.parameters, { RulesLayerArn = aws_lambda_layer_version.rules.arn })

  lifecycle {
    precondition {
      condition     = contains(["us-east-1", "us-gov-west-1", "cn-north-1"], data.aws_region.here.name)
      error_message = "IAM and root events reach EventBridge only in the partition's home region."
    }
  }
}
