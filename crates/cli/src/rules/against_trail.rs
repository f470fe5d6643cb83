//! `rules guardrail --against-trail`: whose sign-ins the policies would have refused.
//!
//! A log tells less than a request: a call from another account has no ARN there, a call by an
//! endpoint no VPC. Where the answer hangs on that, it is not given.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread;

use jiff::Timestamp;
use memchr::memmem::Finder;
use policy::{EvaluationContext, Origin, Request, RequestPrincipal, TrustPolicy, evaluate, glob};
use serde_json::Value;

use crate::Streams;
use crate::replay::{Wanted, each_record};

/// One of the policies, and the Sids of its statements.
pub(super) struct Document {
    pub(super) text: String,
    pub(super) sids: Vec<String>,
}

/// The policies; `None` where one cannot be read.
pub(super) fn documents(texts: &[String]) -> Option<Vec<Document>> {
    let document = |text: &String| {
        let value: Value = serde_json::from_str(text).ok()?;
        let statements = value.get("Statement")?.as_array()?;
        let sid = |statement: &Value| Some(statement.get("Sid")?.as_str()?.to_owned());
        Some(Document {
            text: text.clone(),
            sids: statements.iter().map(sid).collect::<Option<_>>()?,
        })
    };
    texts.iter().map(document).collect()
}

/// Judges records of sign-ins.
pub(super) struct Judge<'r> {
    documents: Vec<Document>,
    organization: Option<&'r str>,
    members: BTreeSet<&'r str>,
    exclude_roles: &'r [String],
    /// The rules name a VPC, which a log does not tell.
    asks_for_vpc: bool,
    finder: Finder<'static>,
}

/// Who, at which role, by which statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Refusal {
    pub(super) who: String,
    pub(super) role: String,
    pub(super) sid: String,
}

/// How often, and when last.
#[derive(Debug, Default)]
pub(super) struct Times {
    pub(super) count: usize,
    pub(super) last: String,
}

/// What the logs tell.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    /// Sign-ins that succeeded.
    pub(super) seen: usize,
    /// Of them, those that depend on what a log does not tell.
    pub(super) unsure: usize,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
    refused: BTreeMap<Refusal, Times>,
}

impl Refusals {
    pub(super) fn is_empty(&self) -> bool {
        self.refused.is_empty()
    }

    pub(super) fn refused(&self) -> usize {
        self.refused.values().map(|times| times.count).sum()
    }

    /// Most often first.
    pub(super) fn sorted(&self) -> Vec<(&Refusal, &Times)> {
        let mut all: Vec<_> = self.refused.iter().collect();
        all.sort_by_key(|(_, times)| std::cmp::Reverse(times.count));
        all
    }

    /// ` from … to …`, or nothing where there is none.
    pub(super) fn span(&self) -> String {
        match (self.first, self.last) {
            (Some(first), Some(last)) => format!(" from {first} to {last}"),
            _ => String::new(),
        }
    }

    fn and(mut self, other: Self) -> Self {
        self.seen += other.seen;
        self.unsure += other.unsure;
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
        for (refusal, times) in other.refused {
            let own = self.refused.entry(refusal).or_default();
            own.count += times.count;
            own.last = std::mem::take(&mut own.last).max(times.last);
        }
        self
    }
}

/// Reads all logs.
pub(super) fn read(
    judge: &Judge<'_>,
    paths: &[PathBuf],
    streams: &mut Streams<'_>,
) -> (Refusals, Vec<(PathBuf, String)>) {
    let jobs = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let everything = Wanted {
        from: None,
        to: None,
        regions: Vec::new(),
    };
    let (parts, unreadable) = each_record(paths, &everything, jobs, streams, |found, bytes| {
        judge.record(found, bytes)
    });
    let whole = parts.into_iter().fold(Refusals::default(), Refusals::and);
    (whole, unreadable)
}

