//! Which condition keys a request carries, and with which values.
//!
//! Sources: IAM user guide, "AWS global condition context keys" and "IAM and AWS STS condition
//! context keys"; service authorization reference, AWS Security Token Service.

use super::caller::{AwsKind, Caller};
use super::request::{EvaluationContext, RequestError};
use crate::answer::Request;

/// The keys of one request.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    /// Key in lower case, and its values; never empty.
    entries: Vec<(String, Vec<String>)>,
}

impl Keys {
    /// The values of a key, whose case does not count; `None` where it is absent.
    pub(super) fn get(&self, key: &str) -> Option<&[String]> {
        self.entries
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(key))
            .map(|(_, values)| values.as_slice())
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    fn one(&self, key: &str) -> Option<&str> {
        self.get(key)
            .and_then(<[String]>::first)
            .map(String::as_str)
    }

    /// Sets a key that follows from the caller, or from the world.
    fn follows(&mut self, key: &str, value: &str) -> Result<(), RequestError> {
        match self.one(key) {
            None => {
                self.entries
                    .push((key.to_ascii_lowercase(), vec![value.to_owned()]));
                Ok(())
            }
            // A number or a boolean is compared as text here too: the request's author is told.
            Some(given) if given == value => Ok(()),
            Some(given) => Err(conflict(key, given, value)),
        }
    }

    /// Sets a key that the request may tell otherwise.
    fn unless_reported(&mut self, key: &str, value: &str) {
        if !self.has(key) {
            self.entries
                .push((key.to_ascii_lowercase(), vec![value.to_owned()]));
        }
    }

    /// Forgets a key that this caller never carries.
    fn forget(&mut self, never: impl Fn(&str) -> bool) {
        self.entries.retain(|(key, _)| !never(key));
    }

    /// Session tags are sent, or their names, or which of them are handed on.
    pub(super) fn carries_tags(&self) -> bool {
        self.entries.iter().any(|(key, _)| {
            key.starts_with("aws:requesttag/")
                || key == "aws:tagkeys"
                || key == "sts:transitivetagkeys"
        })
    }

    pub(super) fn carries_source_identity(&self) -> bool {
        self.has("sts:SourceIdentity")
    }
}

fn conflict(key: &str, given: &str, follows: &str) -> RequestError {
    RequestError::Conflict {
        key: key.to_owned(),
        given: given.to_owned(),
        follows: follows.to_owned(),
    }
}

/// Keys that have one value at most.
const SINGLE: [&str; 32] = [
    "aws:currenttime",
    "aws:ec2instancesourceprivateipv4",
    "aws:ec2instancesourcevpc",
    "aws:epochtime",
    "aws:federatedprovider",
    "aws:multifactorauthage",
    "aws:multifactorauthpresent",
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalisawsservice",
    "aws:principalorgid",
    "aws:principalservicename",
    "aws:principaltype",
    "aws:referer",
    "aws:requestedregion",
    "aws:resourceaccount",
    "aws:resourceorgid",
    "aws:securetransport",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:tokenissuetime",
    "aws:useragent",
    "aws:userid",
    "aws:username",
    "aws:vpcsourceip",
    "sts:externalid",
    "sts:rolesessionname",
    "sts:sourceidentity",
];

/// The claims of GitHub's token that AWS turns into condition keys; any other is never present.
/// Source: IAM user guide, "Available keys for AWS OIDC federation".
const GITHUB_CLAIMS: [&str; 12] = [
    "actor",
    "actor_id",
    "aud",
    "enterprise_id",
    "environment",
    "job_workflow_ref",
    "ref",
    "repository",
    "repository_id",
    "repository_owner_id",
    "sub",
    "workflow",
];
const GITHUB: &str = "token.actions.githubusercontent.com";

