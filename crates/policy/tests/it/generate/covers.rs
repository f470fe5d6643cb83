//! Whether a grant, as the answer describes it, covers a request.

use std::collections::BTreeMap;

use trustwarden_policy::{Grant, Request, Values, Who, glob};

/// Whether a grant covers a request with these keys: `None` where it says so in words only.
pub(crate) fn covers(
    grant: &Grant,
    request: &Request,
    keys: &BTreeMap<String, Vec<String>>,
) -> Option<bool> {
    let one = |key: &str| keys.get(key).and_then(|values| values.first());
    let account = one("aws:principalaccount");
    let organization = one("aws:principalorgid");
    let value = &request.principal.value;
    let who = match &grant.principal {
        Who::Anyone => account.is_some(),
        Who::Organization { id, path } => {
            account.is_some()
                && organization == Some(id)
                && match (path, one("aws:principalorgpaths")) {
                    (Some(path), Some(found)) => glob::matches(path, found),
                    (Some(_), None) => return None,
                    (None, _) => true,
                }
        }
        Who::Account { account: named } => account == Some(named),
        Who::Principal {
            account: named,
            arn,
        } => {
            // A restriction says where case does not count.
            let restriction = grant.restriction("aws:PrincipalArn");
            let matches = match restriction.map(|one| &one.values) {
                Some(Values::OneOfIgnoringCase(_)) => glob::matches_ignoring_case,
                _ => glob::matches,
            };
            account == Some(named)
                && (matches(arn, value)
                    || one("aws:principalarn").is_some_and(|found| matches(arn, found)))
        }
        Who::UniqueId { id } => {
            one("aws:userid").is_some_and(|user| user.split(':').next() == Some(id.as_str()))
        }
        Who::Service { service } => request.principal.kind == "Service" && value == service,
        Who::AnyService => request.principal.kind == "Service",
        // Everyone's provider is any of whom the document does not speak.
        Who::Federated { .. } if request.principal.kind != "Federated" => false,
        Who::Federated { provider, .. } => {
            let spoken = [super::OKTA, super::FOREIGN_OKTA].contains(&value.as_str());
            match provider.strip_suffix('*') {
                Some("") => !value.contains(":saml-provider/") && !value.contains("token.actions."),
                Some(begun) => value.starts_with(begun) && !spoken,
                None => value == provider,
            }
        }
    };
    if !who {
        return Some(false);
    }
    let mut in_words = false;
    for restriction in &grant.restrictions {
        let key = restriction.key.to_ascii_lowercase();
        let Some(values) = keys.get(&key) else {
            if !restriction.may_be_absent {
                return Some(false);
            }
            continue;
        };
        if values.len() > 1 {
            in_words = true;
            continue;
        }
        let value = values[0].as_str();
        let fits = match &restriction.values {
            Values::None => false,
            Values::Any => true,
            Values::OneOf(list) => list.iter().any(|one| one == value),
            Values::OneOfIgnoringCase(list) => {
                list.iter().any(|one| one.eq_ignore_ascii_case(value))
            }
            Values::Like(list) => list.iter().any(|one| glob::matches(one, value)),
            Values::Networks(list) => list.iter().any(|network| holds(network, value)),
            Values::Except(_) | Values::Range(_) | Values::Other(_) => {
                in_words = true;
                continue;
            }
        };
        if !fits {
            return Some(false);
        }
    }
    (!in_words).then_some(true)
}

/// Whether an address lies in a network.
fn holds(network: &str, address: &str) -> bool {
    let (base, length) = network.split_once('/').unwrap_or((network, "128"));
    let length: u32 = length.parse().unwrap();
    match (
        base.parse::<std::net::IpAddr>().unwrap(),
        address.parse::<std::net::IpAddr>(),
    ) {
        (std::net::IpAddr::V4(base), Ok(std::net::IpAddr::V4(address))) => {
            let length = length.min(32);
            (base.to_bits() ^ address.to_bits())
                .checked_shr(32 - length)
                .unwrap_or(0)
                == 0
        }
        (std::net::IpAddr::V6(base), Ok(std::net::IpAddr::V6(address))) => {
            (base.to_bits() ^ address.to_bits())
                .checked_shr(128 - length)
                .unwrap_or(0)
                == 0
        }
        _ => false,
    }
}