impl<'r> Judge<'r> {
    /// `None` where one of the policies cannot be read.
    pub(super) fn new(
        texts: &[String],
        organization: Option<&'r str>,
        members: Vec<&'r str>,
        exclude_roles: &'r [String],
    ) -> Option<Self> {
        Some(Self {
            documents: documents(texts)?,
            organization,
            members: members.into_iter().collect(),
            exclude_roles,
            asks_for_vpc: texts.iter().any(|text| text.contains("\"aws:SourceVpc\"")),
            finder: Finder::new(b"AssumeRole").into_owned(),
        })
    }

    fn record(&self, found: &mut Refusals, bytes: &[u8]) -> Result<(), String> {
        if self.finder.find(bytes).is_none() {
            return Ok(());
        }
        let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        // An event of EventBridge holds the record.
        let record = match value.get("detail") {
            Some(detail) if detail.is_object() => detail,
            _ => &value,
        };
        let Some(sign_in) = SignIn::of(record, self) else {
            return Ok(());
        };
        found.seen += 1;
        if let Some(at) = sign_in.at {
            found.first = Some(found.first.map_or(at, |first| first.min(at)));
            found.last = found.last.max(Some(at));
        }
        let sid = match self.refused(&sign_in) {
            Ok(None) => return Ok(()),
            Ok(Some(sid)) if !sign_in.is_unsure(sid) => sid,
            Ok(Some(_)) | Err(()) => {
                found.unsure += 1;
                return Ok(());
            }
        };
        let refusal = Refusal {
            who: sign_in.who,
            role: sign_in.role,
            sid: sid.to_owned(),
        };
        let times = found.refused.entry(refusal).or_default();
        times.count += 1;
        let at = sign_in.at.map(|at| at.to_string()).unwrap_or_default();
        times.last = std::mem::take(&mut times.last).max(at);
        Ok(())
    }

    /// The statement that refuses it; `Err` where what the log says contradicts itself.
    fn refused(&self, sign_in: &SignIn) -> Result<Option<&str>, ()> {
        let spared = |pattern: &String| glob::matches(pattern, &sign_in.role);
        if self.exclude_roles.iter().any(spared) {
            return Ok(None);
        }
        let context = EvaluationContext {
            account: Some(&sign_in.account),
            organization: self.organization,
            now: sign_in.at.unwrap_or_else(Timestamp::now),
            origin: Origin::Shown,
        };
        for document in &self.documents {
            let policy = TrustPolicy::parse(&document.text).map_err(drop)?;
            let decision = evaluate(&policy, &sign_in.request, &context).map_err(drop)?;
            if let Some(statement) = decision.statement {
                return Ok(document.sids.get(statement).map(String::as_str));
            }
        }
        Ok(None)
    }
}

/// A role that was assumed, by its record in the log of the role's own account.
struct SignIn {
    at: Option<Timestamp>,
    account: String,
    role: String,
    who: String,
    request: Request,
    /// The rules may ask for a principal, and the log does not name it.
    arn_unknown: bool,
    /// It came by an endpoint, and the log does not tell of which VPC.
    vpc_unknown: bool,
}

impl SignIn {
    /// Whether it hangs on what the log does not tell.
    fn is_unsure(&self, sid: &str) -> bool {
        (self.arn_unknown && sid.starts_with("Principal")) || self.vpc_unknown
    }

    fn of(record: &Value, judge: &Judge<'_>) -> Option<Self> {
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
        if text("/eventSource") != Some("sts.amazonaws.com") || record.get("errorCode").is_some() {
            return None;
        }
        let name = text("/eventName")?;
        let role = text("/requestParameters/roleArn")?.to_owned();
        let account = role.split(':').nth(4)?.to_owned();
        // The policies are those of the role's organization: only its own account's log counts.
        if text("/recipientAccountId").is_some_and(|recipient| recipient != account) {
            return None;
        }
        let caller = match name {
            "AssumeRole" => Caller::of_call(record, &account, judge)?,
            "AssumeRoleWithSAML" => Caller::of_assertion(record)?,
            "AssumeRoleWithWebIdentity" => Caller::of_token(record)?,
            _ => return None,
        };
        let endpoint = text("/vpcEndpointId");
        let mut context = caller.context;
        if let Some(endpoint) = endpoint {
            says(&mut context, "aws:SourceVpce", endpoint);
        } else if let Some(address) = text("/sourceIPAddress")
            && address.parse::<std::net::IpAddr>().is_ok()
        {
            says(&mut context, "aws:SourceIp", address);
        }
        Some(Self {
            at: text("/eventTime").and_then(|time| time.parse().ok()),
            account,
            role,
            who: caller.who,
            request: Request {
                principal: caller.principal,
                action: format!("sts:{name}"),
                context,
            },
            arn_unknown: caller.arn_unknown,
            vpc_unknown: judge.asks_for_vpc && endpoint.is_some() && name == "AssumeRole",
        })
    }
}

