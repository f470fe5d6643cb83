//! Actions that give others access to resources, or that blind the account.
//!
//! AWS calls most of the first permissions management; those that it calls something else, and those that
//! stop what watches the account, are chosen by hand, by what the action's page in the service's API
//! reference says it does (read 2026-11-30).

use std::sync::LazyLock;

use crate::action::Action;
use crate::class::{Class, of_class};
use crate::set::ActionSet;

/// All of them.
pub fn exposes() -> &'static ActionSet {
    static SET: LazyLock<ActionSet> = LazyLock::new(|| {
        let rows = SHARES.iter().chain(BLINDS);
        let mut set: ActionSet = rows.filter_map(|name| Action::find(name)).collect();
        set |= of_class(Class::PermissionsManagement);
        set
    });
    &SET
}

/// Share a resource, and are called writes.
const SHARES: &[&str] = &[
    "codeartifact:PutDomainPermissionsPolicy",
    "ec2:ModifyFpgaImageAttribute",
    "ec2:ModifyImageAttribute",
    "ec2:ModifySnapshotAttribute",
    "ec2:ModifyVpcEndpointServicePermissions",
    "lightsail:UpdateBucket",
    "ram:AssociateResourceShare",
    "ram:CreateResourceShare",
    "rds:AuthorizeDBSecurityGroupIngress",
    "rds:ModifyDBClusterSnapshotAttribute",
    "rds:ModifyDBSnapshotAttribute",
    "redshift:AuthorizeDataShare",
    "redshift:AuthorizeSnapshotAccess",
    "s3:PutReplicationConfiguration",
    "ssm:ModifyDocumentPermission",
];

/// Stop what watches the account, or delete what it has seen.
const BLINDS: &[&str] = &[
    "access-analyzer:DeleteAnalyzer",
    "cloudtrail:DeleteEventDataStore",
    "cloudtrail:DeleteTrail",
    "cloudtrail:PutEventSelectors",
    "cloudtrail:StopEventDataStoreIngestion",
    "cloudtrail:StopLogging",
    "cloudtrail:UpdateTrail",
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DisableAlarmActions",
    "config:DeleteConfigurationRecorder",
    "config:DeleteDeliveryChannel",
    "config:StopConfigurationRecorder",
    "detective:DeleteGraph",
    "ec2:DeleteFlowLogs",
    "events:DeleteRule",
    "events:DisableRule",
    "guardduty:DeleteDetector",
    "guardduty:DisassociateFromAdministratorAccount",
    "guardduty:StopMonitoringMembers",
    "guardduty:UpdateDetector",
    "inspector2:Disable",
    "logs:DeleteLogGroup",
    "logs:DeleteLogStream",
    "macie2:DisableMacie",
    "securityhub:DisableSecurityHub",
    "wafv2:DeleteLoggingConfiguration",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_an_action() {
        for name in SHARES.iter().chain(BLINDS) {
            let found = Action::find(name).map(|action| action.to_string());
            assert_eq!(found.as_deref(), Some(*name));
        }
        let named = |name| exposes().contains(Action::find(name).unwrap());
        assert!(named("s3:PutBucketPolicy") && named("cloudtrail:StopLogging"));
        assert!(!named("s3:GetObject") && !named("ec2:RunInstances"));
    }
}
