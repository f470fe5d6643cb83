//! `rules guardrail --against-export`: who has access by the roles of these accounts, and would lose it.
//!
//! A trust policy and the Deny statements of the policies are analyzed as one document: whoever has access
//! by the first and none by both would be refused, whatever they send.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::Read;
use std::sync::Arc;

use jiff::Timestamp;
use policy::{
    AnalysisContext, EvaluationContext, Grant, Origin, Request, TrustPolicy, Who, analyze,
    evaluate, glob,
};
use serde_json::{Value, json};

use super::against_trail::Document;
use crate::Streams;
use crate::analyze::who_words;
use crate::audit::export::{Element, ElementError, Holder, read};
use crate::audit::files;
use crate::audit::pages::Pages;
use crate::input::Input;
use crate::terminal_escape::escaped;

/// The roles of the exports.
#[derive(Default)]
pub(super) struct Roles {
    /// ARN and trust policy.
    roles: Vec<(String, Arc<str>)>,
    texts: HashSet<Arc<str>>,
    pages: Pages,
    damaged: bool,
}

impl Roles {
    pub(super) fn read(named: &[Input], streams: &mut Streams<'_>) -> Self {
        let mut roles = Self::default();
        for named in named {
            let Some(inputs) = streams.ok(files(named)) else {
                roles.damaged = true;
                continue;
            };
            for input in inputs {
                match streams.ok(input.open()) {
                    Some(mut reader) => roles.export(&input.name(), &mut reader, streams),
                    None => roles.damaged = true,
                }
            }
        }
        for file in roles.pages.unfinished() {
            roles.damaged = true;
            streams.error(format_args!(
                "{} says that more pages follow, and none does",
                escaped(&file)
            ));
        }
        roles
    }

    /// Something could not be read, or there is no role at all.
    pub(super) fn are_missing(&self) -> bool {
        self.damaged || self.roles.is_empty()
    }

    fn export(&mut self, name: &str, reader: &mut dyn Read, streams: &mut Streams<'_>) {
        let file: Arc<str> = name.into();
        let mut troubles = Vec::new();
        let ended = read(reader, false, &mut |element, _| {
            troubles.extend(self.element(element, &file).err());
        });
        for error in &troubles {
            streams.unusable(name, "cannot be read to its end", error);
        }
        self.damaged |= !troubles.is_empty();
        if let Err(error) = ended {
            self.damaged = true;
            streams.unusable(name, "cannot be read to its end", &error);
        }
    }

    fn element(&mut self, element: Element<'_>, file: &Arc<str>) -> Result<(), ElementError> {
        if let Element::Role(holder) | Element::User(holder) | Element::Group(holder) = &element {
            self.pages.account(holder.account());
        }
        match element {
            Element::PageEnd(page) => self.pages.end(page, file),
            Element::Unreadable(error) => return Err(error),
            Element::Role(role) => self.role(&role)?,
            Element::User(_) | Element::Group(_) | Element::Policy(_) => {}
        }
        Ok(())
    }

    fn role(&mut self, role: &Holder<'_>) -> Result<(), ElementError> {
        let text = role.document()?;
        let text = match self.texts.get(&*text) {
            Some(known) => Arc::clone(known),
            None => Arc::from(&*text),
        };
        self.texts.insert(Arc::clone(&text));
        self.roles.push((role.arn.to_string(), text));
        Ok(())
    }
}

fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// What the roles tell.
#[derive(Default)]
pub(super) struct Lost {
    /// Who has access from outside of a role's account, counted at each role.
    pub(super) seen: usize,
    /// Roles of which it cannot be worked out.
    pub(super) unsure: Vec<String>,
    /// Who, at which role, by which statement.
    pub(super) refused: BTreeSet<(String, String, String)>,
}

/// How many have access by one trust policy, and who loses it, by which statement.
#[derive(Clone)]
struct Judged {
    seen: usize,
    refused: Vec<(String, String)>,
}

/// Judges trust policies.
pub(super) struct Judge<'r> {
    pub(super) documents: Vec<Document>,
    pub(super) organization: Option<&'r str>,
    pub(super) members: BTreeSet<String>,
    pub(super) exclude_roles: &'r [String],
    pub(super) now: Timestamp,
}

