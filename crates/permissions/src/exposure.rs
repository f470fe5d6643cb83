//! Actions that give others access to resources, and actions that blind the account.
//!
//! AWS's level of permissions management, without those that give nobody access, and with those that
//! do so under another level: `data/exposure.tsv`. What IAM decides ([`Class::IamWrite`]) is not here.

use std::sync::LazyLock;

use crate::action::{Action, Level};
use crate::class::{Class, of_class};
use crate::data_reads::data_reads;
use crate::expand::expand;
use crate::set::ActionSet;

const ROWS: &str = include_str!("../data/exposure.tsv");

/// What a power over resources or over the account's watch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exposure {
    /// Gives others access to resources.
    Shares,
    /// Switches off what watches the account, or has it see less.
    Blinds,
}

/// All actions that do so.
pub fn exposing(exposure: Exposure) -> &'static ActionSet {
    static SETS: LazyLock<[ActionSet; 2]> = LazyLock::new(|| {
        let mut shares = ActionSet::of_level(Level::PermissionsManagement).clone();
        for (_, actions, _) in rows().filter(|(kind, _, _)| *kind == "neither") {
            shares -= &expand(actions);
        }
        let mut blinds = ActionSet::new();
        for (kind, actions, _) in rows() {
            match kind {
                "shares" => shares |= &expand(actions),
                "blinds" => blinds |= &expand(actions),
                _ => {}
            }
        }
        shares -= of_class(Class::IamWrite);
        shares -= of_class(Class::MetadataRead);
        shares -= data_reads();
        [shares, blinds]
    });
    let [shares, blinds] = &*SETS;
    match exposure {
        Exposure::Shares => shares,
        Exposure::Blinds => blinds,
    }
}

/// To what an action gives others access, or what it blinds, as "snapshots".
pub fn exposed(action: Action) -> &'static str {
    let known =
        rows().find(|(kind, actions, _)| *kind != "neither" && expand(actions).contains(action));
    known.map_or("resources", |(_, _, what)| what)
}

/// What it does, the actions, and to what.
fn rows() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    ROWS.lines().skip(1).filter_map(|row| {
        let mut columns = row.split('\t');
        Some((columns.next()?, columns.next()?, columns.next()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_whole_and_means_something() {
        assert_eq!(rows().count() + 1, ROWS.lines().count());
        for (kind, actions, _) in rows() {
            assert!(["shares", "blinds", "neither"].contains(&kind), "{kind}");
            let set = expand(actions);
            assert!(!set.is_empty(), "{actions}");
            if kind == "neither" && !actions.contains('*') {
                let level = ActionSet::of_level(Level::PermissionsManagement);
                assert!(set.is_subset(level), "{actions} is no exception");
            }
        }
    }

    #[test]
    fn what_shares_and_what_blinds() {
        let does = |exposure, name: &str| exposing(exposure).contains(Action::find(name).unwrap());
        for name in [
            "s3:PutBucketPolicy",
            "s3:DeleteBucketPolicy",
            "secretsmanager:PutResourcePolicy",
            "ecr:SetRepositoryPolicy",
            "ec2:ModifySnapshotAttribute",
            "ec2:ModifyImageAttribute",
            "rds:ModifyDBSnapshotAttribute",
            "lambda:AddPermission",
            "ram:CreateResourceShare",
            "sqs:AddPermission",
            "kinesis:PutResourcePolicy",
        ] {
            assert!(does(Exposure::Shares, name), "{name}");
        }
        for name in [
            "sqs:RemovePermission",
            "iam:PutRolePolicy",
            "quicksight:DescribeTopicPermissions",
            "s3:GetObject",
            "ec2:RunInstances",
            "cloudtrail:StopLogging",
        ] {
            assert!(!does(Exposure::Shares, name), "{name}");
        }
        for name in ["cloudtrail:StopLogging", "guardduty:DeleteDetector"] {
            assert!(does(Exposure::Blinds, name), "{name}");
        }
        assert!(!does(Exposure::Blinds, "cloudtrail:StartLogging"));
        assert_eq!(
            exposed(Action::find("rds:ModifyDBSnapshotAttribute").unwrap()),
            "snapshots"
        );
    }
}
