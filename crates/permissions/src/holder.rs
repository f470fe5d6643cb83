//! What no request of a holder can meet: such resources and conditions give nothing.

use policy::document::{Condition, Version};
use policy::glob;

use crate::action::{Action, ResourceType, Service, source};
use crate::limits::asks_absence;
use crate::resource::cover;
use crate::set::ActionSet;

/// Whose policies they are, as far as that decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Holder<'a> {
    arn: Option<&'a str>,
    partition: Option<&'a str>,
    account: Option<&'a str>,
    is_role: bool,
}

impl<'a> Holder<'a> {
    /// By its ARN, where that is known.
    pub(crate) fn of(arn: Option<&'a str>) -> Self {
        let mut parts = arn.unwrap_or_default().splitn(6, ':').skip(1);
        Self {
            arn,
            partition: parts.next(),
            account: parts.nth(2),
            is_role: parts.next().is_some_and(|end| end.starts_with("role/")),
        }
    }

    /// That of its ARN.
    pub(crate) fn partition(self) -> Option<&'a str> {
        self.partition
    }

    /// What counts of it wherever no condition names it: an account's roles are alike in this.
    pub(crate) fn kind(self) -> (Option<&'a str>, Option<&'a str>, bool) {
        (self.partition, self.account, self.is_role)
    }

    /// Whether some request of the holder can be about a resource: one of another partition none.
    pub(crate) fn can_name(self, resource: &str, version: Version) -> bool {
        let partition = resource
            .strip_prefix("arn:")
            .and_then(|rest| rest.split(':').next())
            .filter(|partition| !partition.contains(['*', '?', '$']));
        let abroad = self
            .partition
            .zip(partition)
            .is_some_and(|(own, other)| own != other);
        !abroad && self.has_all_variables(resource, version)
    }

    /// A session of a role has no `aws:username` (IAM User Guide, "AWS global condition context
    /// keys"), and a resource whose variable has no value fits nothing. In documents of 2008 it is
    /// text.
    fn has_all_variables(self, resource: &str, version: Version) -> bool {
        let nameless = |variable: &str| {
            let name = variable.split('}').next();
            name.is_some_and(|name| name.eq_ignore_ascii_case("aws:username"))
        };
        let literal = version == Version::V2008 || !self.is_role;
        literal || !resource.split("${").skip(1).any(nameless)
    }

    /// What each request of the holder says of a key: `None` where that is not known, `Some(None)` where
    /// the key is absent. Source: IAM User Guide, "AWS global condition context keys"; read 2026-11-30.
    fn says(self, key: &str) -> Option<Option<&'a str>> {
        let is = |name: &str| key.eq_ignore_ascii_case(name);
        let kind = if self.is_role { "AssumedRole" } else { "User" };
        if is("aws:PrincipalArn") {
            self.arn.map(Some)
        } else if is("aws:PrincipalAccount") {
            self.account.map(Some)
        } else if is("aws:PrincipalType") {
            self.account.map(|_| Some(kind))
        } else if is("aws:PrincipalIsAWSService") {
            Some(Some("false"))
        } else if is("aws:username") && self.is_role {
            Some(None)
        } else {
            None
        }
    }

    /// Whether some request of the holder can meet a condition. Moments before the table of actions was
    /// made are over, and so are a role's credentials that were issued then: they live for 36 hours at
    /// most, and always say when they were issued.
    pub(crate) fn can_meet(self, condition: &Condition<'_>) -> bool {
        let operator = condition.operator_text.to_ascii_lowercase();
        let is = |key: &str| condition.key.eq_ignore_ascii_case(key);
        let past = |moment: &str| {
            let is_date =
                moment.starts_with(|first: char| first.is_ascii_digit()) && moment.contains('-');
            is_date && moment.get(..10).is_some_and(|day| day < source().date)
        };
        let is_over = operator.starts_with("datelessthan")
            && condition.values.iter().all(|moment| past(moment));
        let issued = is("aws:TokenIssueTime") && self.is_role;
        if (is_over && (is("aws:CurrentTime") || issued))
            || (issued && operator == "null" && asks_absence(condition))
        {
            return false;
        }
        self.says(&condition.key)
            .is_none_or(|said| is_met(&operator, condition, said))
    }

    /// Whether it is about resources of other accounts alone, and IAM acts in its caller's own.
    pub(crate) fn is_about_others(self, condition: &Condition<'_>) -> bool {
        let operator = condition.operator_text.to_ascii_lowercase();
        condition.key.eq_ignore_ascii_case("aws:ResourceAccount")
            && self
                .account
                .is_some_and(|own| !is_met(&operator, condition, Some(own)))
    }
}

