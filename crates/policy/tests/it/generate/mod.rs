//! Documents at random, over a small alphabet in which every request can be tried.
//!
//! Each document draws one to three condition keys and then speaks of these only, so that its
//! statements interact: an Allow and a Deny on different keys would rarely meet.

pub(crate) mod callers;
pub(crate) mod covers;
mod keys;
pub(crate) mod oracle;
pub(crate) mod world;

use std::fmt::Write as _;

use trustwarden_policy::Origin;

pub(crate) use keys::{EXTERNAL_IDS, Family, GUESSABLE_IDS, KEYS, KeySpec};

/// The role's account.
pub(crate) const OWN: &str = "111122223333";
/// Two accounts that documents name.
pub(crate) const VENDOR: &str = "464622532012";
pub(crate) const OTHER: &str = "222233334444";
/// One that none names.
pub(crate) const STRANGER: &str = "999999999999";
/// Another, whose number begins as the vendor's.
pub(crate) const NEIGHBOUR: &str = "464600000000";
pub(crate) const OWN_ORGANIZATION: &str = "o-own1234567";
/// Unique ids: what IAM shows of a role and a user that were deleted, or what was sent to name
/// living ones.
pub(crate) const GHOST_ROLE: &str = "AROAGHOST000000000001";
pub(crate) const GHOST_USER: &str = "AIDAGHOST000000000002";
pub(crate) const NOW: &str = "2026-11-21T00:00:00Z";
pub(crate) const GITHUB: &str =
    "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
pub(crate) const OKTA: &str = "arn:aws:iam::111122223333:saml-provider/Okta";
/// A SAML provider and a provider of web identities that no document names.
pub(crate) const OTHER_SAML: &str = "arn:aws:iam::111122223333:saml-provider/Other";
pub(crate) const GOOGLE: &str = "accounts.google.com";
/// A service that no document names.
pub(crate) const UNNAMED_SERVICE: &str = "lambda.amazonaws.com";
pub(crate) const ROLES_ANYWHERE: &str = "rolesanywhere.amazonaws.com";
/// The same in another account.
pub(crate) const FOREIGN_GITHUB: &str =
    "arn:aws:iam::464622532012:oidc-provider/token.actions.githubusercontent.com";
pub(crate) const FOREIGN_OKTA: &str = "arn:aws:iam::464622532012:saml-provider/Okta";

/// Numbers that look random and are the same in every run (splitmix64).
#[derive(Debug, Clone)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, share: usize) -> bool {
        self.below(100) < share
    }

    pub(crate) fn pick<'l, T>(&mut self, list: &'l [T]) -> &'l T {
        &list[self.below(list.len())]
    }
}

/// One condition of a generated statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GeneratedCondition {
    pub(crate) operator: String,
    /// Place in [`KEYS`].
    pub(crate) key: usize,
    pub(crate) values: Vec<String>,
}

/// One generated statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GeneratedStatement {
    pub(crate) allow: bool,
    /// `Principal` or `NotPrincipal`.
    pub(crate) not_principal: bool,
    pub(crate) aws: Vec<&'static str>,
    pub(crate) service: Vec<&'static str>,
    pub(crate) federated: Vec<&'static str>,
    pub(crate) not_action: bool,
    pub(crate) actions: Vec<&'static str>,
    pub(crate) conditions: Vec<GeneratedCondition>,
}

/// A generated document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GeneratedDocument {
    pub(crate) old_version: bool,
    /// As IAM shows it, not as it was sent.
    pub(crate) shown: bool,
    pub(crate) statements: Vec<GeneratedStatement>,
}

