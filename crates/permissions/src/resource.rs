//! Patterns of resources: how much they cover.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::action::{Action, Service};
use crate::set::ActionSet;

/// On how much something is allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Resources by name, or by the beginning of a name.
    Named,
    /// Every resource of one service, or of one kind of it, as `arn:aws:s3:::*`.
    Service,
    /// Everything: `*`.
    Everything,
}

impl Scope {
    /// In words, to stand behind a verb.
    pub fn words(self) -> &'static str {
        match self {
            Scope::Named => "on named resources",
            Scope::Service => "on every resource of a kind",
            Scope::Everything => "on everything",
        }
    }
}

/// What a pattern of resources covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cover<'p> {
    pub(crate) scope: Scope,
    /// The service in its ARNs; `None` where it may be any.
    pub(crate) service: Option<&'p str>,
}

/// How much a pattern covers. What cannot be told is taken for more.
pub(crate) fn cover(pattern: &str) -> Cover<'_> {
    let everything = Cover {
        scope: Scope::Everything,
        service: None,
    };
    let mut parts = pattern.splitn(6, ':');
    let (Some("arn"), Some(_), Some(service)) = (parts.next(), parts.next(), parts.next()) else {
        return everything;
    };
    if service.is_empty() || service.contains(['*', '?', '$']) {
        return everything;
    }
    // Region and account cannot narrow what the last part leaves open, since they are mostly ours
    // and one. With fewer parts a star stands for the last.
    let rest = parts.nth(2).unwrap_or("*");
    let stars = rest.find(['*', '?']).unwrap_or(rest.len());
    let (name, open) = rest.split_at_checked(stars).unwrap_or((rest, ""));
    let open_end = !open.is_empty() && open.bytes().all(|byte| b"*?/:".contains(&byte));
    let whole_kind = open_end
        && (name.is_empty()
            || SEGMENTS
                .named
                .get(service)
                .is_none_or(|segment| segment.begins_a_kind(name)));
    Cover {
        scope: if whole_kind {
            Scope::Service
        } else {
            Scope::Named
        },
        service: Some(service),
    }
}

/// What acts on resources whose ARN names a service.
struct Segment {
    actions: ActionSet,
    /// How the names of its kinds of resources begin, as `table/`.
    starts: Vec<&'static str>,
}

impl Segment {
    /// Whether all names of some kind begin so. Where names need no beginning, as those of buckets, what
    /// begins a kind may begin a name.
    fn begins_a_kind(&self, name: &str) -> bool {
        let has_plain_names = self.starts.contains(&"");
        let mut starts = self.starts.iter();
        self.starts.contains(&name)
            || (!has_plain_names && starts.any(|start| start.starts_with(name)))
    }
}

struct Segments {
    named: HashMap<&'static str, Segment>,
    /// What acts on resources of any service.
    any: ActionSet,
}

static SEGMENTS: LazyLock<Segments> = LazyLock::new(|| {
    let mut named: HashMap<&'static str, Segment> = HashMap::new();
    let mut any = ActionSet::new();
    for service in Service::all() {
        for resource_type in service.resource_types() {
            for arn in resource_type.arns() {
                let [_, _, segment, _, _, rest] = arn.parts();
                let end = rest.find(['$', '*']).unwrap_or(rest.len());
                let segment = named.entry(segment).or_insert_with(|| Segment {
                    actions: ActionSet::new(),
                    starts: Vec::new(),
                });
                segment.starts.push(rest.get(..end).unwrap_or_default());
            }
        }
    }
    for action in Action::all() {
        for acts_on in action.resource_types() {
            for arn in acts_on.resource_type.arns() {
                let segment = arn.service();
                match named.get_mut(segment) {
                    Some(found) if !segment.contains('$') => found.actions.insert(action),
                    _ => any.insert(action),
                }
            }
        }
    }
    Segments { named, any }
});

/// Takes out what cannot act on any resource whose ARN names this service: an action of another
/// service, and one that takes no ARN at all. A service that the table does not know keeps all.
pub(crate) fn keep_acting_on(actions: &mut ActionSet, service: &str) {
    let Some(segment) = SEGMENTS.named.get(service) else {
        return;
    };
    let mut on_any = actions.clone();
    on_any &= &SEGMENTS.any;
    *actions &= &segment.actions;
    *actions |= &on_any;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_reported() {
        for (pattern, scope, service) in [
            ("*", Scope::Everything, None),
            ("**", Scope::Everything, None),
            ("arn:*", Scope::Everything, None),
            ("arn:aws:*", Scope::Everything, None),
            ("arn:aws:*:*:*:*", Scope::Everything, None),
            ("arn:aws:s3*", Scope::Everything, None),
            ("${x}", Scope::Everything, None),
            ("arn:aws:s3:*", Scope::Service, Some("s3")),
            ("arn:aws:s3:::*", Scope::Service, Some("s3")),
            ("arn:aws:s3:::*/*", Scope::Service, Some("s3")),
            ("arn:*:s3:::bucket/*", Scope::Named, Some("s3")),
            ("arn:aws:s3:::bucket", Scope::Named, Some("s3")),
            ("arn:aws:s3:::acme-*", Scope::Named, Some("s3")),
            (
                "arn:aws:dynamodb:*:*:table/*",
                Scope::Service,
                Some("dynamodb"),
            ),
            (
                "arn:aws:dynamodb:eu-west-1:111122223333:table/*",
                Scope::Service,
                Some("dynamodb"),
            ),
            (
                "arn:aws:dynamodb:*:*:table/orders",
                Scope::Named,
                Some("dynamodb"),
            ),
            (
                "arn:aws:dynamodb:*:*:table/orders/*",
                Scope::Named,
                Some("dynamodb"),
            ),
            (
                "arn:aws:dynamodb:*:*:table/o*",
                Scope::Named,
                Some("dynamodb"),
            ),
            ("arn:aws:iam::*:role/*", Scope::Service, Some("iam")),
            ("arn:aws:ssm:*:*:parameter*", Scope::Service, Some("ssm")),
            (
                "arn:aws:dynamodb:*:*:tab*",
                Scope::Service,
                Some("dynamodb"),
            ),
            ("arn:aws:iam::111122223333:*", Scope::Service, Some("iam")),
            ("arn:aws:dms:*:*:task:*", Scope::Service, Some("dms")),
            ("arn:aws:sqs:*:*:*", Scope::Service, Some("sqs")),
            ("arn:aws:s3:::${aws:username}", Scope::Named, Some("s3")),
            ("arn:aws:nosuch:::thing/*", Scope::Service, Some("nosuch")),
        ] {
            assert_eq!(cover(pattern), Cover { scope, service }, "{pattern}");
        }
    }
}