/// Whether a request that says so of the key meets a condition. What cannot be known is taken to.
fn is_met(operator: &str, condition: &Condition<'_>, said: Option<&str>) -> bool {
    let plain = operator.strip_prefix("foranyvalue:").unwrap_or(operator);
    let plain = plain.strip_prefix("forallvalues:").unwrap_or(plain);
    let of_what_is_there = plain.ends_with("ifexists") || operator.starts_with("forallvalues:");
    let plain = plain.strip_suffix("ifexists").unwrap_or(plain);
    if plain == "null" {
        return said.is_none() == asks_absence(condition);
    }
    let is_negated = plain.contains("not");
    let Some(said) = said else {
        return of_what_is_there || is_negated;
    };
    let fits = |pattern: &str| match plain {
        "stringequals" | "stringnotequals" => pattern == said,
        "stringequalsignorecase" | "stringnotequalsignorecase" | "bool" => {
            pattern.eq_ignore_ascii_case(said)
        }
        _ => glob::matches(pattern, said),
    };
    let values = || condition.values.iter();
    let known = plain.starts_with("string") || plain.starts_with("arn") || plain == "bool";
    !known
        || values().any(|value| value.contains("${"))
        || values().any(|value| fits(value)) != is_negated
}

/// Whether a condition names its holder: then roles that hold the same may do other things.
pub(crate) fn names_holder(condition: &Condition<'_>) -> bool {
    condition.key.eq_ignore_ascii_case("aws:PrincipalArn")
}

/// What becomes of IAM's actions on resources with this ARN.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fate {
    /// They may be called.
    Called,
    /// Reads alone: AWS's managed policies; roles that AWS keeps, of which IAM refuses each change
    /// (`UnmodifiableEntity`) but a few.
    Read,
    /// None: IAM acts in its caller's own account.
    Refused,
}

/// See [`Fate`].
pub(crate) fn fate(resource: &str, holder: Holder<'_>) -> Fate {
    let mut parts = resource.splitn(6, ':').skip(2);
    let (service, account, end) = (parts.next(), parts.nth(1), parts.next());
    let (Some("iam"), Some(account), Some(end)) = (service, account, end) else {
        return Fate::Called;
    };
    let kept = ["role/aws-service-role/", "role/aws-reserved/"];
    if account == "aws" || kept.iter().any(|path| end.starts_with(path)) {
        return Fate::Read;
    }
    let number = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    match holder.account {
        Some(own) if number && own != account => Fate::Refused,
        _ => Fate::Called,
    }
}

/// Takes out IAM's actions that cannot act on any of these resources of IAM.
pub(crate) fn keep_met(actions: &mut ActionSet, resources: &[String], holder: Holder<'_>) {
    let fates: Vec<Fate> = resources.iter().map(|one| fate(one, holder)).collect();
    let unmet = iam().filter(|action| {
        let met = |(resource, fate): (&String, &Fate)| match fate {
            Fate::Called => may_name(resource, *action),
            Fate::Read => reads(*action) && may_name(resource, *action),
            Fate::Refused => false,
        };
        actions.contains(*action) && !resources.iter().zip(&fates).any(met)
    });
    let unmet: ActionSet = unmet.collect();
    *actions -= &unmet;
}