const AWS_PRINCIPALS: &[&str] = &[
    "*",
    "*",
    "*",
    VENDOR,
    "arn:aws:iam::464622532012:root",
    OTHER,
    OWN,
    "arn:aws:iam::464622532012:role/Reader",
    "arn:aws:iam::464622532012:user/alice",
    "arn:aws:sts::464622532012:assumed-role/Reader/job",
    "arn:aws:iam::222233334444:user/alice",
    GHOST_ROLE,
    GHOST_USER,
    "arn:aws:iam::464622532012:role/*",
    "46462253201",
];
const ACTIONS: &[&[&str]] = &[
    &["sts:AssumeRole"],
    &["sts:AssumeRole"],
    &["sts:*"],
    &["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
    &["sts:AssumeRole", "sts:TagSession"],
    &["sts:assumerol?", "sts:SetSourceIdentity"],
    &["sts:AssumeRole*"],
    &["sts:TagSession"],
];

/// A document at random.
pub(crate) fn document(random: &mut Random) -> GeneratedDocument {
    let mut callers: Vec<char> = match random.below(10) {
        0..=6 => vec!['a'],
        7 => vec!['s'],
        8 => vec!['g'],
        _ => vec!['a', *random.pick(&['s', 'g', 'o'])],
    };
    if callers == ['g'] && random.percent(20) {
        callers = vec!['o'];
    }
    // What everyone is asked may concern services and federated callers alone.
    let mut asked = callers.clone();
    if callers == ['a'] && random.percent(20) {
        asked.extend(['s', 'g']);
    }
    let fitting: Vec<usize> = (0..KEYS.len())
        .filter(|index| {
            KEYS[*index]
                .callers
                .chars()
                .any(|caller| asked.contains(&caller))
        })
        .collect();
    // By family first: there are many keys of text, and each operator is to decide as often.
    let palette: Vec<usize> = (0..1 + random.below(3))
        .map(|_| {
            let family = match random.below(100) {
                0..=25 => Family::Text,
                26..=48 => Family::Number,
                49..=74 => Family::Date,
                75..=79 => Family::Truth,
                80..=82 => Family::Binary,
                83..=87 => Family::Address,
                88..=90 if asked.iter().any(|caller| "as".contains(*caller)) => {
                    Family::AccountNumber
                }
                _ => Family::Arn,
            };
            let of_family: Vec<usize> = fitting
                .iter()
                .filter(|key| KEYS[**key].family == family)
                .copied()
                .collect();
            *random.pick(&of_family)
        })
        .collect();
    let allows = 1 + random.below(2);
    let denies = match random.below(10) {
        0..=2 => 0,
        3..=7 => 1,
        _ => 2,
    };
    let statements = (0..allows + denies)
        .map(|index| statement(random, index < allows, &callers, &palette))
        .collect();
    GeneratedDocument {
        old_version: random.percent(5),
        shown: random.percent(30),
        statements,
    }
}

fn statement(
    random: &mut Random,
    allow: bool,
    callers: &[char],
    palette: &[usize],
) -> GeneratedStatement {
    let mut made = GeneratedStatement {
        allow,
        not_principal: random.percent(if allow { 2 } else { 8 }),
        aws: Vec::new(),
        service: Vec::new(),
        federated: Vec::new(),
        not_action: random.percent(3),
        actions: random.pick(ACTIONS).to_vec(),
        conditions: Vec::new(),
    };
    if !allow && random.percent(60) {
        made.aws.push("*");
        made.not_principal = false;
        // Whether `*` reaches federated callers is undecided, so that most often they are named too.
        if callers.iter().any(|caller| "go".contains(*caller)) && random.percent(80) {
            made.federated = vec![GITHUB, FOREIGN_GITHUB, OKTA, FOREIGN_OKTA];
        }
    } else {
        for caller in callers {
            match caller {
                'a' => {
                    for _ in 0..1 + random.below(2) {
                        made.aws.push(*random.pick(AWS_PRINCIPALS));
                    }
                }
                's' => made.service.push(*random.pick(&[
                    "events.amazonaws.com",
                    "ec2.amazonaws.com",
                    ROLES_ANYWHERE,
                ])),
                'g' => made
                    .federated
                    .push(*random.pick(&[GITHUB, GITHUB, FOREIGN_GITHUB])),
                _ => made
                    .federated
                    .push(*random.pick(&[OKTA, OKTA, FOREIGN_OKTA])),
            }
        }
        made.aws.dedup();
    }
    let federated = callers.iter().any(|caller| "go".contains(*caller));
    if federated && !random.percent(10) {
        made.actions = vec!["sts:AssumeRole*", "sts:TagSession", "sts:SetSourceIdentity"];
    } else if !allow && random.percent(50) {
        made.actions = vec!["sts:*"];
    }
    if made.not_action {
        made.actions =
            vec![*random.pick(&["sts:TagSession", "sts:SetSourceIdentity", "sts:AssumeRole"])];
    }
    let conditions = match random.below(10) {
        0..=1 => usize::from(!allow),
        2..=7 => 1,
        _ => 2,
    };
    for _ in 0..conditions {
        let key = *random.pick(palette);
        let made_condition = condition(random, key);
        let repeated = made.conditions.iter().any(|before| {
            before.operator == made_condition.operator
                && KEYS[before.key].name == KEYS[made_condition.key].name
        });
        if !repeated {
            made.conditions.push(made_condition);
        }
    }
    made
}

fn condition(random: &mut Random, key: usize) -> GeneratedCondition {
    let spec = &KEYS[key];
    if random.percent(8) {
        let wanted = (*random.pick(&["true", "false"])).to_owned();
        return GeneratedCondition {
            operator: "Null".to_owned(),
            key,
            values: vec![wanted],
        };
    }
    let (qualifier, suffix) = match random.below(100) {
        0..=20 => ("", ""),
        21..=40 => ("", "IfExists"),
        41..=56 => ("ForAnyValue:", ""),
        57..=72 => ("ForAllValues:", ""),
        73..=86 => ("ForAnyValue:", "IfExists"),
        _ => ("ForAllValues:", "IfExists"),
    };
    let operator = format!(
        "{qualifier}{}{suffix}",
        random.pick(spec.family.operators())
    );
    let mut values: Vec<String> = (0..1 + random.below(2))
        .map(|_| (*random.pick(spec.wanted)).to_owned())
        .collect();
    let takes_variables = matches!(
        spec.name,
        "sts:ExternalId" | "aws:PrincipalTag/team" | "aws:RequestTag/team" | "acme:Words"
    );
    if takes_variables && random.percent(5) {
        values = vec!["${aws:PrincipalAccount}".to_owned()];
    }
    values.dedup();
    GeneratedCondition {
        operator,
        key,
        values,
    }
}

fn list(values: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = values
        .iter()
        .map(|value| format!("\"{}\"", value.as_ref()))
        .collect();
    match quoted.as_slice() {
        [one] => one.clone(),
        several => format!("[{}]", several.join(",")),
    }
}

impl GeneratedDocument {
    pub(crate) fn text(&self) -> String {
        let version = if self.old_version {
            "2008-10-17"
        } else {
            "2012-10-17"
        };
        let statements: Vec<String> = self
            .statements
            .iter()
            .map(GeneratedStatement::text)
            .collect();
        format!(
            "{{\"Version\":\"{version}\",\"Statement\":[{}]}}",
            statements.join(",")
        )
    }

    /// The keys of its conditions, by name, each once.
    pub(crate) fn keys(&self) -> Vec<&'static KeySpec> {
        let mut keys: Vec<&'static KeySpec> = Vec::new();
        for condition in self
            .statements
            .iter()
            .flat_map(|statement| &statement.conditions)
        {
            let spec = &KEYS[condition.key];
            if !keys.iter().any(|known| known.name == spec.name) {
                keys.push(spec);
            }
        }
        keys
    }

    pub(crate) fn origin(&self) -> Origin {
        if self.shown {
            Origin::Shown
        } else {
            Origin::Sent
        }
    }

    /// A condition asks of the moment as text.
    pub(crate) fn reads_the_clock_as_text(&self) -> bool {
        let mut conditions = self.statements.iter().flat_map(|one| &one.conditions);
        conditions.any(|one| {
            let spec = &KEYS[one.key];
            spec.name == "aws:CurrentTime" && spec.family == Family::Text
        })
    }

    /// Conditions speak of GitHub's claims.
    pub(crate) fn speaks_of_github(&self) -> bool {
        let mut keys = self.keys().into_iter();
        keys.any(|spec| spec.name.starts_with("token.actions."))
    }

    /// Somebody is named by a unique id, and lives.
    pub(crate) fn names_a_living_id(&self) -> bool {
        let ids = [GHOST_ROLE, GHOST_USER];
        let mut named = self.statements.iter().flat_map(|one| &one.aws);
        !self.shown && named.any(|one| ids.contains(one))
    }

    pub(crate) fn has_key(&self, name: &str) -> bool {
        self.keys().iter().any(|spec| spec.name == name)
    }
}

