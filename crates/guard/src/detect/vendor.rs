//! What a vendor's rule has against a grant to one of its accounts.

use jiff::Timestamp;
use policy::glob::matches_ignoring_case;
use policy::patterns::covers;
use policy::{Grant, Values, Who};

use super::coverage::{Uncovered, Unmet, restriction};
use crate::check::Check;
use crate::model::RoleRef;
use crate::rules::{CompiledVendor, arn_parts, is_pattern};

/// Everything that a vendor's rule has against a grant; nothing: the rule covers it.
pub(super) fn vendor_violations(
    vendor: &CompiledVendor,
    role: &RoleRef,
    grant: &Grant,
    now: Timestamp,
) -> Vec<Uncovered> {
    let name = &vendor.name;
    let mut complaints = Vec::new();
    let mut complain = |check, message, fix: String, unmet: Option<Unmet>| {
        let vendor = Some(name.clone());
        complaints.push(Uncovered {
            check,
            message,
            vendor,
            fix: Some(fix),
            unmet: unmet.into_iter().collect(),
            service: None,
        });
    };

    let entries = vendor.roles.iter().filter(|entry| {
        role.name
            .as_deref()
            .is_some_and(|role| matches_ignoring_case(&entry.name, role))
    });
    let entries: Vec<_> = entries.collect();
    if !vendor.is_about(&role.account) {
        let message = match role.account.as_str() {
            "" => format!(
                "{name} can assume the role, and it is not known whether its rule is about the \
                 role's account"
            ),
            account => {
                format!("{name} can assume the role, and its rule is not about account {account}")
            }
        };
        let fix = format!(
            "name the account under accounts_of_ours in the rule of {name}, or remove {name} from \
             the trust policy"
        );
        complain(Check::RoleNotRegistered, message, fix, None);
    } else if entries.is_empty() {
        let message = match role.name.as_deref() {
            Some(role) => {
                format!("{name} can assume the role, and its rule does not name role {role}")
            }
            None => format!(
                "{name} can assume the role, and it is not known whether its rule names the role"
            ),
        };
        let fix =
            format!("name the role in the rule of {name}, or remove {name} from the trust policy");
        complain(Check::RoleNotRegistered, message, fix, None);
    }
    if vendor.expires.is_some_and(|end| end <= now) {
        let message = format!("{name} can still assume the role, and its access has expired");
        let fix = format!("remove {name} from the trust policy, or renew its rule");
        complain(Check::ExpiredAccess, message, fix, None);
    }

    let own_ids: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry.external_id.as_deref())
        .collect();
    if let Some((check, message, fix)) = external_id_complaint(vendor, own_ids.clone(), grant) {
        let unmet = Unmet {
            key: "sts:ExternalId".to_owned(),
            // Of an id that is missing, none proves anything.
            admitted: match check {
                Check::WrongExternalId => allowed_ids(vendor, own_ids)
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
                _ => vec!["*".to_owned()],
            },
        };
        complain(check, message, fix, Some(unmet));
    }
    if let Some((check, message, fix)) = principal_complaint(vendor, grant) {
        let unmet = Unmet {
            key: "aws:PrincipalArn".to_owned(),
            admitted: vendor.principals.clone(),
        };
        complain(check, message, fix, Some(unmet));
    }
    complaints
}

/// A check, what is wrong, and what mends it.
type Complaint = (Check, String, String);

/// A role with an id of its own is bound to that one, not to the vendor's.
fn allowed_ids<'v>(vendor: &'v CompiledVendor, own: Vec<&'v str>) -> Vec<&'v str> {
    if own.is_empty() {
        vendor
            .external_id
            .values
            .iter()
            .map(String::as_str)
            .collect()
    } else {
        own
    }
}

/// `own` are the ids of the roles that the rule names one by one.
fn external_id_complaint(
    vendor: &CompiledVendor,
    own: Vec<&str>,
    grant: &Grant,
) -> Option<Complaint> {
    let required = vendor.external_id.required || !own.is_empty();
    if !required {
        return None;
    }
    let allowed = allowed_ids(vendor, own);
    let name = &vendor.name;
    let given = match restriction(grant, "sts:ExternalId").map(|found| &found.values) {
        None | Some(Values::None) => {
            let message = format!("{name} can assume the role without an external id");
            let fix = "require it with StringEquals on sts:ExternalId".to_owned();
            return Some((Check::MissingExternalId, message, fix));
        }
        Some(Values::OneOf(values) | Values::Like(values)) => values.as_slice(),
        Some(_) => &[],
    };
    let is_named = |id: &String| allowed.iter().any(|named| covers(named, id));
    let (with, fix) = if allowed.is_empty() {
        return None;
    } else if given.is_empty() || given.iter().any(|id| is_pattern(id) && !is_named(id)) {
        (
            "external ids other than those the rules name",
            "compare with StringEquals, without a pattern or a variable",
        )
    } else if !given.iter().all(is_named) {
        (
            "an external id that its rule does not name",
            "use the id that the rules name, or add this one",
        )
    } else {
        return None;
    };
    let message = format!("{name} can assume the role with {with}");
    Some((Check::WrongExternalId, message, fix.to_owned()))
}

fn principal_complaint(vendor: &CompiledVendor, grant: &Grant) -> Option<Complaint> {
    if vendor.principals.is_empty() {
        return None;
    }
    let name = &vendor.name;
    match &grant.principal {
        Who::Principal { arn, .. } if vendor.principals.iter().any(|own| is_of(arn, own)) => None,
        Who::Principal { arn, .. } => {
            let message =
                format!("{arn} can assume the role and is not among the principals of {name}");
            let fix = format!("name only the principals of the rule of {name}");
            Some((Check::UnknownThirdParty, message, fix))
        }
        Who::UniqueId { id } if vendor.principals.contains(id) => None,
        Who::Account { account } if vendor.names_root_of(account) => None,
        _ => {
            let message = format!(
                "the whole account of {name} can assume the role, and its rule names principals"
            );
            let fix = "name these principals in the trust policy".to_owned();
            Some((Check::BroadPrincipal, message, fix))
        }
    }
}

/// Whether a principal is one that a rule names, or a session of a role that it names. Patterns are
/// only in what follows the account.
pub(super) fn is_of(arn: &str, named: &str) -> bool {
    if covers(named, arn) {
        return true;
    }
    let (Some((_, account, principal)), Some((_, of, named))) = (arn_parts(arn), arn_parts(named))
    else {
        return false;
    };
    if account != of {
        return false;
    }
    if named == "root" {
        return true;
    }
    let session = principal
        .strip_prefix("assumed-role/")
        .and_then(|session| session.split_once('/'))
        .filter(|(_, session)| !session.is_empty());
    match (named.strip_prefix("role/"), session) {
        // A session does not say the path of its role, so only a pattern without one fits it.
        (Some(role), Some((of, _))) if is_pattern(role) => !role.contains('/') && covers(role, of),
        // Within one account a role's name is unique, whatever its path.
        (Some(role), Some((of, _))) => role.rsplit('/').next() == Some(of),
        _ => false,
    }
}
