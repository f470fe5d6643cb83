//! Every request of the small world that a document could tell apart.

use std::collections::BTreeMap;

use trustwarden_policy::{Request, RequestPrincipal};

use super::callers::{AWS_CALLERS, Caller, GITHUB_CALLERS};
use super::{
    FOREIGN_GITHUB, FOREIGN_OKTA, Family, GITHUB, GOOGLE, GeneratedDocument, KEYS, KeySpec,
    NEIGHBOUR, NOW, OKTA, OTHER_SAML, OWN, ROLES_ANYWHERE, UNNAMED_SERVICE, VENDOR,
};

/// One request, and what an examiner must know of it besides.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    pub(crate) request: Request,
    pub(crate) caller: Caller,
    /// Everything the request carries, what follows from the caller included: in lower case.
    pub(crate) keys: BTreeMap<String, Vec<String>>,
}

/// All requests of the world, with every combination of the keys that the document speaks of.
/// `None` where these are too many to try.
pub(crate) fn trials(document: &GeneratedDocument) -> Option<Vec<Trial>> {
    let keys = document.keys();
    let names = |kind: fn(&super::GeneratedStatement) -> bool| document.statements.iter().any(kind);
    // Where no condition asks who calls, a few stand for all.
    let asks = [
        "aws:PrincipalArn",
        "aws:PrincipalAccount",
        "aws:PrincipalType",
        "aws:userid",
        "aws:username",
    ];
    let all = asks.iter().any(|key| document.has_key(key));
    // Where one user is named, another is not.
    let one_is_named = names(|one| one.aws.iter().any(|arn| arn.ends_with(":user/alice")));
    let stands_for_others = |caller: &Caller| {
        let Caller::Aws { account, value, .. } = caller else {
            return false;
        };
        let usual = value.ends_with(":user/alice")
            || value.ends_with("assumed-role/Reader/job")
            || one_is_named && value.ends_with(":user/bob");
        usual && *account != NEIGHBOUR || *account == VENDOR && value.contains("assumed-role")
    };
    let mut callers: Vec<Caller> = AWS_CALLERS
        .iter()
        .filter(|caller| all || stands_for_others(caller))
        .copied()
        .collect();
    if document.names_a_living_id() {
        let ghosts: Vec<Caller> = callers.iter().filter_map(|one| one.as_ghost()).collect();
        callers.extend(ghosts);
    }
    let everyone = names(super::GeneratedStatement::lets_everyone_in);
    if names(|statement| !statement.service.is_empty()) {
        callers.push(Caller::Service("events.amazonaws.com"));
        callers.push(Caller::Service("ec2.amazonaws.com"));
        callers.push(Caller::Service(ROLES_ANYWHERE));
    }
    if everyone {
        callers.push(Caller::Service(UNNAMED_SERVICE));
        callers.push(Caller::Saml(OTHER_SAML));
        callers.push(Caller::WebIdentity(GOOGLE));
    }
    let spoken = everyone && document.speaks_of_github();
    if spoken || names(|statement| statement.federated.contains(&GITHUB)) {
        callers.extend_from_slice(GITHUB_CALLERS);
    }
    if names(|statement| statement.federated.contains(&FOREIGN_GITHUB)) {
        callers.extend(
            GITHUB_CALLERS
                .iter()
                .map(|caller| caller.by(FOREIGN_GITHUB)),
        );
    }
    if names(|statement| statement.federated.contains(&OKTA)) {
        callers.push(Caller::Saml(OKTA));
    }
    if names(|statement| statement.federated.contains(&FOREIGN_OKTA)) {
        callers.push(Caller::Saml(FOREIGN_OKTA));
    }
    let variables = document
        .statements
        .iter()
        .flat_map(|statement| &statement.conditions)
        .any(|condition| condition.values.iter().any(|value| value.contains("${")));
    let mut trials = Vec::new();
    for caller in callers {
        let mut contexts: Vec<BTreeMap<String, Vec<String>>> = moments(document)
            .into_iter()
            .map(|at| BTreeMap::from([("aws:CurrentTime".to_owned(), vec![at])]))
            .collect();
        if contexts.is_empty() {
            contexts.push(BTreeMap::new());
        }
        for spec in &keys {
            let letters = other_letters(document, spec);
            let sets = if spec.many {
                spec.sets() << letters.len()
            } else {
                spec.sets() + letters.len()
            };
            if contexts.len() * sets > 700 {
                return None;
            }
            contexts = extended(&contexts, spec, &caller, variables, &letters);
        }
        for context in contexts {
            trials.extend(trial(caller, context, document));
        }
    }
    Some(trials)
}

