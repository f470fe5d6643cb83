//! AWS managed policies that everybody knows, for input that does not hold their documents.
//!
//! They are told by their ARN alone, whose account is `aws`, which nobody else can have. What is
//! written here is what decides: that they give everything, or everything of IAM, or everything but
//! that. Source: AWS managed policy reference, the pages of the three policies (PowerUserAccess: its
//! version 12). Any other is unreadable without its document.

/// The document of a policy that is known by its ARN.
pub(crate) fn document(arn: &str) -> Option<&'static str> {
    let mut parts = arn.splitn(6, ':');
    let (Some("arn"), Some(_), Some("iam"), Some(""), Some("aws"), Some(rest)) = (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ) else {
        return None;
    };
    Some(match rest {
        "policy/AdministratorAccess" => {
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#
        }
        "policy/IAMFullAccess" => {
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:*","organizations:Describe*","organizations:List*"],"Resource":"*"}}"#
        }
        "policy/PowerUserAccess" => {
            r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":["iam:*","organizations:*","account:*"],"Resource":"*"},{"Effect":"Allow","Action":["iam:CreateServiceLinkedRole","iam:DeleteServiceLinkedRole","iam:ListRoles","organizations:DescribeEffectivePolicy","organizations:DescribeOrganization","account:GetAccountInformation","account:GetGovCloudAccountInformation","account:GetPrimaryEmail","account:ListRegions"],"Resource":"*"}]}"#
        }
        _ => return None,
    })
}
