//! The condition keys of the small world: what documents ask of them, and what requests carry.

use super::{NOW, OTHER, OWN, OWN_ORGANIZATION, STRANGER, VENDOR};

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
    /// Accounts, by their number.
    AccountNumber,
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
            Family::AccountNumber => &["NumericEquals", "NumericNotEquals"],
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
            "red", "Red", "RED", "blue", "BLUE", "rare", "bed", "green", "r*", "R*", "?ed", "?ED",
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
        "aws:CurrentTime",
        Family::Text,
        &[NOW, "2026-11-2?T*", "2027-*", "*T12:*", "2025-*"],
        &[],
        false,
        "asgo",
    ),
    key(
        "aws:PrincipalAccount",
        Family::AccountNumber,
        &[VENDOR, OTHER, OWN],
        &[],
        false,
        "a",
    ),
    key(
        "aws:SourceAccount",
        Family::AccountNumber,
        &[OWN, OTHER],
        &[OWN, OTHER, STRANGER, "111199999999"],
        true,
        "s",
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
            "arn:aws:rolesanywhere:us-east-1:111122223333:trust-anchor/a",
            "arn:aws:rolesanywhere:*:111122223333:trust-anchor/*",
        ],
        &[
            "arn:aws:events:us-east-1:111122223333:rule/a",
            "arn:aws:events:us-east-1:222233334444:rule/b",
            "arn:aws:events:us-east-1:999999999999:rule/a",
            "arn:aws:s3:::bucket",
            "arn:aws:rolesanywhere:us-east-1:111122223333:trust-anchor/a",
            "arn:aws:rolesanywhere:us-east-1:111122223333:trust-anchor/b",
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