/// Moments from now on, of which each stretch between two at which a condition on the clock turns
/// has one, where a document has such: in the order of time.
pub(crate) fn moments(document: &GeneratedDocument) -> Vec<String> {
    let turns = turns(document);
    if turns.is_empty() && !document.reads_the_clock_as_text() {
        return Vec::new();
    }
    let now: jiff::Timestamp = NOW.parse().unwrap();
    let second = jiff::SignedDuration::from_secs(1);
    let mut moments: Vec<jiff::Timestamp> = turns
        .into_iter()
        .flat_map(|turn| [turn - second, turn, turn + second])
        .chain([now])
        .collect();
    if document.reads_the_clock_as_text() {
        let samples = [
            "2026-11-25T12:00:00Z",
            "2026-12-25T00:00:00Z",
            "2027-06-01T00:00:00Z",
            "2027-06-01T12:00:00Z",
            "2028-01-01T00:00:00Z",
            "2028-01-01T12:00:00Z",
        ];
        moments.extend(samples.map(|at| at.parse::<jiff::Timestamp>().unwrap()));
    }
    moments.retain(|at| *at >= now);
    moments.sort_unstable();
    moments.dedup();
    moments.iter().map(ToString::to_string).collect()
}

/// The moments at which conditions on the clock turn, by their order.
pub(crate) fn turns(document: &GeneratedDocument) -> Vec<jiff::Timestamp> {
    let conditions = document.statements.iter().flat_map(|one| &one.conditions);
    let on_clock = conditions.filter(|one| {
        let spec = &KEYS[one.key];
        ["aws:CurrentTime", "aws:EpochTime"].contains(&spec.name) && spec.family != Family::Text
    });
    let values = on_clock.flat_map(|one| &one.values);
    values
        .filter_map(|value| match value.parse::<i64>() {
            Ok(seconds) => jiff::Timestamp::from_second(seconds).ok(),
            Err(_) => value.parse().ok(),
        })
        .collect()
}

/// The texts that a document compares without case, in other letters: all large, the first large,
/// and all but the first.
fn other_letters(document: &GeneratedDocument, spec: &KeySpec) -> Vec<String> {
    // Ids of organizations have small letters only, accounts none.
    if spec.name.contains("Org") || spec.name.contains("Account") {
        return Vec::new();
    }
    let mut texts: Vec<String> = document
        .statements
        .iter()
        .flat_map(|statement| &statement.conditions)
        .filter(|condition| {
            condition.operator.contains("IgnoreCase") && KEYS[condition.key].name == spec.name
        })
        .flat_map(|condition| &condition.values)
        .filter(|value| !value.contains("${"))
        .flat_map(|value| {
            let large = value.to_ascii_uppercase();
            let mut first = value.to_ascii_lowercase();
            let mut others = large.clone();
            if let Some(letter) = first.find(|c: char| c.is_ascii_alphabetic()) {
                first[letter..=letter].make_ascii_uppercase();
                others[letter..=letter].make_ascii_lowercase();
            }
            [large, first, others]
        })
        .filter(|text| !spec.carried.contains(&text.as_str()))
        // STS takes no such external id.
        .filter(|text| spec.name != "sts:ExternalId" || !text.contains(['*', '?']))
        .collect();
    texts.sort();
    texts.dedup();
    texts
}