fn iam() -> impl Iterator<Item = Action> {
    Service::find("iam").into_iter().flat_map(Service::actions)
}

/// Whether IAM lets it be called on what AWS keeps: it reads, or it is one of the few.
fn reads(action: Action) -> bool {
    const FEW: [&str; 4] = [
        "CreateServiceLinkedRole",
        "DeleteServiceLinkedRole",
        "PassRole",
        "UpdateRoleDescription",
    ];
    !action.level().changes() || FEW.contains(&action.name())
}

/// What a resource says of its kind: `role/`, or the beginning of one.
pub(crate) fn kind_of(resource: &str) -> &str {
    let end = resource.splitn(6, ':').nth(5).unwrap_or_default();
    match end.find(['*', '?', '$', '/']) {
        Some(at) if end.get(at..).is_some_and(|rest| rest.starts_with('/')) => {
            end.get(..=at).unwrap_or_default()
        }
        Some(at) => end.get(..at).unwrap_or_default(),
        None => end,
    }
}

/// Whether an action acts on what a resource names, by the kinds of the table: `role/`, `user/`.
fn may_name(resource: &str, action: Action) -> bool {
    let mut kinds = action.resource_types().map(|acts_on| acts_on.resource_type);
    kinds.any(|kind| begins_as(resource, kind))
}

