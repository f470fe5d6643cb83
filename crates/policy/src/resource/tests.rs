#![allow(clippy::unwrap_used, reason = "a test ends by panicking")]

use super::*;
use crate::answer::Who;
use crate::document::Origin;

fn analyzed(statements: &str) -> ResourceAnalysis {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let context = AnalysisContext {
        own_account: Some("111122223333"),
        own_organization: Some("o-abc123example"),
        now: "2026-11-21T00:00:00Z".parse().unwrap(),
        origin: Origin::Sent,
        witnesses: false,
        providers: &[],
    };
    analyze_resource_policy(&text, &context).unwrap()
}

/// `*`, accounts, services, `anonymous` and what is undecided, sorted.
fn who(statements: &str) -> Vec<String> {
    let found = analyzed(statements);
    let grants = found.grants.iter().map(|grant| match &grant.principal {
        Who::Anyone => "*".to_owned(),
        Who::Organization { id, .. } => id.clone(),
        Who::Account { account } => account.clone(),
        Who::Principal { arn, .. } => arn.clone(),
        Who::UniqueId { id } => id.clone(),
        Who::Service { service } => format!("{service} {}", grant.on_behalf_of.join("+")),
        Who::AnyService => format!("services {}", grant.on_behalf_of.join("+")),
        Who::Federated { provider, .. } => provider.clone(),
    });
    let mut found: Vec<String> = grants
        .chain(found.anonymous.iter().map(|_| "anonymous".to_owned()))
        .chain(found.undecided.iter().map(|(_, what)| format!("? {what}")))
        .collect();
    found.sort();
    found.dedup();
    found
}

fn allow(principal: &str, more: &str) -> String {
    format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"s3:*","Resource":"*"{more}}}"#)
}

