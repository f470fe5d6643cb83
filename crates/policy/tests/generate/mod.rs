//! Documents at random, over a small alphabet in which every request can be tried.
//!
//! Each document draws one to three condition keys and then speaks of these only, so that its
//! statements interact: an Allow and a Deny on different keys would rarely meet.

pub(crate) mod oracle;
pub(crate) mod world;

use std::fmt::Write as _;

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
/// What IAM leaves of a role and a user that were deleted.
pub(crate) const GHOST_ROLE: &str = "AROAGHOST000000000001";
pub(crate) const GHOST_USER: &str = "AIDAGHOST000000000002";
pub(crate) const NOW: &str = "2026-11-21T00:00:00Z";
pub(crate) const GITHUB: &str =
    "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com";
pub(crate) const OKTA: &str = "arn:aws:iam::111122223333:saml-provider/Okta";
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

/// A condition key: what documents compare it with, and what requests carry.
#[derive(Debug)]
pub(crate) struct KeySpec {
    pub(crate) name: &'static str,
    pub(crate) family: Family,
    /// Values in documents; patterns among them for the operators that read such.
    pub(crate) wanted: &'static [&'static str],
    /// Values in requests; several at once are divided by a bar.
    pub(crate) carried: &'static [&'static str],
    /// A request may carry several values of it.
    pub(crate) many: bool,
    /// A request may be without it.
    pub(crate) optional: bool,
    /// Which callers carry it: `a`ws, `s`ervice, `g`ithub, saml (`o`kta).
    pub(crate) callers: &'static str,
}

impl KeySpec {
    /// How many sets of values requests carry of it.
    pub(crate) fn sets(&self) -> usize {
        if self.many {
            1 << self.carried.len()
        } else {
            self.carried.len() + 1
        }
    }
}

/// Which operators fit a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Text,
    Number,
    Date,
    Truth,
    Binary,
    Address,
    Arn,
}

impl Family {
    pub(crate) fn operators(self) -> &'static [&'static str] {
        match self {
            Family::Text => &[
                "StringEquals",
                "StringNotEquals",
                "StringEqualsIgnoreCase",
                "StringNotEqualsIgnoreCase",
                "StringLike",
                "StringNotLike",
            ],
            Family::Number => &[
                "NumericEquals",
                "NumericNotEquals",
                "NumericLessThan",
                "NumericLessThanEquals",
                "NumericGreaterThan",
                "NumericGreaterThanEquals",
            ],
            Family::Date => &[
                "DateEquals",
                "DateNotEquals",
                "DateLessThan",
                "DateLessThanEquals",
                "DateGreaterThan",
                "DateGreaterThanEquals",
            ],
            Family::Truth => &["Bool"],
            Family::Binary => &["BinaryEquals"],
            Family::Address => &["IpAddress", "NotIpAddress"],
            Family::Arn => &["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"],
        }
    }
}

const fn key(
    name: &'static str,
    family: Family,
    wanted: &'static [&'static str],
    carried: &'static [&'static str],
    optional: bool,
    callers: &'static str,
) -> KeySpec {
    KeySpec {
        name,
        family,
        wanted,
        carried,
        many: false,
        optional,
        callers,
    }
}

/// A key that a request may carry several values of.
const fn many(
    name: &'static str,
    family: Family,
    wanted: &'static [&'static str],
    carried: &'static [&'static str],
) -> KeySpec {
    KeySpec {
        name,
        family,
        wanted,
        carried,
        many: true,
        optional: true,
        callers: "asgo",
    }
}

/// External ids that documents ask for, in full.
pub(crate) const EXTERNAL_IDS: &[&str] =
    &["f81d4fae-7dec-11d0", "9b2e77aa-41c3-4f0e", VENDOR, "acme1"];
/// Those of them that someone could guess: an account's number, and a short word.
pub(crate) const GUESSABLE_IDS: &[&str] = &[VENDOR, "acme1"];