/// Each context with each value of one more key.
fn extended(
    contexts: &[BTreeMap<String, Vec<String>>],
    spec: &KeySpec,
    caller: &Caller,
    variables: bool,
    other_letters: &[String],
) -> Vec<BTreeMap<String, Vec<String>>> {
    let letter = match caller {
        Caller::Aws { .. } => 'a',
        Caller::Service(_) => 's',
        Caller::GitHub { .. } => 'g',
        Caller::Saml(_) => 'o',
        Caller::WebIdentity(_) => 'g',
    };
    // GitHub's claims are in its own tokens.
    let carries = spec.callers.contains(letter)
        && !(matches!(caller, Caller::WebIdentity(_)) && spec.name.starts_with("token."));
    if spec.carried.is_empty() || !carries {
        return contexts.to_vec();
    }
    let mut single: Vec<String> = spec
        .carried
        .iter()
        .map(|value| (*value).to_owned())
        .collect();
    if variables && spec.family == Family::Text {
        // What a variable stands for, and its own text for the older version, where STS takes that.
        single.extend(caller.account().map(str::to_owned));
        if spec.name != "sts:ExternalId" {
            single.push("${aws:PrincipalAccount}".to_owned());
        }
    }
    single.extend(other_letters.iter().cloned());
    let carried: Vec<Vec<String>> = if spec.many {
        // Every set of values, not only each alone.
        (1..1_usize << single.len())
            .map(|set| {
                let values = single.iter().enumerate();
                values
                    .filter(|(bit, _)| set >> bit & 1 == 1)
                    .map(|(_, value)| value.clone())
                    .collect()
            })
            .collect()
    } else {
        single.into_iter().map(|value| vec![value]).collect()
    };
    let mut all = Vec::new();
    for context in contexts {
        if spec.optional {
            all.push(context.clone());
        }
        for values in &carried {
            let mut context = context.clone();
            context.insert(spec.name.to_owned(), values.clone());
            all.push(context);
        }
    }
    all
}

/// The request, unless nobody can send it.
fn trial(
    caller: Caller,
    mut context: BTreeMap<String, Vec<String>>,
    document: &GeneratedDocument,
) -> Option<Trial> {
    let one = |key: &str, context: &BTreeMap<String, Vec<String>>| {
        context.get(key).and_then(|values| values.first()).cloned()
    };
    let (kind, value, action) = match caller {
        Caller::Aws {
            account,
            value,
            user_id,
            role,
        } => {
            let age = one("aws:MultiFactorAuthAge", &context);
            let present = one("aws:MultiFactorAuthPresent", &context);
            let session = value.contains("arn:aws:sts::");
            // The age is said exactly where MFA was used.
            match (&age, present.as_deref()) {
                (Some(_), Some("false")) => return None,
                (Some(_), None) => {
                    if document.has_key("aws:MultiFactorAuthPresent") {
                        return None;
                    }
                    context.insert(
                        "aws:MultiFactorAuthPresent".to_owned(),
                        vec!["true".to_owned()],
                    );
                }
                (None, Some("true")) if document.has_key("aws:MultiFactorAuthAge") => return None,
                (None, None) if session && document.has_key("aws:MultiFactorAuthPresent") => {
                    return None;
                }
                _ => {}
            }
            let organization = one("aws:PrincipalOrgID", &context);
            let path = one("aws:PrincipalOrgPaths", &context);
            if let Some(path) = &path {
                let of_path = path.split('/').next().unwrap_or_default();
                if document.has_key("aws:PrincipalOrgID")
                    && organization.as_deref() != Some(of_path)
                {
                    return None;
                }
            } else if organization.is_some() && document.has_key("aws:PrincipalOrgPaths") {
                return None;
            }
            let known = organization
                .or_else(|| path.map(|path| path.split('/').next().unwrap_or_default().to_owned()));
            let of_own = known.as_deref() == Some(super::OWN_ORGANIZATION);
            let speaks =
                document.has_key("aws:PrincipalOrgID") || document.has_key("aws:PrincipalOrgPaths");
            if account == OWN && speaks && !of_own {
                return None;
            }
            context.insert("aws:userid".to_owned(), vec![user_id.to_owned()]);
            if let Some(arn) = role {
                context.insert("aws:PrincipalArn".to_owned(), vec![arn.to_owned()]);
            }
            ("AWS", value, "sts:AssumeRole")
        }
        Caller::Service(name) => {
            let arn = one("aws:SourceArn", &context);
            let account = one("aws:SourceAccount", &context);
            if let Some(arn) = arn {
                let of_arn = arn.split(':').nth(4).unwrap_or_default();
                if !of_arn.is_empty() && account.as_deref().is_some_and(|account| account != of_arn)
                {
                    return None;
                }
                // The account follows from the ARN, unless the service goes without it.
                if !of_arn.is_empty() && account.is_none() && document.has_key("aws:SourceAccount")
                {
                    context.insert("aws:SourceAccount".to_owned(), Vec::new());
                }
            }
            ("Service", name, "sts:AssumeRole")
        }
        Caller::GitHub {
            provider,
            subject,
            repository_id,
            reference,
            ..
        } => {
            for (claim, value) in [
                ("sub", subject),
                ("aud", "sts.amazonaws.com"),
                ("repository_id", repository_id),
                ("ref", reference),
            ] {
                let key = format!("token.actions.githubusercontent.com:{claim}");
                context.insert(key, vec![value.to_owned()]);
            }
            ("Federated", provider, "sts:AssumeRoleWithWebIdentity")
        }
        Caller::Saml(provider) => ("Federated", provider, "sts:AssumeRoleWithSAML"),
        Caller::WebIdentity(provider) => ("Federated", provider, "sts:AssumeRoleWithWebIdentity"),
    };
    let request = Request {
        principal: RequestPrincipal {
            kind: kind.to_owned(),
            value: value.to_owned(),
        },
        action: action.to_owned(),
        context,
    };
    Some(Trial {
        keys: carried(&request),
        request,
        caller,
    })
}

