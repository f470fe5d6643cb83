//! What is asked of the policies beyond the rules.

/// What is asked for beyond what the rules say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The regions of the EKS clusters that the rules name.
    pub eks_regions: Vec<String>,
    /// Sign-ins are limited although the rules name no identity provider.
    pub federation: bool,
    /// Resources with one of these tags, key and value, are left alone.
    pub exclude_tags: Vec<(String, String)>,
    /// Roles by patterns of their ARNs that are left alone, as those for an emergency.
    pub exclude_roles: Vec<String>,
    /// What else of ours is kept from accounts outside.
    pub services: Vec<GuardedService>,
}

/// A service whose resources these policies can guard besides roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GuardedService {
    /// Amazon S3.
    S3,
    /// AWS KMS.
    Kms,
    /// Amazon SQS.
    Sqs,
    /// AWS Secrets Manager.
    SecretsManager,
    /// Amazon ECR.
    Ecr,
}

impl GuardedService {
    /// As IAM calls it.
    pub fn name(self) -> &'static str {
        self.actions().trim_end_matches(":*")
    }

    /// All its actions.
    pub(super) fn actions(self) -> &'static str {
        match self {
            Self::S3 => "s3:*",
            Self::Kms => "kms:*",
            Self::Sqs => "sqs:*",
            Self::SecretsManager => "secretsmanager:*",
            Self::Ecr => "ecr:*",
        }
    }
}

/// How much of the rules is written down: all, or what fits for many vendors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Precision {
    Exact,
    Coarse,
}