/// Keys whose carried values are empty follow from the caller.
pub(crate) static KEYS: &[KeySpec] = &[
    key(
        "sts:ExternalId",
        Family::Text,
        &[
            "f81d4fae-7dec-11d0",
            "9b2e77aa-41c3-4f0e",
            "F81D4FAE-7DEC-11D0",
            VENDOR,
            "acme1",
            "f81d*",
            "????????-*",
        ],
        &[
            "f81d4fae-7dec-11d0",
            "9b2e77aa-41c3-4f0e",
            VENDOR,
            "acme1",
            "F81D4FAE-7DEC-11D0",
            "f81dXq-anything",
            "abcdefgh-generic",
            "9B2E77AA-41C3-4F0E",
            "zq81Other",
        ],
        true,
        "as",
    ),
    key(
        "aws:PrincipalOrgID",
        Family::Text,
        &[OWN_ORGANIZATION, "o-vendor99999", "o-*"],
        &[OWN_ORGANIZATION, "o-vendor99999", "o-other00000"],
        true,
        "a",
    ),
    key(
        "aws:PrincipalOrgPaths",
        Family::Text,
        &[
            "o-own1234567/*",
            "o-own1234567/r-ab12/ou-1111-aaaaaaaa/",
            "o-vendor99999/*",
        ],
        &[
            "o-own1234567/r-ab12/ou-1111-aaaaaaaa/",
            "o-own1234567/r-ab12/ou-1111-bbbbbbbb/",
            "o-vendor99999/r-cd34/ou-2222-cccccccc/",
            "o-other00000/r-ef56/ou-3333-dddddddd/",
        ],
        true,
        "a",
    ),
    key(
        "aws:SourceIp",
        Family::Address,
        &[
            "203.0.113.0/24",
            "198.51.100.0/24",
            "0.0.0.0/1",
            "128.0.0.0/1",
            "0.0.0.0/0",
            "203.0.113.7",
            "2001:db8::/32",
        ],
        &[
            "203.0.113.7",
            "203.0.113.8",
            "198.51.100.9",
            "8.8.8.8",
            "192.0.2.1",
            "2001:db8::7",
            "2600::1",
        ],
        true,
        "asgo",
    ),
    key(
        "aws:SourceVpce",
        Family::Text,
        &["vpce-0a0a0a0a", "vpce-1b1b1b1b"],
        &[
            "vpce-0a0a0a0a",
            "vpce-1b1b1b1b",
            "vpce-9f9f9f9f",
            "VPCE-0A0A0A0A",
            "VPCE-1B1B1B1B",
        ],
        true,
        "asgo",
    ),
    key(
        "aws:MultiFactorAuthPresent",
        Family::Truth,
        &["true", "false"],
        &["true", "false"],
        true,
        "a",
    ),
    key(
        "aws:MultiFactorAuthAge",
        Family::Number,
        &["100", "3600"],
        &["99", "100", "101", "3600", "7200"],
        true,
        "a",
    ),
    key(
        "aws:PrincipalTag/team",
        Family::Text,
        &["red", "RED", "blue", "r*", "?ed"],
        &[
            "red", "Red", "RED", "blue", "BLUE", "rare", "green", "r*", "R*", "?ed", "?ED",
        ],
        true,
        "as",
    ),
    key(
        "aws:PrincipalArn",
        Family::Arn,
        &[
            "arn:aws:iam::464622532012:role/Reader",
            "arn:aws:iam::464622532012:role/*",
            "arn:aws:iam::*:role/Reader",
            "arn:aws:iam::222233334444:*",
            "arn:aws:iam::111122223333:user/alice",
            "arn:aws:iam::464622532012",
        ],
        &[],
        false,
        "a",
    ),
    key(
        "aws:PrincipalArn",
        Family::Text,
        &[
            "arn:aws:iam::464622532012:role/Reader",
            "arn:aws:iam::464622532012:*",
            "*464622532012*",
            "arn:aws:iam::*:user/alice",
        ],
        &[],
        false,
        "a",
    ),
    key(
        "aws:PrincipalAccount",
        Family::Text,
        &[VENDOR, OTHER, OWN, "4646*"],
        &[],
        false,
        "a",
    ),
    key(
        "aws:userid",
        Family::Text,
        &[
            "AROAVREADER0000000001:*",
            "AROAVREADER0000000001:job",
            "AROA*",
            "AIDA*",
        ],
        &[],
        false,
        "a",
    ),
    key(
        "aws:PrincipalType",
        Family::Text,
        &["User", "AssumedRole"],
        &[],
        false,
        "a",
    ),
    key(
        "aws:username",
        Family::Text,
        &["alice", "bob", "a*"],
        &[],
        false,
        "a",
    ),
    many(
        "aws:TagKeys",
        Family::Text,
        &["team", "cost", "t*"],
        &["team", "cost", "TEAM", "t*", "tier", "other"],
    ),
    key(
        "aws:RequestTag/team",
        Family::Text,
        &["red", "r*"],
        &["red", "RED", "r*", "R*", "rare", "blue"],
        true,
        "asgo",
    ),
    key(
        "sts:SourceIdentity",
        Family::Text,
        &["alice@example.com", "*@example.com"],
        &[
            "alice@example.com",
            "Alice@example.com",
            "ALICE@EXAMPLE.COM",
            "bob@example.com",
            "eve@evil.test",
        ],
        true,
        "asgo",
    ),
    key(
        "aws:TokenIssueTime",
        Family::Date,
        &["2026-11-10T00:00:00Z", "2026-11-20T12:00:00Z"],
        &[
            "2026-11-09T00:00:00Z",
            "2026-11-10T00:00:00Z",
            "2026-11-15T00:00:00Z",
            "2026-11-20T12:00:00Z",
            "2026-11-20T13:00:00Z",
        ],
        true,
        "a",
    ),
    key(
        "aws:CurrentTime",
        Family::Date,
        &["2026-11-20T00:00:00Z", NOW, "2027-01-01T00:00:00Z"],
        &[],
        false,
        "asgo",
    ),
    key(
        "aws:EpochTime",
        Family::Number,
        &["1795219199", "1795219200", "1795219201"],
        &[],
        false,
        "asgo",
    ),
    key(
        "aws:SecureTransport",
        Family::Truth,
        &["true", "false"],
        &["true", "false"],
        false,
        "asgo",
    ),
    many(
        "acme:Blob",
        Family::Binary,
        &["QQ==", "Qg=="],
        &["QQ==", "Qg==", "Qw=="],
    ),
    many(
        "acme:Counts",
        Family::Number,
        &["5", "10"],
        &["4", "5", "7", "10", "11", "many"],
    ),
    many(
        "acme:Dates",
        Family::Date,
        &["2026-01-01T00:00:00Z"],
        &[
            "2025-12-31T00:00:00Z",
            "2026-01-01T00:00:00Z",
            "2026-01-02T00:00:00Z",
            "soon",
        ],
    ),
    many(
        "acme:Flags",
        Family::Truth,
        &["true", "false"],
        &["true", "false", "maybe"],
    ),
    many(
        "acme:Arns",
        Family::Arn,
        &["arn:aws:s3:::b-*", "arn:aws:s3:::c"],
        &["arn:aws:s3:::b-1", "arn:aws:s3:::c", "arn:aws:s3:::d"],
    ),
    many(
        "acme:Addresses",
        Family::Address,
        &["10.0.0.0/8", "10.1.0.0/16"],
        &["10.0.0.1", "10.1.0.1", "11.0.0.1"],
    ),
    many(
        "acme:Words",
        Family::Text,
        &["Abc", "abc", "a*"],
        &["Abc", "abc", "ABC", "axe", "zoo", "a*"],
    ),
    key(
        "aws:SourceAccount",
        Family::Text,
        &[OWN, OTHER, "1111*"],
        &[OWN, OTHER, STRANGER, "111199999999"],
        true,
        "s",
    ),
    key(
        "aws:SourceArn",
        Family::Arn,
        &[
            "arn:aws:events:us-east-1:111122223333:rule/a",
            "arn:aws:events:*:222233334444:rule/*",
            "arn:aws:s3:::bucket",
        ],
        &[
            "arn:aws:events:us-east-1:111122223333:rule/a",
            "arn:aws:events:us-east-1:222233334444:rule/b",
            "arn:aws:events:us-east-1:999999999999:rule/a",
            "arn:aws:s3:::bucket",
        ],
        true,
        "s",
    ),
    key(
        "token.actions.githubusercontent.com:sub",
        Family::Text,
        &[
            "repo:acme/*",
            "repo:acme/app:ref:refs/heads/main",
            "repo:*",
            "repo:acme*",
            "*:ref:refs/heads/main",
            "repo:acme@7/*",
            "repo:acme/lib:*",
        ],
        &[],
        false,
        "g",
    ),
    key(
        "token.actions.githubusercontent.com:repository_id",
        Family::Text,
        &["42", "43"],
        &[],
        false,
        "g",
    ),
    key(
        "token.actions.githubusercontent.com:repository_owner",
        Family::Text,
        &["acme"],
        &[],
        false,
        "g",
    ),
    key(
        "token.actions.githubusercontent.com:ref",
        Family::Text,
        &["refs/heads/main"],
        &[],
        false,
        "g",
    ),
    key(
        "saml:aud",
        Family::Text,
        &["https://signin.aws.amazon.com/saml"],
        &[
            "https://signin.aws.amazon.com/saml",
            "https://example.com/saml",
        ],
        false,
        "o",
    ),
];

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
    let fitting: Vec<usize> = (0..KEYS.len())
        .filter(|index| {
            KEYS[*index]
                .callers
                .chars()
                .any(|caller| callers.contains(&caller))
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
    } else {
        for caller in callers {
            match caller {
                'a' => {
                    for _ in 0..1 + random.below(2) {
                        made.aws.push(*random.pick(AWS_PRINCIPALS));
                    }
                }
                's' => made
                    .service
                    .push(*random.pick(&["events.amazonaws.com", "ec2.amazonaws.com"])),
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
        0..=27 => ("", ""),
        28..=54 => ("", "IfExists"),
        55..=73 => ("ForAnyValue:", ""),
        74..=92 => ("ForAllValues:", ""),
        93..=96 => ("ForAnyValue:", "IfExists"),
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

    pub(crate) fn has_key(&self, name: &str) -> bool {
        self.keys().iter().any(|spec| spec.name == name)
    }
}

impl GeneratedStatement {
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