/// The caller of a request and the keys that it carries: what was given, less what such a caller
/// never carries, and what follows from the caller.
pub(super) fn of_request(
    request: &Request,
    context: &EvaluationContext<'_>,
) -> Result<(Caller, Keys), RequestError> {
    let mut caller = Caller::of(&request.principal)?;
    let mut keys = Keys::default();
    for (key, values) in &request.context {
        let key = key.to_ascii_lowercase();
        let single = SINGLE.contains(&key.as_str())
            || key.starts_with("aws:requesttag/")
            || key.starts_with("aws:principaltag/")
            || key.starts_with("aws:resourcetag/");
        if single && values.len() > 1 {
            return Err(RequestError::SeveralValues {
                key,
                count: values.len(),
            });
        }
        if let Some(first) = values.first() {
            if let Some(before) = keys.one(&key) {
                return Err(conflict(&key, before, first));
            }
            keys.entries.push((key, values.clone()));
        }
    }
    keys.forget(|key| is_never_carried(&caller, key));
    match &mut caller {
        Caller::Aws(_) => of_aws(&mut caller, &mut keys, context)?,
        Caller::Service(name) => {
            let without_account = request.context.iter().any(|(key, values)| {
                values.is_empty() && key.eq_ignore_ascii_case("aws:SourceAccount")
            });
            of_service(name, without_account, &mut keys)?;
        }
        // Such calls are not signed, and may go without the key.
        Caller::Federated { .. } if keys.has("aws:PrincipalIsAWSService") => {
            keys.follows("aws:PrincipalIsAWSService", "false")?;
        }
        Caller::Federated { .. } => {}
    }
    the_moment(&mut keys, context.now);
    // The role's own account follows from the world.
    if let Some(account) = context.account {
        keys.follows("aws:ResourceAccount", account)?;
    }
    if let Some(organization) = context.organization {
        keys.follows("aws:ResourceOrgID", organization)?;
    }
    Ok((caller, keys))
}

/// Two faces of one moment: the request's own where it tells one, else the clock's.
fn the_moment(keys: &mut Keys, now: jiff::Timestamp) {
    let reported = ["aws:CurrentTime", "aws:EpochTime"]
        .iter()
        .find_map(|key| keys.one(key).and_then(super::compare::moment));
    let moment = reported.unwrap_or(now);
    keys.unless_reported("aws:CurrentTime", &moment.to_string());
    keys.unless_reported("aws:EpochTime", &moment.as_second().to_string());
}

/// Keys that calls of this kind never carry. `key` is in lower case.
fn is_never_carried(caller: &Caller, key: &str) -> bool {
    // Set by GetFederationToken and GetServiceBearerToken, not by any way into a role.
    if matches!(key, "sts:durationseconds" | "sts:awsservicename") {
        return true;
    }
    let by_service = matches!(
        key,
        "aws:sourceaccount"
            | "aws:sourcearn"
            | "aws:sourceowner"
            | "aws:sourceorgid"
            | "aws:sourceorgpaths"
            | "aws:principalservicename"
            | "aws:principalservicenameslist"
    );
    let of_account = matches!(
        key,
        "aws:principalarn"
            | "aws:principalaccount"
            | "aws:principalorgid"
            | "aws:principalorgpaths"
            | "aws:principaltype"
            | "aws:userid"
            | "aws:username"
            | "aws:multifactorauthpresent"
            | "aws:multifactorauthage"
            | "aws:tokenissuetime"
    );
    let saml = key.starts_with("saml:");
    // A claim's key begins with its provider's host.
    let claim = key
        .split('/')
        .next()
        .unwrap_or(key)
        .split(':')
        .next()
        .unwrap_or(key)
        .contains('.');
    match caller {
        Caller::Aws(caller) => {
            let name = key == "aws:username" && !matches!(caller.kind, AwsKind::User { .. });
            by_service || saml || claim || (name && caller.kind != AwsKind::ByUniqueId)
        }
        Caller::Service(_) => of_account || saml || claim,
        Caller::Federated { .. } => {
            by_service
                || of_account
                || key.starts_with("aws:principaltag/")
                || key == "sts:externalid"
                || (saml && !caller.is_saml())
                || (claim && !is_claim_of(caller, key))
        }
    }
}