type Context = BTreeMap<String, Vec<String>>;

fn says(context: &mut Context, key: &str, value: &str) {
    context.insert(key.to_owned(), vec![value.to_owned()]);
}

/// Who signed in, as a request says it.
struct Caller {
    principal: RequestPrincipal,
    who: String,
    context: Context,
    arn_unknown: bool,
}

impl Caller {
    fn new(kind: &str, value: &str, who: String) -> Self {
        Self {
            principal: RequestPrincipal {
                kind: kind.to_owned(),
                value: value.to_owned(),
            },
            who,
            context: Context::new(),
            arn_unknown: false,
        }
    }

    fn of_call(record: &Value, owner: &str, judge: &Judge<'_>) -> Option<Self> {
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
        if text("/userIdentity/type") == Some("AWSService") {
            let service = text("/userIdentity/invokedBy")?;
            return Some(Self::new("Service", service, service.to_owned()));
        }
        let account = text("/userIdentity/accountId")?;
        let id = text("/userIdentity/principalId").unwrap_or_default();
        let arn = text("/userIdentity/arn").map(str::to_owned);
        let arn_unknown = arn.is_none();
        // From another account a log knows no more than the id: a role's session has two parts.
        let value = arn.unwrap_or_else(|| match id.split_once(':') {
            Some((_, session)) => format!("arn:aws:sts::{account}:assumed-role/unnamed/{session}"),
            None if id == account => format!("arn:aws:iam::{account}:root"),
            None => format!("arn:aws:iam::{account}:user/unnamed"),
        });
        let mut caller = Self::new("AWS", &value, account.to_owned());
        caller.arn_unknown = arn_unknown;
        let context = &mut caller.context;
        if account == owner || judge.members.contains(account) {
            says(context, "aws:PrincipalOrgID", judge.organization?);
        }
        if let Some(id) = text("/requestParameters/externalId") {
            says(context, "sts:ExternalId", id);
        }
        if id.contains(':') {
            says(context, "aws:userid", id);
        }
        // The role with its path, which the session's ARN leaves out.
        if let Some(issuer) = text("/userIdentity/sessionContext/sessionIssuer/arn") {
            says(context, "aws:PrincipalArn", issuer);
        }
        Some(caller)
    }

    fn of_assertion(record: &Value) -> Option<Self> {
        let provider = record
            .pointer("/requestParameters/principalArn")?
            .as_str()?;
        let (before, name) = provider.split_once(":saml-provider/")?;
        let owner = before.rsplit(':').next()?;
        let mut caller = Self::new("Federated", provider, provider.to_owned());
        says(&mut caller.context, "saml:doc", &format!("{owner}/{name}"));
        Some(caller)
    }

    /// The id of the principal is the issuer, the audience and the subject.
    fn of_token(record: &Value) -> Option<Self> {
        let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
        let provider = text("/userIdentity/identityProvider")?;
        let issuer = provider
            .split_once(":oidc-provider/")
            .map_or(provider, |(_, issuer)| issuer);
        let subject = text("/userIdentity/userName")?;
        let audience = text("/userIdentity/principalId")
            .and_then(|id| id.strip_suffix(subject)?.strip_suffix(':'))
            .and_then(|id| id.strip_prefix(provider).or(id.strip_prefix(issuer)))
            .map(|id| id.trim_start_matches(':'));
        let mut caller = Self::new("Federated", provider, format!("{subject} of {issuer}"));
        says(&mut caller.context, &format!("{issuer}:sub"), subject);
        if let Some(audience) = audience {
            says(&mut caller.context, &format!("{issuer}:aud"), audience);
        }
        Some(caller)
    }
}