impl Judge<'_> {
    /// The accounts of the roles are the organization's, whether the rules list them or not.
    pub(super) fn judge(mut self, roles: &Roles) -> Lost {
        let own = roles
            .roles
            .iter()
            .map(|(arn, _)| account_of(arn).to_owned());
        self.members.extend(own);
        let mut known: HashMap<(&str, &str), Option<Judged>> = HashMap::new();
        let mut lost = Lost::default();
        for (role, trust) in &roles.roles {
            let spared = |pattern: &String| glob::matches(pattern, role);
            if self.exclude_roles.iter().any(spared) {
                continue;
            }
            let key = (account_of(role), &**trust);
            let judged = known.entry(key).or_insert_with(|| self.trust(key.0, key.1));
            let Some(judged) = judged else {
                lost.unsure.push(role.clone());
                continue;
            };
            lost.seen += judged.seen;
            let refused = judged.refused.iter();
            lost.refused
                .extend(refused.map(|(who, sid)| (who.clone(), role.clone(), sid.clone())));
        }
        lost
    }

    /// `None` where it cannot be worked out.
    fn trust(&self, account: &str, trust: &str) -> Option<Judged> {
        let context = |witnesses: bool| AnalysisContext {
            own_account: Some(account),
            own_organization: self.organization,
            now: self.now,
            origin: Origin::Shown,
            witnesses,
            providers: &[],
        };
        let policy = TrustPolicy::parse(trust).ok()?;
        let all = analyze(&policy, &context(true)).grants;
        let is_outside = |grant: &&Grant| match &grant.principal {
            Who::Service { .. } | Who::AnyService => false,
            who => account_in(who) != Some(account) || matches!(who, Who::Federated { .. }),
        };
        let outside: Vec<&Grant> = all.iter().filter(is_outside).collect();
        if outside.is_empty() {
            return Some(Judged {
                seen: 0,
                refused: Vec::new(),
            });
        }
        let both = self.with_policies(trust, &outside)?;
        let left = analyze(&TrustPolicy::parse(&both).ok()?, &context(false)).grants;
        let mut refused = Vec::new();
        for grant in &outside {
            let mut kept = left.iter().filter(|left| is_left_of(left, grant));
            let kept = kept.next();
            let by = match &grant.witness {
                Some(request) if kept.is_none_or(|left| !left.decided) => {
                    self.statement(account, &grant.principal, request)
                }
                _ => None,
            };
            // Of everyone some are left, by the policies' own exceptions.
            let some_lose = kept.is_some() && by.is_some() && grant.principal == Who::Anyone;
            match by {
                Some(sid) if kept.is_none() || some_lose => {
                    refused.push((who_words(&grant.principal), sid));
                }
                _ if kept.is_some_and(|left| left.decided) => {}
                _ => return None,
            }
        }
        refused.dedup();
        Some(Judged {
            seen: outside.len(),
            refused,
        })
    }

    /// A trust policy with the statements of the policies.
    fn with_policies(&self, trust: &str, outside: &[&Grant]) -> Option<String> {
        let mut whole: Value = serde_json::from_str(trust).ok()?;
        let own = whole.get_mut("Statement")?;
        let mut statements = match own.take() {
            Value::Array(many) => many,
            one => vec![one],
        };
        for document in &self.documents {
            let policy: Value = serde_json::from_str(&document.text).ok()?;
            for statement in policy.get("Statement")?.as_array()? {
                let mut statement = statement.clone();
                // A trust policy is its role's.
                statement.as_object_mut()?.remove("Resource");
                statements.push(statement);
            }
        }
        let whose: BTreeSet<&Who> = outside.iter().map(|grant| &grant.principal).collect();
        statements.extend(whose.iter().filter_map(|who| self.impossible(who)));
        *own = Value::Array(statements);
        Some(whole.to_string())
    }

    /// A statement that takes out requests which there cannot be: from an account by another organization
    /// than its own, by a SAML provider without its name.
    fn impossible(&self, who: &Who) -> Option<Value> {
        let (caller, condition) = match (who, account_in(who)) {
            (Who::Federated { provider, .. }, _) => {
                let condition = json!({"StringNotEquals": {"saml:doc": saml_name(who)?}});
                (json!({ "Federated": provider }), condition)
            }
            (_, Some(account)) if self.members.contains(account) => {
                let condition = json!({"StringEquals": {"aws:PrincipalAccount": account},
                    "StringNotEqualsIfExists": {"aws:PrincipalOrgID": self.organization?}});
                (json!("*"), condition)
            }
            (_, Some(account)) => {
                let condition = json!({"StringEquals": {"aws:PrincipalAccount": account,
                    "aws:PrincipalOrgID": self.organization?}});
                (json!("*"), condition)
            }
            (_, None) => return None,
        };
        let actions = ["sts:AssumeRole", "sts:AssumeRoleWithSAML"];
        Some(
            json!({"Effect": "Deny", "Principal": caller, "Action": actions, "Condition": condition}),
        )
    }

    /// The statement that refuses a request that somebody has access by.
    fn statement(&self, account: &str, who: &Who, request: &Request) -> Option<String> {
        let mut request = request.clone();
        if let Some(name) = saml_name(who) {
            request.context.insert("saml:doc".to_owned(), vec![name]);
        }
        let caller = request.principal.value.clone();
        if !self.members.contains(account_of(&caller)) {
            let key =
                |key: &String, _: &mut Vec<String>| !key.eq_ignore_ascii_case("aws:PrincipalOrgID");
            request.context.retain(key);
        }
        let context = EvaluationContext {
            account: Some(account),
            organization: self.organization,
            now: self.now,
            origin: Origin::Shown,
        };
        self.documents.iter().find_map(|document| {
            let policy = TrustPolicy::parse(&document.text).ok()?;
            let decision = evaluate(&policy, &request, &context).ok()?;
            document.sids.get(decision.statement?).cloned()
        })
    }
}

/// What each sign-in by a SAML provider says of it.
fn saml_name(who: &Who) -> Option<String> {
    let Who::Federated { provider, .. } = who else {
        return None;
    };
    let (before, name) = provider.split_once(":saml-provider/")?;
    Some(format!("{}/{name}", account_of(before)))
}

fn account_in(who: &Who) -> Option<&str> {
    match who {
        Who::Account { account } | Who::Principal { account, .. } => Some(account),
        _ => None,
    }
}

/// Whether some of those who have access by a grant still have it by what is left of its statement.
fn is_left_of(left: &Grant, grant: &Grant) -> bool {
    let same = match (&left.principal, &grant.principal) {
        (Who::Principal { arn: left, .. }, Who::Principal { arn, .. })
            if !arn.contains(['*', '?']) =>
        {
            left == arn
        }
        (Who::Federated { provider: left, .. }, Who::Federated { provider, .. }) => {
            left == provider || provider.contains('*')
        }
        (left, who) => match (account_in(left), account_in(who)) {
            (Some(left), Some(account)) => left == account,
            (None, None) => left == who,
            _ => false,
        },
    };
    same && left.statement == grant.statement
}
