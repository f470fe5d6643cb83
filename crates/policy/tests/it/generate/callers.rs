//! Who calls in the small world.

use super::{GHOST_ROLE, GHOST_USER, GITHUB, NEIGHBOUR, OTHER, OWN, STRANGER, VENDOR};

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Caller {
    Aws {
        account: &'static str,
        value: &'static str,
        user_id: &'static str,
        /// `aws:PrincipalArn`, where the caller's role has a path: no session shows it.
        role: Option<&'static str>,
    },
    Service(&'static str),
    /// A workflow run: subject, repository id, ref; whether it is the intended tenant's.
    GitHub {
        provider: &'static str,
        subject: &'static str,
        repository_id: &'static str,
        reference: &'static str,
        ours: bool,
    },
    Saml(&'static str),
    /// Whoever has an account with a provider that serves everybody.
    WebIdentity(&'static str),
}

impl Caller {
    pub(crate) fn account(&self) -> Option<&'static str> {
        match self {
            Caller::Aws { account, .. } => Some(account),
            _ => None,
        }
    }

    /// The provider that vouches for him.
    pub(crate) fn provider(&self) -> Option<&'static str> {
        match self {
            Caller::GitHub { provider, .. }
            | Caller::Saml(provider)
            | Caller::WebIdentity(provider) => Some(provider),
            Caller::Aws { .. } | Caller::Service(_) => None,
        }
    }

    /// The same workflow run, by way of another provider.
    pub(crate) fn by(self, through: &'static str) -> Self {
        match self {
            Caller::GitHub {
                subject,
                repository_id,
                reference,
                ours,
                ..
            } => Caller::GitHub {
                provider: through,
                subject,
                repository_id,
                reference,
                ours,
            },
            other => other,
        }
    }

    /// From an account that no document names.
    pub(crate) fn is_external_account(&self) -> bool {
        matches!(self.account(), Some(STRANGER | NEIGHBOUR))
    }

    /// Whose unique id documents know, but whose account they need not know: the id may be the
    /// vendor's Reader, and it may be anyone's.
    pub(crate) fn is_ghost(&self) -> bool {
        let known = ["AROAVREADER", GHOST_ROLE, GHOST_USER];
        matches!(self, Caller::Aws { user_id, .. }
            if self.is_external_account() && known.iter().any(|id| user_id.starts_with(id)))
    }

    /// The same principal, if its unique id were one that documents name.
    pub(crate) fn as_ghost(self) -> Option<Self> {
        match self {
            Caller::Aws {
                account,
                value,
                user_id,
                role,
            } => Some(Caller::Aws {
                account,
                value,
                user_id: match user_id.get(..4)? {
                    "AROA" if user_id.ends_with(":job") => "AROAGHOST000000000001:job",
                    "AIDA" => GHOST_USER,
                    _ => return None,
                },
                role,
            }),
            _ => None,
        }
    }
}

const fn aws(account: &'static str, value: &'static str, user_id: &'static str) -> Caller {
    Caller::Aws {
        account,
        value,
        user_id,
        role: None,
    }
}

/// A session of a role with a path.
const fn of_role(
    account: &'static str,
    value: &'static str,
    user_id: &'static str,
    role: &'static str,
) -> Caller {
    Caller::Aws {
        account,
        value,
        user_id,
        role: Some(role),
    }
}

/// Principals of accounts. Of external accounts and of the own account there are as many as of the others:
/// what a document spares may be any of them. The external account names his role and his user as an attacker would.
pub(crate) const AWS_CALLERS: &[Caller] = &[
    aws(
        OWN,
        "arn:aws:iam::111122223333:user/alice",
        "AIDAOALICE00000000001",
    ),
    aws(
        OWN,
        "arn:aws:iam::111122223333:user/amy",
        "AIDAOAMY0000000000001",
    ),
    aws(
        OWN,
        "arn:aws:iam::111122223333:user/bob",
        "AIDAOBOB0000000000001",
    ),
    aws(
        OWN,
        "arn:aws:iam::111122223333:user/carol",
        "AIDAOCAROL00000000001",
    ),
    aws(
        OWN,
        "arn:aws:iam::111122223333:user/464622532012",
        "AIDAONUMBER0000000001",
    ),
    aws(
        OWN,
        "arn:aws:sts::111122223333:assumed-role/464622532012/job",
        "AROAONUMBER0000000001:job",
    ),
    aws(
        OWN,
        "arn:aws:sts::111122223333:assumed-role/Reader/job",
        "AROAOREADER0000000001:job",
    ),
    aws(
        OWN,
        "arn:aws:sts::111122223333:federated-user/bob",
        "111122223333:bob",
    ),
    aws(
        VENDOR,
        "arn:aws:iam::464622532012:user/alice",
        "AIDAVALICE00000000001",
    ),
    aws(
        VENDOR,
        "arn:aws:iam::464622532012:user/bob",
        "AIDAVBOB0000000000001",
    ),
    aws(
        VENDOR,
        "arn:aws:iam::464622532012:user/amy",
        "AIDAVAMY0000000000001",
    ),
    aws(
        VENDOR,
        "arn:aws:iam::464622532012:user/carol",
        "AIDAVCAROL00000000001",
    ),
    aws(
        VENDOR,
        "arn:aws:sts::464622532012:assumed-role/Reader/job",
        "AROAVREADER0000000001:job",
    ),
    aws(
        VENDOR,
        "arn:aws:sts::464622532012:federated-user/bob",
        "464622532012:bob",
    ),
    aws(
        OTHER,
        "arn:aws:iam::222233334444:user/alice",
        "AIDAWALICE00000000001",
    ),
    aws(
        OTHER,
        "arn:aws:iam::222233334444:user/bob",
        "AIDAWBOB0000000000001",
    ),
    aws(
        OTHER,
        "arn:aws:iam::222233334444:user/amy",
        "AIDAWAMY0000000000001",
    ),
    aws(
        OTHER,
        "arn:aws:iam::222233334444:user/carol",
        "AIDAWCAROL00000000001",
    ),
    aws(
        OTHER,
        "arn:aws:sts::222233334444:assumed-role/Reader/job",
        "AROAWREADER0000000001:job",
    ),
    aws(
        OTHER,
        "arn:aws:sts::222233334444:federated-user/bob",
        "222233334444:bob",
    ),
    aws(
        STRANGER,
        "arn:aws:iam::999999999999:user/alice",
        "AIDAUALICE00000000001",
    ),
    aws(
        STRANGER,
        "arn:aws:iam::999999999999:user/bob",
        "AIDAUBOB0000000000001",
    ),
    aws(
        STRANGER,
        "arn:aws:iam::999999999999:user/amy",
        "AIDAUAMY0000000000001",
    ),
    aws(
        STRANGER,
        "arn:aws:iam::999999999999:user/carol",
        "AIDAUCAROL00000000001",
    ),
    aws(
        STRANGER,
        "arn:aws:sts::999999999999:assumed-role/Reader/job",
        "AROAUREADER0000000001:job",
    ),
    aws(
        STRANGER,
        "arn:aws:sts::999999999999:federated-user/bob",
        "999999999999:bob",
    ),
    aws(
        NEIGHBOUR,
        "arn:aws:iam::464600000000:user/alice",
        "AIDANALICE00000000001",
    ),
    aws(
        NEIGHBOUR,
        "arn:aws:iam::464600000000:user/amy",
        "AIDANAMY0000000000001",
    ),
    aws(
        NEIGHBOUR,
        "arn:aws:sts::464600000000:assumed-role/Reader/job",
        "AROANREADER0000000001:job",
    ),
    aws(
        NEIGHBOUR,
        "arn:aws:sts::464600000000:federated-user/bob",
        "464600000000:bob",
    ),
    aws(
        VENDOR,
        "arn:aws:sts::464622532012:assumed-role/Reader/run",
        "AROAVREADER0000000001:run",
    ),
    of_role(
        VENDOR,
        "arn:aws:sts::464622532012:assumed-role/Reader/job",
        "AROAVPATHED0000000001:job",
        "arn:aws:iam::464622532012:role/team/Reader",
    ),
    aws(
        VENDOR,
        "arn:aws:sts::464622532012:assumed-role/Writer/job",
        "AROAVWRITER0000000001:job",
    ),
    aws(
        STRANGER,
        "arn:aws:iam::999999999999:user/464622532012",
        "AIDAUNUMBER0000000001",
    ),
    aws(
        STRANGER,
        "arn:aws:sts::999999999999:assumed-role/464622532012/job",
        "AROAUNUMBER0000000001:job",
    ),
    aws(
        STRANGER,
        "arn:aws:sts::999999999999:assumed-role/Reader/job",
        "AROAVREADER0000000001:job",
    ),
    aws(
        STRANGER,
        "arn:aws:sts::999999999999:assumed-role/Reader/run",
        "AROAVREADER0000000001:run",
    ),
    aws(
        VENDOR,
        "arn:aws:iam::464622532012:user/BOB",
        "AIDAVUPPERBOB0000001",
    ),
    aws(
        VENDOR,
        "arn:aws:iam::464622532012:user/ALICE",
        "AIDAVUPPERALICE0000001",
    ),
    aws(
        VENDOR,
        "arn:aws:iam::464622532012:user/AMY",
        "AIDAVUPPERAMY0000001",
    ),
    aws(
        OTHER,
        "arn:aws:iam::222233334444:user/BOB",
        "AIDAWUPPERBOB0000001",
    ),
    aws(
        OTHER,
        "arn:aws:iam::222233334444:user/ALICE",
        "AIDAWUPPERALICE0000001",
    ),
    aws(
        OTHER,
        "arn:aws:iam::222233334444:user/AMY",
        "AIDAWUPPERAMY0000001",
    ),
    aws(
        STRANGER,
        "arn:aws:iam::999999999999:user/BOB",
        "AIDAUUPPERBOB0000001",
    ),
    aws(
        STRANGER,
        "arn:aws:iam::999999999999:user/ALICE",
        "AIDAUUPPERALICE0000001",
    ),
    aws(
        STRANGER,
        "arn:aws:iam::999999999999:user/AMY",
        "AIDAUUPPERAMY0000001",
    ),
    aws(
        VENDOR,
        "arn:aws:sts::464622532012:assumed-role/READER/job",
        "AROAVUPPER00000000001:job",
    ),
    aws(
        OTHER,
        "arn:aws:iam::222233334444:user/464622532012",
        "AIDAWNUMBER0000000001",
    ),
    aws(
        OTHER,
        "arn:aws:sts::222233334444:assumed-role/464622532012/job",
        "AROAWNUMBER0000000001:job",
    ),
    aws(
        STRANGER,
        "arn:aws:iam::999999999999:user/464622532012/alice",
        "AIDAUPATHED0000000001",
    ),
    aws(
        OTHER,
        "arn:aws:iam::222233334444:user/464622532012/alice",
        "AIDAWPATHED0000000001",
    ),
    aws(
        VENDOR,
        "arn:aws:iam::464622532012:user/464622532012/alice",
        "AIDAVPATHED0000000001",
    ),
    aws(
        OWN,
        "arn:aws:iam::111122223333:user/464622532012/alice",
        "AIDAOPATHED0000000001",
    ),
    aws(
        VENDOR,
        "arn:aws:sts::464622532012:assumed-role/Reader/JOB",
        "AROAVREADER0000000001:JOB",
    ),
    aws(
        STRANGER,
        "arn:aws:sts::999999999999:assumed-role/Reader/JOB",
        "AROAVREADER0000000001:JOB",
    ),
    aws(
        STRANGER,
        "arn:aws:iam::999999999999:user/464622532012:user/alice",
        "AIDAUCOLONED000000001",
    ),
    aws(
        OTHER,
        "arn:aws:iam::222233334444:user/464622532012:user/alice",
        "AIDAWCOLONED000000001",
    ),
    aws(
        OWN,
        "arn:aws:iam::111122223333:user/464622532012:user/alice",
        "AIDAOCOLONED000000001",
    ),
    aws(
        OWN,
        "arn:aws:iam::111122223333:user/ALICE",
        "AIDAOUPPERALICE0000001",
    ),
    aws(
        OWN,
        "arn:aws:iam::111122223333:user/BOB",
        "AIDAOUPPERBOB0000001",
    ),
    aws(
        OWN,
        "arn:aws:iam::111122223333:user/AMY",
        "AIDAOUPPERAMY0000001",
    ),
    aws(
        STRANGER,
        "arn:aws:sts::999999999999:assumed-role/Writer/job",
        "AROAVREADER0000000001:job",
    ),
    aws(
        OWN,
        "arn:aws:iam::111122223333:user/aLICE",
        "AIDAOMIXEDALICE000001",
    ),
    aws(
        VENDOR,
        "arn:aws:iam::464622532012:user/aLICE",
        "AIDAVMIXEDALICE000001",
    ),
    aws(
        OTHER,
        "arn:aws:iam::222233334444:user/aLICE",
        "AIDAWMIXEDALICE000001",
    ),
    aws(
        STRANGER,
        "arn:aws:iam::999999999999:user/aLICE",
        "AIDAUMIXEDALICE000001",
    ),
    // A role's path may look like a user.
    of_role(
        OWN,
        "arn:aws:sts::111122223333:assumed-role/alice/job",
        "AROAOUSERLIKE00000001:job",
        "arn:aws:iam::111122223333:role/:user/alice",
    ),
    of_role(
        VENDOR,
        "arn:aws:sts::464622532012:assumed-role/alice/job",
        "AROAVUSERLIKE00000001:job",
        "arn:aws:iam::464622532012:role/:user/alice",
    ),
    of_role(
        OTHER,
        "arn:aws:sts::222233334444:assumed-role/alice/job",
        "AROAWUSERLIKE00000001:job",
        "arn:aws:iam::222233334444:role/:user/alice",
    ),
    of_role(
        STRANGER,
        "arn:aws:sts::999999999999:assumed-role/alice/job",
        "AROAUUSERLIKE00000001:job",
        "arn:aws:iam::999999999999:role/:user/alice",
    ),
    of_role(
        NEIGHBOUR,
        "arn:aws:sts::464600000000:assumed-role/alice/job",
        "AROANUSERLIKE00000001:job",
        "arn:aws:iam::464600000000:role/:user/alice",
    ),
];

const fn run(
    subject: &'static str,
    repository_id: &'static str,
    reference: &'static str,
    ours: bool,
) -> Caller {
    Caller::GitHub {
        provider: GITHUB,
        subject,
        repository_id,
        reference,
        ours,
    }
}

pub(crate) const GITHUB_CALLERS: &[Caller] = &[
    run(
        "repo:acme/app:ref:refs/heads/main",
        "42",
        "refs/heads/main",
        true,
    ),
    run(
        "repo:acme/lib:pull_request",
        "43",
        "refs/pull/1/merge",
        true,
    ),
    run(
        "repo:acme/lib:ref:refs/heads/main",
        "43",
        "refs/heads/main",
        true,
    ),
    run(
        "repo:acme@7/app@42:ref:refs/heads/main",
        "42",
        "refs/heads/main",
        true,
    ),
    run(
        "repo:evil/app:ref:refs/heads/main",
        "666",
        "refs/heads/main",
        false,
    ),
    run(
        "repo:acme-evil/app:ref:refs/heads/main",
        "667",
        "refs/heads/main",
        false,
    ),
    run(
        "repo:evil/acme:environment:prod",
        "668",
        "refs/heads/dev",
        false,
    ),
    // An environment may be named as one likes.
    run(
        "repo:evil/app:environment:x:ref:refs/heads/main",
        "671",
        "refs/heads/dev",
        false,
    ),
    run(
        "repo:acme/app:environment:x:ref:refs/heads/main",
        "42",
        "refs/heads/dev",
        true,
    ),
    run(
        "repository_owner:evil:environment:prod",
        "670",
        "refs/heads/dev",
        false,
    ),
    run(
        "repository_owner:evil:ref:refs/heads/main",
        "669",
        "refs/heads/main",
        false,
    ),
    run(
        "repo:acme/app:ref:REFS/HEADS/MAIN",
        "42",
        "REFS/HEADS/MAIN",
        true,
    ),
    run(
        "repo:evil/app:ref:REFS/HEADS/MAIN",
        "666",
        "REFS/HEADS/MAIN",
        false,
    ),
    run(
        "REPO:ACME/APP:REF:REFS/HEADS/MAIN",
        "42",
        "refs/heads/main",
        true,
    ),
    // Whose repository says something else in its subjects.
    run(
        "repository_owner:acme:environment:prod",
        "42",
        "refs/heads/main",
        true,
    ),
    run(
        "repository_owner:acme:environment:prod",
        "43",
        "refs/heads/main",
        true,
    ),
];