/// Everything a request carries, what follows from the caller included: in lower case.
pub(crate) fn carried(request: &Request) -> BTreeMap<String, Vec<String>> {
    let mut keys: BTreeMap<String, Vec<String>> = request
        .context
        .iter()
        .map(|(key, values)| (key.to_ascii_lowercase(), values.clone()))
        .collect();
    let mut follows = |key: &str, value: String| {
        keys.entry(key.to_owned()).or_insert_with(|| vec![value]);
    };
    let value = request.principal.value.as_str();
    if request.principal.kind == "AWS" {
        let account = value.split(':').nth(4).unwrap_or_default();
        follows("aws:principalaccount", account.to_owned());
        let name = if value.contains(":assumed-role/") {
            value.split('/').nth(1)
        } else {
            value.rsplit('/').next()
        };
        let name = name.unwrap_or_default().to_owned();
        if value.contains(":assumed-role/") {
            let partition = value.split(':').nth(1).unwrap_or_default();
            follows(
                "aws:principalarn",
                format!("arn:{partition}:iam::{account}:role/{name}"),
            );
            follows("aws:principaltype", "AssumedRole".to_owned());
            follows("aws:multifactorauthpresent", "false".to_owned());
        } else if value.ends_with(":root") {
            follows("aws:principalarn", value.to_owned());
            follows("aws:principaltype", "Account".to_owned());
        } else if value.contains(":federated-user/") {
            follows("aws:principalarn", value.to_owned());
            follows("aws:principaltype", "FederatedUser".to_owned());
            follows("aws:multifactorauthpresent", "false".to_owned());
        } else {
            follows("aws:principalarn", value.to_owned());
            follows("aws:principaltype", "User".to_owned());
            follows("aws:username", name);
        }
        if account == OWN {
            follows("aws:principalorgid", super::OWN_ORGANIZATION.to_owned());
        }
    }
    if request.principal.kind == "Service" {
        follows("aws:principalservicename", value.to_owned());
    }
    follows("aws:currenttime", super::NOW.to_owned());
    let moment: jiff::Timestamp = keys["aws:currenttime"][0].parse().unwrap();
    let mut follows = |key: &str, value: String| {
        keys.entry(key.to_owned()).or_insert_with(|| vec![value]);
    };
    follows("aws:epochtime", moment.as_second().to_string());
    if let Some(path) = keys
        .get("aws:principalorgpaths")
        .and_then(|values| values.first())
        .cloned()
    {
        let id = path.split('/').next().unwrap_or_default().to_owned();
        keys.entry("aws:principalorgid".to_owned())
            .or_insert_with(|| vec![id]);
    }
    let without_account = keys.get("aws:sourceaccount").is_some_and(Vec::is_empty);
    keys.retain(|_, values| !values.is_empty());
    if let Some(arn) = keys
        .get("aws:sourcearn")
        .and_then(|values| values.first())
        .cloned()
    {
        let account = arn.split(':').nth(4).unwrap_or_default().to_owned();
        if !account.is_empty() && !without_account {
            keys.entry("aws:sourceaccount".to_owned())
                .or_insert_with(|| vec![account]);
        }
    }
    keys
}