#[test]
fn service_actions_and_resources_are_read_as_they_are_meant() {
    let everyone = vec!["*", "anonymous"];
    assert_eq!(who(&allow(r#""*""#, "")), everyone);
    assert_eq!(who(&allow(r#"{"AWS":"*"}"#, "")), everyone);
    assert_eq!(
        who(&allow(r#"{"AWS":"999900001111"}"#, "")),
        ["999900001111"]
    );
    let service = r#"{"Service":"cloudtrail.amazonaws.com"}"#;
    assert_eq!(who(&allow(service, "")), ["cloudtrail.amazonaws.com *"]);
    let canonical =
        r#"{"CanonicalUser":"79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"}"#;
    assert!(
        who(&allow(canonical, ""))
            .iter()
            .all(|who| who.starts_with("? 79a5"))
    );
    let all_but = r#"{"Effect":"Allow","NotPrincipal":{"AWS":"999900001111"},"Action":"sqs:*","Resource":"*"}"#;
    assert_eq!(who(all_but), everyone);
}

#[test]
fn a_deny_counts_where_it_covers_the_allow() {
    let open = allow(r#""*""#, "");
    let deny = |rest: &str| format!(r#"{open},{{"Effect":"Deny",{rest}}}"#);
    let all = r#""Action":"*","Resource":"*""#;
    assert!(who(&deny(&format!(r#""Principal":"*",{all}"#))).is_empty());
    let some = [
        r#""Principal":"*","Action":"s3:Put*","Resource":"*""#,
        r#""Principal":"*","Action":"*","Resource":"arn:aws:s3:::b/private/*""#,
        r#""Principal":"*","NotAction":"s3:GetObject","Resource":"*""#,
        r#""Principal":"*","Action":"*","NotResource":"arn:aws:s3:::b/public/*""#,
        r#""Principal":"*","Action":"*","Resource":"*","Condition":{"StringMaybe":{"aws:userid":"x"}}"#,
        r#""Principal":"*","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"false"}}"#,
    ];
    for some in some {
        assert!(who(&deny(some)).contains(&"*".to_owned()), "{some}");
        assert!(who(&deny(some)).contains(&"anonymous".to_owned()), "{some}");
    }
    let spared = r#""NotPrincipal":{"AWS":["arn:aws:iam::999900001111:root","arn:aws:iam::111122223333:role/A"]}"#;
    assert_eq!(
        who(&deny(&format!("{spared},{all}"))),
        ["111122223333", "999900001111"]
    );
    let service = r#""NotPrincipal":{"Service":"ec2.amazonaws.com"}"#;
    assert!(who(&deny(&format!("{service},{all}"))).contains(&"*".to_owned()));
    let others = r#""Principal":"*","Condition":{"StringNotEquals":{"aws:PrincipalOrgID":"o-abc123example"}}"#;
    assert_eq!(who(&deny(&format!("{others},{all}"))), ["o-abc123example"]);
}

#[test]
fn conditions_of_services_say_whose_account_calls() {
    for key in CALLERS_ACCOUNT {
        let condition = format!(r#","Condition":{{"StringEquals":{{"{key}":"111122223333"}}}}"#);
        assert_eq!(
            who(&allow(r#"{"AWS":"*"}"#, &condition)),
            ["111122223333"],
            "{key}"
        );
    }
    let mounted = r#","Condition":{"Bool":{"elasticfilesystem:AccessedViaMountTarget":"true"}}"#;
    assert!(who(&allow(r#"{"AWS":"*"}"#, mounted)).is_empty());
    let bucket =
        r#","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:eu-west-1:999900001111:t"}}"#;
    assert_eq!(who(&allow(r#""*""#, bucket)), ["services 999900001111"]);
}

#[test]
fn callers_who_sign_nothing_are_seen() {
    let nobody = r#","Condition":{"Null":{"aws:PrincipalAccount":"true"}}"#;
    assert_eq!(who(&allow(r#""*""#, nobody)), ["anonymous", "services *"]);
    let exists =
        r#","Condition":{"StringEqualsIfExists":{"aws:PrincipalOrgID":"o-abc123example"}}"#;
    assert!(who(&allow(r#""*""#, exists)).contains(&"anonymous".to_owned()));
    let ours = r#","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-abc123example"}}"#;
    assert_eq!(who(&allow(r#""*""#, ours)), ["o-abc123example"]);
}

#[test]
fn what_cannot_be_read_is_not_called_closed() {
    let odd = r#"{"Effect":"Allow","Principals":"*","Action":"s3:*","Resource":"*"}"#;
    assert_eq!(who(odd), ["? a statement that cannot be read"]);
    let nobody = r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#;
    assert_eq!(who(nobody), ["? a statement without a principal"]);
    let odd = r#","Condition":{"StringMaybe":{"aws:PrincipalAccount":"111122223333"}}"#;
    assert!(who(&allow(r#""*""#, odd)).contains(&"*".to_owned()));
}

/// Small numbers that look random, the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, faces: &[&'static str]) -> &'static str {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let face = usize::try_from(self.0 >> 33).unwrap() % faces.len();
        faces.get(face).unwrap()
    }
}

const OURS: &str = "111122223333";
const ONE: &str = "444455556666";
const OTHER: &str = "999900001111";
const ACTIONS: [&str; 3] = ["s3:GetObject", "s3:PutObject", "s3:GetBucketAcl"];
const RESOURCES: [&str; 2] = ["arn:aws:s3:::b", "arn:aws:s3:::b/private/x"];

/// A statement as it was thrown.
struct Thrown {
    allows: bool,
    all_but: bool,
    principal: &'static str,
    not_action: bool,
    action: &'static str,
    not_resource: bool,
    resource: &'static str,
    /// The account that must call, or with `!` must not.
    account: &'static str,
}

impl Thrown {
    fn new(dice: &mut Dice) -> Self {
        let all_but = dice.roll(&["", "", "", "Not"]) == "Not";
        Self {
            allows: dice.roll(&["Allow", "Allow", "Deny"]) == "Allow",
            all_but,
            principal: match all_but {
                true => dice.roll(&[OURS, ONE, OTHER]),
                false => dice.roll(&["*", "*", OURS, ONE, OTHER]),
            },
            not_action: dice.roll(&["", "", "Not"]) == "Not",
            action: dice.roll(&["*", "s3:*", "s3:Get*", "s3:*Object", "S3:getobject"]),
            not_resource: dice.roll(&["", "", "Not"]) == "Not",
            resource: dice.roll(&["*", "arn:aws:s3:::b", "arn:aws:s3:::b/*", "arn:aws:s3:::?"]),
            account: dice.roll(&["", "", ONE, OTHER, "!111122223333"]),
        }
    }

    fn text(&self) -> String {
        let not = |not| if not { "Not" } else { "" };
        let condition = match (self.account, self.account.strip_prefix('!')) {
            ("", _) => String::new(),
            (_, Some(not)) => {
                format!(r#","Condition":{{"StringNotEquals":{{"aws:PrincipalAccount":"{not}"}}}}"#)
            }
            (is, None) => {
                format!(r#","Condition":{{"StringEquals":{{"kms:CallerAccount":"{is}"}}}}"#)
            }
        };
        format!(
            r#"{{"Effect":"{}","{}Principal":{{"AWS":"{}"}},"{}Action":"{}","{}Resource":"{}"{condition}}}"#,
            if self.allows { "Allow" } else { "Deny" },
            not(self.all_but),
            self.principal,
            not(self.not_action),
            self.action,
            not(self.not_resource),
            self.resource,
        )
    }

    /// By the definition: whether it is about this call. `None` calls without a signature.
    fn is_about(&self, caller: Option<&str>, action: &str, resource: &str) -> bool {
        let named = self.principal == "*" || caller == Some(self.principal);
        let does = crate::glob::matches_ignoring_case(self.action, action);
        let on = crate::glob::matches(self.resource, resource);
        let holds = match (self.account, self.account.strip_prefix('!')) {
            ("", _) => true,
            (_, Some(not)) => caller != Some(not),
            (is, None) => caller == Some(is),
        };
        named != self.all_but && does != self.not_action && on != self.not_resource && holds
    }
}

fn may(statements: &[Thrown], caller: Option<&str>) -> bool {
    ACTIONS.iter().any(|action| {
        RESOURCES.iter().any(|resource| {
            let about = |allows| {
                let mut of = statements.iter().filter(|one| one.allows == allows);
                of.any(|one| one.is_about(caller, action, resource))
            };
            about(true) && !about(false)
        })
    })
}

/// Whoever may do anything by the definition is among those who are named: what is called closed is.
#[test]
fn nobody_who_has_access_is_left_out() {
    let mut dice = Dice(19);
    let mut open = 0;
    for _ in 0..3_000 {
        let count = dice.roll(&["1", "2", "3", "4"]).parse().unwrap();
        let statements: Vec<Thrown> = (0..count).map(|_| Thrown::new(&mut dice)).collect();
        let text = statements.iter().map(Thrown::text).collect::<Vec<_>>();
        let text = text.join(",");
        let found = who(&text);
        for account in [OURS, ONE, OTHER] {
            let told = found.iter().any(|who| who == "*" || who.contains(account));
            let may = may(&statements, Some(account));
            assert!(told || !may, "{account} may, and is not told of: {text}");
            open += usize::from(may);
        }
        let told = found.iter().any(|who| who == "anonymous");
        assert!(told || !may(&statements, None), "anyone may: {text}");
    }
    assert!(open > 1_000, "{open}");
}