impl GeneratedStatement {
    /// An Allow for everyone, or for all but some.
    pub(crate) fn lets_everyone_in(&self) -> bool {
        self.allow && (self.not_principal || self.aws.contains(&"*"))
    }

    pub(crate) fn text(&self) -> String {
        let mut principals = Vec::new();
        for (kind, named) in [
            ("AWS", &self.aws),
            ("Service", &self.service),
            ("Federated", &self.federated),
        ] {
            if !named.is_empty() {
                principals.push(format!("\"{kind}\":{}", list(named)));
            }
        }
        let mut text = format!(
            "{{\"Effect\":\"{}\",\"{}Principal\":{{{}}},\"{}Action\":{}",
            if self.allow { "Allow" } else { "Deny" },
            if self.not_principal { "Not" } else { "" },
            principals.join(","),
            if self.not_action { "Not" } else { "" },
            list(&self.actions)
        );
        if !self.conditions.is_empty() {
            text.push_str(",\"Condition\":{");
            let mut operators: Vec<&str> = Vec::new();
            for condition in &self.conditions {
                if !operators.contains(&condition.operator.as_str()) {
                    operators.push(&condition.operator);
                }
            }
            for (place, operator) in operators.iter().enumerate() {
                let comma = if place > 0 { "," } else { "" };
                let keys: Vec<String> = self
                    .conditions
                    .iter()
                    .filter(|condition| condition.operator == *operator)
                    .map(|condition| {
                        format!(
                            "\"{}\":{}",
                            KEYS[condition.key].name,
                            list(&condition.values)
                        )
                    })
                    .collect();
                write!(text, "{comma}\"{operator}\":{{{}}}", keys.join(",")).unwrap();
            }
            text.push('}');
        }
        text.push('}');
        text
    }
}
