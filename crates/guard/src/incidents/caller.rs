//! Who calls: as AWS says, never as the request's body does.

use serde::Deserialize;

use crate::cloudtrail::Actor;
use crate::rules::{Operators, arn_parts};

/// The IAM identity that signed a request to the function's URL: `requestContext.authorizer.iam` of
/// the event that Lambda makes of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Caller {
    /// `arn:aws:sts::…:assumed-role/NAME/SESSION`, `arn:aws:iam::…:user/NAME`.
    #[serde(rename = "userArn")]
    pub arn: String,
    /// 12 digits.
    pub account_id: String,
    /// The access key that signed.
    #[serde(default)]
    pub access_key: Option<String>,
}

/// What roles of IAM Identity Center are called in CloudTrail's ARNs: the session's name is the
/// person's there, and nobody can choose it.
const IDENTITY_CENTER: &str = ":role/aws-reserved/sso.amazonaws.com/";

impl Caller {
    /// The role behind a session, and the session's name.
    fn session(&self) -> Option<(&str, &str)> {
        let (service, _, resource) = arn_parts(&self.arn)?;
        let mut parts = resource.splitn(3, '/');
        let kind = parts.next()?;
        (service == "sts" && kind == "assumed-role").then_some(())?;
        Some((parts.next()?, parts.next()?))
    }

    /// The name of the session, or of the user.
    fn name(&self) -> Option<&str> {
        match self.session() {
            Some((_, session)) => Some(session),
            None => arn_parts(&self.arn)?.2.rsplit('/').next(),
        }
    }

    /// The rules name them: this user, or the role of their session. A role's name is unique in its
    /// account whatever its path, and a session's ARN does not show the path.
    pub fn may_approve(&self, operators: &Operators) -> bool {
        operators.approvers.iter().any(|named| {
            let Some((_, account, resource)) = arn_parts(named) else {
                return false;
            };
            let name = resource.rsplit('/').next();
            match self.session() {
                Some((role, _)) => {
                    account == self.account_id
                        && resource.starts_with("role/")
                        && name == Some(role)
                }
                None => *named == self.arn,
            }
        })
    }

    /// They may be the person who made a change: the same user, key or name of user or session, or the
    /// same role. Whoever assumes a role chooses the name of the session, so that two sessions of a role
    /// are one person, but for IAM Identity Center's.
    pub fn may_be(&self, actor: &Actor) -> bool {
        let same = |one: Option<&str>, other: &Option<String>| {
            one.is_some_and(|one| other.as_deref() == Some(one))
        };
        if same(Some(&self.arn), &actor.arn)
            || same(self.access_key.as_deref(), &actor.access_key_id)
        {
            return true;
        }
        let person = match actor.issuer {
            Some(_) => &actor.session_name,
            None => &actor.name,
        };
        if same(self.name(), person) {
            return true;
        }
        let Some((role, _)) = self.session() else {
            return false;
        };
        actor.issuer.as_deref().is_some_and(|issuer| {
            let of_account = arn_parts(issuer).is_some_and(|(_, account, resource)| {
                account == self.account_id && resource.rsplit('/').next() == Some(role)
            });
            of_account && !issuer.contains(IDENTITY_CENTER)
        })
    }
}