/// Whether a key is a claim that this provider's tokens have and AWS knows.
fn is_claim_of(caller: &Caller, key: &str) -> bool {
    let Some(prefix) = caller.claim_prefix() else {
        return false;
    };
    let claim = key
        .get(..prefix.len())
        .filter(|start| start.eq_ignore_ascii_case(prefix))
        .and_then(|_| key.get(prefix.len()..))
        .and_then(|rest| rest.strip_prefix(':'));
    match claim {
        Some(claim) if prefix.eq_ignore_ascii_case(GITHUB) => GITHUB_CLAIMS.contains(&claim),
        Some(_) => true,
        None => false,
    }
}

/// What follows from a principal of an account.
fn of_aws(
    caller: &mut Caller,
    keys: &mut Keys,
    context: &EvaluationContext<'_>,
) -> Result<(), RequestError> {
    let Caller::Aws(caller) = caller else {
        return Ok(());
    };
    session_role(caller, keys)?;
    if caller.kind == AwsKind::ByUniqueId {
        caller.arn = keys.one("aws:PrincipalArn").map(str::to_owned);
        let part = |place: usize| {
            let arn = caller.arn.as_deref()?;
            arn.split(':')
                .nth(place)
                .filter(|part| !part.is_empty())
                .map(str::to_owned)
        };
        caller.partition = part(1);
        caller.account = part(4).or_else(|| keys.one("aws:PrincipalAccount").map(str::to_owned));
    }
    if let Some(arn) = caller.arn.clone() {
        keys.follows("aws:PrincipalArn", &arn)?;
    }
    if let Some(account) = caller.account.clone() {
        keys.follows("aws:PrincipalAccount", &account)?;
    }
    let kind = match &caller.kind {
        AwsKind::Root => "Account",
        AwsKind::User { .. } => "User",
        AwsKind::Session { .. } => "AssumedRole",
        AwsKind::FederatedUser { .. } => "FederatedUser",
        AwsKind::ByUniqueId if caller.named.starts_with("AIDA") => "User",
        AwsKind::ByUniqueId => "AssumedRole",
    };
    keys.follows("aws:PrincipalType", kind)?;
    user_id(caller, keys)?;
    if let AwsKind::User { name } = &caller.kind {
        keys.follows("aws:username", name)?;
    }
    keys.follows("aws:PrincipalIsAWSService", "false")?;
    keys.unless_reported("aws:ViaAWSService", "false");
    if matches!(
        caller.kind,
        AwsKind::Session { .. } | AwsKind::FederatedUser { .. }
    ) {
        // Temporary credentials always say whether MFA was used.
        keys.unless_reported("aws:MultiFactorAuthPresent", "false");
    }
    organization(caller.account.as_deref(), keys, context)
}

/// A session's role: `aws:PrincipalArn` may tell the role's path, which the session's ARN does not.
fn session_role(caller: &mut super::caller::AwsCaller, keys: &Keys) -> Result<(), RequestError> {
    let AwsKind::Session {
        role,
        session: Some(_),
    } = &caller.kind
    else {
        return Ok(());
    };
    let (Some(given), Some(follows)) = (keys.one("aws:PrincipalArn"), caller.arn.as_deref()) else {
        return Ok(());
    };
    let stem = follows.strip_suffix(role.as_str()).unwrap_or(follows);
    let fits = given
        .strip_prefix(stem)
        .is_some_and(|path| path.rsplit('/').next() == Some(role.as_str()));
    if !fits {
        return Err(conflict("aws:PrincipalArn", given, follows));
    }
    caller.arn = Some(given.to_owned());
    Ok(())
}