/// Whether a resource may be of a kind, by its service and how it begins.
pub(crate) fn begins_as(resource: &str, kind: ResourceType) -> bool {
    let fixed = kind_of(resource);
    kind.arns().any(|arn| {
        let [_, _, service, .., form] = arn.parts();
        let start = form.split('$').next().unwrap_or_default();
        cover(resource).service.is_none_or(|named| named == service)
            && (fixed.starts_with(start) || start.starts_with(fixed))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_request_can_meet_gives_nothing() {
        let role = Holder::of(Some("arn:aws:iam::111122223333:role/vendor"));
        for (resource, expected) in [
            ("arn:aws:iam::aws:policy/*", Fate::Read),
            ("arn:aws:iam::*:policy/*", Fate::Called),
            ("arn:aws:iam::111122223333:user/x", Fate::Called),
            ("arn:aws:iam::444455556666:user/x", Fate::Refused),
            ("arn:aws:iam::44445555666?:user/x", Fate::Called),
            ("arn:aws:iam::*:role/aws-service-role/x/y", Fate::Read),
            ("arn:aws:iam::*:role/aws-*", Fate::Called),
            (
                "arn:aws:lambda:eu-west-1:444455556666:function:x",
                Fate::Called,
            ),
        ] {
            assert_eq!(fate(resource, role), expected, "{resource}");
        }
        let own = "arn:aws:iam::*:user/${aws:username}";
        assert!(!role.has_all_variables(own, Version::V2012));
        assert!(role.has_all_variables(own, Version::V2008));
        assert!(role.has_all_variables("x${aws:username, 'a'}", Version::V2012));
        assert!(Holder::default().has_all_variables(own, Version::V2012));
        let gov = "arn:aws-us-gov:iam::*:role/*";
        for (holder, resource, expected) in [
            (role, gov, false),
            (role, "arn:aws*:iam::*:role/*", true),
            (role, "*", true),
            (Holder::default(), gov, true),
            (role, own, false),
        ] {
            assert_eq!(
                holder.can_name(resource, Version::V2012),
                expected,
                "{resource}"
            );
        }
    }

    #[test]
    fn a_condition_that_no_request_meets_gives_nothing() {
        let met = |arn: &str, condition: &str| {
            let text = format!(
                r#"{{"Statement": {{"Effect": "Allow", "Action": "*", "Resource": "*",
                "Condition": {condition}}}}}"#
            );
            let policy = policy::IdentityPolicy::parse(&text).unwrap();
            Holder::of(Some(arn)).can_meet(&policy.statements[0].conditions[0])
        };
        let (role, user) = (
            "arn:aws:iam::111122223333:role/vendor",
            "arn:aws:iam::111122223333:user/vendor",
        );
        for (condition, of_role, of_user) in [
            (
                r#"{"DateLessThan": {"aws:CurrentTime": "2024-01-01T00:00:00Z"}}"#,
                false,
                false,
            ),
            (
                r#"{"DateLessThan": {"aws:CurrentTime": "2124-01-01T00:00:00Z"}}"#,
                true,
                true,
            ),
            (
                r#"{"DateGreaterThan": {"aws:CurrentTime": "2024-01-01T00:00:00Z"}}"#,
                true,
                true,
            ),
            (
                r#"{"DateLessThan": {"aws:TokenIssueTime": "2024-01-01T00:00:00Z"}}"#,
                false,
                true,
            ),
            (
                r#"{"StringEquals": {"aws:PrincipalAccount": "444455556666"}}"#,
                false,
                false,
            ),
            (
                r#"{"StringEquals": {"aws:PrincipalAccount": ["444455556666", "111122223333"]}}"#,
                true,
                true,
            ),
            (
                r#"{"StringLike": {"aws:PrincipalAccount": "4444*"}}"#,
                false,
                false,
            ),
            (
                r#"{"StringNotEquals": {"aws:PrincipalAccount": "444455556666"}}"#,
                true,
                true,
            ),
            (
                r#"{"StringNotEquals": {"aws:PrincipalAccount": ["444455556666", "111122223333"]}}"#,
                false,
                false,
            ),
            (
                r#"{"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::111122223333:role/*"}}"#,
                false,
                true,
            ),
            (
                r#"{"ForAnyValue:StringEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:user/vendor"}}"#,
                false,
                true,
            ),
            (r#"{"Null": {"aws:PrincipalArn": "true"}}"#, false, false),
            (r#"{"Null": {"aws:PrincipalArn": "false"}}"#, true, true),
            (r#"{"Null": {"aws:username": "false"}}"#, false, true),
            (r#"{"Null": {"aws:username": "true"}}"#, true, true),
            (r#"{"Null": {"aws:TokenIssueTime": "true"}}"#, false, true),
            (
                r#"{"StringNotLike": {"aws:username": "admin*"}}"#,
                true,
                true,
            ),
            (r#"{"StringLike": {"aws:username": "*"}}"#, false, true),
            (
                r#"{"StringEquals": {"aws:PrincipalArn": "${aws:PrincipalArn}"}}"#,
                true,
                true,
            ),
            (
                r#"{"StringEquals": {"aws:username": "admin"}}"#,
                false,
                true,
            ),
            (
                r#"{"StringEqualsIfExists": {"aws:username": "admin"}}"#,
                true,
                true,
            ),
            (
                r#"{"StringEquals": {"aws:PrincipalType": "User"}}"#,
                false,
                true,
            ),
            (
                r#"{"StringEquals": {"aws:PrincipalType": ["User", "AssumedRole"]}}"#,
                true,
                true,
            ),
            (
                r#"{"Bool": {"aws:PrincipalIsAWSService": "true"}}"#,
                false,
                false,
            ),
            (
                r#"{"Bool": {"aws:PrincipalIsAWSService": "false"}}"#,
                true,
                true,
            ),
        ] {
            assert_eq!(met(role, condition), of_role, "a role: {condition}");
            assert_eq!(met(user, condition), of_user, "a user: {condition}");
        }
    }

    #[test]
    fn an_action_acts_on_its_own_kinds() {
        let on = |name: &str, resource: &str| {
            may_name(resource, Action::find(&format!("iam:{name}")).unwrap())
        };
        assert!(on("PutRolePolicy", "arn:aws:iam::*:role/x"));
        assert!(on("PutRolePolicy", "arn:aws:iam::*:ro*"));
        assert!(on("PutRolePolicy", "arn:aws:iam::*"));
        assert!(!on("PutRolePolicy", "arn:aws:iam::*:user/*"));
        assert!(!on("CreateAccessKey", "arn:aws:iam::*:policy/*"));
    }
}