/// `aws:userid`: the account for root, the unique id for a user, id and session name for a session.
fn user_id(caller: &mut super::caller::AwsCaller, keys: &mut Keys) -> Result<(), RequestError> {
    let given = keys.one("aws:userid").map(str::to_owned);
    let follows = match &caller.kind {
        AwsKind::Root => caller.account.clone(),
        AwsKind::FederatedUser { name } => caller
            .account
            .as_ref()
            .map(|account| format!("{account}:{name}")),
        AwsKind::ByUniqueId if caller.named.starts_with("AIDA") => Some(caller.named.clone()),
        _ => None,
    };
    if let Some(follows) = follows {
        return keys.follows("aws:userid", &follows);
    }
    let Some(given) = given else { return Ok(()) };
    let (id, session_name) = match given.split_once(':') {
        Some((id, name)) => (id, Some(name)),
        None => (given.as_str(), None),
    };
    match &caller.kind {
        AwsKind::Session {
            session: Some(session),
            ..
        } if session_name != Some(session) => {
            return Err(conflict("aws:userid", &given, &format!("AROA…:{session}")));
        }
        AwsKind::Session { session: None, .. } if session_name.is_none() => {
            return Err(conflict("aws:userid", &given, "AROA…:SESSION"));
        }
        AwsKind::User { .. } if session_name.is_some() => {
            return Err(conflict("aws:userid", &given, "AIDA…"));
        }
        AwsKind::ByUniqueId if id != caller.named => {
            return Err(conflict(
                "aws:userid",
                &given,
                &format!("{}:SESSION", caller.named),
            ));
        }
        _ => {}
    }
    Ok(())
}

/// `aws:PrincipalOrgID` and `aws:PrincipalOrgPaths` tell of one organization.
fn organization(
    account: Option<&str>,
    keys: &mut Keys,
    context: &EvaluationContext<'_>,
) -> Result<(), RequestError> {
    let path_ids: Vec<String> = keys
        .get("aws:PrincipalOrgPaths")
        .unwrap_or_default()
        .iter()
        .map(|path| path.split('/').next().unwrap_or_default().to_owned())
        .collect();
    for id in path_ids {
        keys.follows("aws:PrincipalOrgID", &id)?;
    }
    match context.organization {
        Some(own) if account.is_some() && account == context.account => {
            keys.follows("aws:PrincipalOrgID", own)
        }
        _ => Ok(()),
    }
}

/// What follows from a service, and from the resource on whose behalf it calls: the account of its
/// ARN, unless the request says that it goes without (services may tell the one and not the other).
fn of_service(name: &str, without_account: bool, keys: &mut Keys) -> Result<(), RequestError> {
    keys.follows("aws:PrincipalIsAWSService", "true")?;
    keys.follows("aws:PrincipalServiceName", name)?;
    keys.unless_reported("aws:PrincipalServiceNamesList", name);
    let account = keys
        .one("aws:SourceArn")
        .and_then(|arn| arn.split(':').nth(4))
        .filter(|account| !account.is_empty() && !without_account)
        .map(str::to_owned);
    match account {
        Some(account) => keys.follows("aws:SourceAccount", &account),
        None => Ok(()),
    }
}

/// Why STS refuses the call before it looks at the document. Sources: STS API reference, AssumeRole;
/// IAM user guide, "Compare AWS STS credentials" (the root user cannot call AssumeRole).
pub(super) fn refused_by_sts(caller: &Caller, keys: &Keys) -> Option<String> {
    if caller.is_root() {
        return Some(
            "STS refuses the call: the root user cannot assume a role; name a user or a role"
                .to_owned(),
        );
    }
    let word = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    let fits = |key: &str, least: usize, most: usize, more: &str| {
        keys.one(key).is_none_or(|value| {
            (least..=most).contains(&value.chars().count())
                && value.chars().all(|c| word(c) || more.contains(c))
        })
    };
    if !fits("sts:ExternalId", 2, 1224, ":/") {
        return Some(
            "STS refuses the call: an external id has 2 to 1,224 characters of \
             A-Z a-z 0-9 _ + = , . @ : / -"
                .to_owned(),
        );
    }
    for key in ["sts:RoleSessionName", "sts:SourceIdentity"] {
        if !fits(key, 2, 64, "") {
            return Some(format!(
                "STS refuses the call: {key} has 2 to 64 characters of A-Z a-z 0-9 _ + = , . @ -"
            ));
        }
    }
    let in_region = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if keys
        .one("aws:RequestedRegion")
        .is_some_and(|region| region.is_empty() || !region.chars().all(in_region))
    {
        return Some("a region's name has lower-case letters, digits and hyphens alone".to_owned());
    }
    let organization = keys.one("aws:PrincipalOrgID");
    if organization.is_some_and(str::is_empty) && caller.is_aws() {
        return Some("no organization has an empty id".to_owned());
    }
    None
}
