//! Identity providers whose tokens anyone can get: what they say, and which claims tie a token to
//! one tenant.
//!
//! A role that trusts such a provider is closed only while some claim that third parties cannot choose
//! is fixed. A provider that stands in no row issues tokens for its owner alone (a company's own
//! Okta, a cluster's own issuer), so being able to use it at all is being inside.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What is known of one identity provider. A new provider is a row; callers add their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Provider {
    /// As people call it.
    pub name: Cow<'static, str>,
    /// Issuer without `https://`, as in the ARN after `oidc-provider/`; `*` fits any text.
    pub issuer: Cow<'static, str>,
    /// The claims that AWS reads, if that list is complete: another one is never in a request.
    pub claims: Option<Cow<'static, [Claim]>>,
    /// Each of these alone ties a token to one tenant. Empty: the issuer itself does.
    pub pins: Cow<'static, [Pin]>,
    /// A claim and the value that marks a guest, who belongs to no tenant.
    pub guests: Option<(Cow<'static, str>, Cow<'static, str>)>,
    /// Where these facts stand.
    pub source: Cow<'static, str>,
}

/// A claim that AWS reads from a provider's token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// What follows the issuer and the colon in the condition key.
    pub name: Cow<'static, str>,
    /// Every token has it.
    pub always: bool,
}

/// A claim that ties a token to one tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// The claim, or a condition key (it has a colon).
    pub claim: Cow<'static, str>,
    /// How its value names the tenant: text in which `{}` stands for the tenant, and after which
    /// anything may follow. Empty: only a list of fixed values names one.
    pub prefixes: Cow<'static, [Cow<'static, str>]>,
}

const fn claim(name: &'static str, always: bool) -> Claim {
    Claim {
        name: Cow::Borrowed(name),
        always,
    }
}

const fn fixed(claim: &'static str) -> Pin {
    Pin {
        claim: Cow::Borrowed(claim),
        prefixes: Cow::Borrowed(&[]),
    }
}

const fn prefixed(claim: &'static str, prefixes: &'static [Cow<'static, str>]) -> Pin {
    Pin {
        claim: Cow::Borrowed(claim),
        prefixes: Cow::Borrowed(prefixes),
    }
}

const fn provider(
    name: &'static str,
    issuer: &'static str,
    pins: &'static [Pin],
    source: &'static str,
) -> Provider {
    Provider {
        name: Cow::Borrowed(name),
        issuer: Cow::Borrowed(issuer),
        claims: None,
        pins: Cow::Borrowed(pins),
        guests: None,
        source: Cow::Borrowed(source),
    }
}

static GITHUB_CLAIMS: &[Claim] = &[
    claim("aud", true),
    claim("sub", true),
    claim("actor", true),
    claim("actor_id", true),
    claim("repository", true),
    claim("repository_id", true),
    claim("repository_owner_id", true),
    // Only for repositories of an enterprise.
    claim("enterprise_id", false),
    // Only for jobs that name an environment.
    claim("environment", false),
    claim("job_workflow_ref", true),
    claim("ref", true),
    claim("workflow", true),
];

static OWNER: &[Cow<'static, str>] = &[Cow::Borrowed("{}/")];

static GITHUB_PINS: &[Pin] = &[
    // Customized subjects name one of the claims below first; what GitHub fills in for it, nobody
    // else can.
    prefixed(
        "sub",
        &[
            Cow::Borrowed("repo:{}/"),
            Cow::Borrowed("repo:{}@"),
            Cow::Borrowed("repository:{}/"),
            Cow::Borrowed("repository_owner:{}:"),
            Cow::Borrowed("repository_owner_id:{}:"),
            Cow::Borrowed("repository_id:{}:"),
            Cow::Borrowed("job_workflow_ref:{}/"),
        ],
    ),
    prefixed("repository", OWNER),
    fixed("repository_id"),
    fixed("repository_owner_id"),
    fixed("enterprise_id"),
    prefixed("job_workflow_ref", OWNER),
];

static GITLAB_PINS: &[Pin] = &[
    prefixed("sub", &[Cow::Borrowed("project_path:{}/")]),
    fixed("namespace_id"),
    fixed("project_id"),
];
static BUILDKITE_PINS: &[Pin] = &[
    prefixed("sub", &[Cow::Borrowed("organization:{}:")]),
    fixed("organization_slug"),
    fixed("organization_id"),
    fixed("pipeline_id"),
];
static GOOGLE_PINS: &[Pin] = &[
    fixed("aud"),
    fixed("sub"),
    fixed("email"),
    fixed("google/organization_number"),
];
static MODAL_PINS: &[Pin] = &[prefixed("sub", &[Cow::Borrowed("modal:workspace_id:{}:")])];
static DEPOT_PINS: &[Pin] = &[prefixed(
    "sub",
    &[Cow::Borrowed("spiffe://identity.depot.dev/org/{}/")],
)];
static BASETEN_PINS: &[Pin] = &[prefixed("sub", &[Cow::Borrowed("v=1:org={}:")])];
static SESSION_NAME_PINS: &[Pin] = &[fixed("sts:RoleSessionName")];
static ORGANIZATION_PINS: &[Pin] = &[prefixed("sub", &[Cow::Borrowed("organization:{}:")])];
static AUD_SUB_PINS: &[Pin] = &[fixed("aud"), fixed("sub")];
static APP_ID_ID_PINS: &[Pin] = &[fixed("app_id"), fixed("id")];
static APP_ID_USER_ID_PINS: &[Pin] = &[fixed("app_id"), fixed("user_id")];
static SUB_PINS: &[Pin] = &[fixed("sub")];
static REPOSITORY_PINS: &[Pin] = &[prefixed(
    "sub",
    &[Cow::Borrowed("repo:{}/"), Cow::Borrowed("repo:{}@")],
)];
static VERCEL_PINS: &[Pin] = &[prefixed("sub", &[Cow::Borrowed("owner:{}:")]), fixed("aud")];
static CONTROL_PLANE_PINS: &[Pin] = &[prefixed("sub", &[Cow::Borrowed("mcp:{}/")])];
static CREDENTIALS_PINS: &[Pin] = &[prefixed("sub", &[Cow::Borrowed("credentials:{}/")])];
static NAMESPACE_PINS: &[Pin] = &[prefixed(
    "sub",
    &[Cow::Borrowed("system:serviceaccount:{}:")],
)];
static ACCOUNT_PINS: &[Pin] = &[prefixed("sub", &[Cow::Borrowed("account:{}:")])];
static PULUMI_PINS: &[Pin] = &[
    prefixed(
        "sub",
        &[
            Cow::Borrowed("pulumi:deploy:org:{}:"),
            Cow::Borrowed("pulumi:environments:org:{}:"),
        ],
    ),
    fixed("aud"),
];

const TURBONOMIC: &str = "IAM user guide, identity-provider controls for shared OIDC providers: one \
    cluster serves many customers, and sub, a service account of Kubernetes, names the customer's \
    namespace";

const SENTINEL: &str = "Microsoft Sentinel docs, connect to Amazon Web Services: the application is the \
    same for all customers, and sts:RoleSessionName is MicrosoftSentinel_{workspace id}";

/// The providers known to be shared by many tenants, and those that look so and are not.
///
/// The first row whose issuer fits is the one that counts.
pub static PROVIDERS: &[Provider] = &[
    Provider {
        name: Cow::Borrowed("GitHub Actions"),
        issuer: Cow::Borrowed("token.actions.githubusercontent.com"),
        claims: Some(Cow::Borrowed(GITHUB_CLAIMS)),
        pins: Cow::Borrowed(GITHUB_PINS),
        guests: None,
        source: Cow::Borrowed(
            "GitHub docs, OpenID Connect reference; IAM user guide, condition keys for OIDC federation",
        ),
    },
    // An enterprise's own issuer, https://token.actions.githubusercontent.com/ENTERPRISE.
    Provider {
        name: Cow::Borrowed("GitHub Enterprise"),
        issuer: Cow::Borrowed("token.actions.githubusercontent.com/*"),
        claims: None,
        pins: Cow::Borrowed(&[]),
        guests: None,
        source: Cow::Borrowed("GitHub docs, customizing the issuer value for an enterprise"),
    },
    provider(
        "GitLab",
        "gitlab.com",
        GITLAB_PINS,
        "GitLab docs, OpenID Connect in AWS: sub is project_path:{group}/{project}:ref_type:{type}:ref:{branch}; IAM service authorization reference, keys of AssumeRoleWithWebIdentity",
    ),
    provider(
        "HCP Terraform",
        "app.terraform.io",
        ORGANIZATION_PINS,
        "HCP Terraform docs, workload identity tokens: sub is organization:{}:project:{}:workspace:{}:run_phase:{}",
    ),
    provider(
        "HCP Terraform Europe",
        "app.eu.terraform.io",
        ORGANIZATION_PINS,
        "HCP Terraform docs, HCP Europe: an issuer of its own, the subjects of HCP Terraform",
    ),
    provider(
        "Modal",
        "oidc.modal.com",
        MODAL_PINS,
        "Modal docs, OIDC integration: sub is modal:workspace_id:{}:environment_name:{}:app_name:{}…",
    ),
    provider(
        "Depot CI",
        "identity.depot.dev",
        DEPOT_PINS,
        "Depot docs, OIDC with Depot CI: sub is spiffe://identity.depot.dev/org/{}/ci/github/…",
    ),
    provider(
        "Baseten",
        "oidc.baseten.co",
        BASETEN_PINS,
        "Baseten docs, OIDC authentication: sub is v=1:org={}:team={}:model={}…",
    ),
    provider(
        "env zero",
        "login.app.env0.com*",
        SUB_PINS,
        "env zero docs, OIDC integrations: sub is the user of one organization, aud is fixed",
    ),
    // Microsoft's own tenants, whose applications serve every customer.
    provider(
        "Microsoft Sentinel and Defender for Cloud",
        "sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d*",
        SESSION_NAME_PINS,
        SENTINEL,
    ),
    provider(
        "Microsoft Sentinel and Defender for Cloud (US government)",
        "sts.windows.net/cab8a31a-1906-4287-a0d8-4eef66b95f6e*",
        SESSION_NAME_PINS,
        SENTINEL,
    ),
    provider(
        "Bitbucket Pipelines",
        "api.bitbucket.org/2.0/workspaces/*",
        &[],
        "Bitbucket docs, deploy on AWS with OpenID Connect: the issuer names the workspace",
    ),
    provider(
        "CircleCI",
        "oidc.circleci.com/org/*",
        &[],
        "CircleCI docs, OpenID Connect tokens: the issuer names the organization",
    ),
    provider(
        "Amazon EKS",
        "oidc.eks.*",
        &[],
        "Amazon EKS user guide, IAM roles for service accounts: the issuer names the cluster",
    ),
    provider(
        "Google",
        "accounts.google.com",
        GOOGLE_PINS,
        "IAM user guide, condition keys for OIDC federation: aud is the client (azp), oaud is chosen by the caller, google/organization_number names a Workspace organization",
    ),
    Provider {
        name: Cow::Borrowed("Amazon Cognito identity pools"),
        issuer: Cow::Borrowed("cognito-identity.amazonaws.com"),
        claims: None,
        pins: Cow::Borrowed(AUD_SUB_PINS),
        guests: Some((Cow::Borrowed("amr"), Cow::Borrowed("unauthenticated"))),
        source: Cow::Borrowed(
            "Amazon Cognito developer guide, role trust and permissions: aud is the pool, amr is authenticated or unauthenticated",
        ),
    },
    provider(
        "Amazon Cognito identity pools (GovCloud)",
        "cognito-identity-us-gov.amazonaws.com",
        AUD_SUB_PINS,
        "Amazon Cognito in AWS GovCloud",
    ),
    provider(
        "Facebook",
        "graph.facebook.com",
        APP_ID_ID_PINS,
        "IAM user guide, condition keys for OIDC federation",
    ),
    provider(
        "Login with Amazon",
        "www.amazon.com",
        APP_ID_USER_ID_PINS,
        "IAM user guide, condition keys for OIDC federation",
    ),
    provider(
        "Buildkite",
        "agent.buildkite.com",
        BUILDKITE_PINS,
        "Buildkite docs, OIDC: sub is organization:{}:pipeline:{}:ref:{}:commit:{}:step:{}; IAM service authorization reference, keys of AssumeRoleWithWebIdentity",
    ),
    provider(
        "Vercel",
        "oidc.vercel.com",
        VERCEL_PINS,
        "Vercel docs, OIDC reference: sub is owner:{team}:project:{}:environment:{}, aud is https://vercel.com/{team}",
    ),
    provider(
        "Codefresh",
        "oidc.codefresh.io",
        ACCOUNT_PINS,
        "Codefresh docs, OpenID Connect: sub begins with account:{id}:pipeline:{id}",
    ),
    provider(
        "Pulumi",
        "api.pulumi.com/oidc",
        PULUMI_PINS,
        "Pulumi docs, OIDC with AWS: sub names the organization, aud is aws:{organization}",
    ),
    provider(
        "GitHub Actions on self-hosted runners",
        "vstoken.actions.githubusercontent.com",
        REPOSITORY_PINS,
        "IAM user guide, identity-provider controls for shared OIDC providers; GitHub docs: sub as of its other workflows",
    ),
    provider(
        "GitHub audit log streaming",
        "oidc-configuration.audit-log.githubusercontent.com",
        SUB_PINS,
        "GitHub docs, streaming the audit log to Amazon S3: sub is https://github.com/{enterprise}",
    ),
    provider(
        "Scalr",
        "scalr.io",
        ACCOUNT_PINS,
        "Scalr docs, AWS: sub is account:{}:environment:{}:workspace:{}",
    ),
    provider(
        "Upbound",
        "proidc.upbound.io",
        CONTROL_PLANE_PINS,
        "Upbound docs, authentication to AWS: sub is mcp:{organization}/{control plane}:provider:{}",
    ),
    provider(
        "DataChain Studio",
        "studio.datachain.ai/api",
        CREDENTIALS_PINS,
        "DVC Studio docs, OpenID Connect: sub is credentials:{owner}/{name}",
    ),
    provider(
        "DVC Studio",
        "studio.iterative.ai/api",
        CREDENTIALS_PINS,
        "DVC Studio docs, OpenID Connect: sub is credentials:{owner}/{name}",
    ),
    provider(
        "Shisho Cloud",
        "tokens.cloud.shisho.dev",
        SUB_PINS,
        "IAM user guide, identity-provider controls for shared OIDC providers: sub names the tenant",
    ),
    provider(
        "sandboxes.cloud",
        "sandboxes.cloud",
        AUD_SUB_PINS,
        "IAM user guide, identity-provider controls for shared OIDC providers: aud names the tenant",
    ),
    provider(
        "IBM Turbonomic",
        "oidc.op1.openshiftapps.com/2c51blsaqa9gkjt0o9rt11mle8mmropu",
        NAMESPACE_PINS,
        TURBONOMIC,
    ),
    provider(
        "IBM Turbonomic",
        "oidc.op1.openshiftapps.com/2f785sojlpb85i7402pk3qogugim5nfb",
        NAMESPACE_PINS,
        TURBONOMIC,
    ),
    provider(
        "IBM Turbonomic",
        "rh-oidc.s3.us-east-1.amazonaws.com/22ejnvnnturfmt6km08idd0nt4hekbn7",
        NAMESPACE_PINS,
        TURBONOMIC,
    ),
    provider(
        "IBM Turbonomic",
        "rh-oidc.s3.us-east-1.amazonaws.com/23e3sd27sju1hoou6ohfs68vbno607tr",
        NAMESPACE_PINS,
        TURBONOMIC,
    ),
    provider(
        "IBM Turbonomic",
        "rh-oidc.s3.us-east-1.amazonaws.com/23ne21h005qjl3n33d8dui5dlrmv2tmg",
        NAMESPACE_PINS,
        TURBONOMIC,
    ),
    provider(
        "IBM Turbonomic",
        "rh-oidc.s3.us-east-1.amazonaws.com/24jrf12m5dj7ljlfb4ta2frhrcoadm26",
        NAMESPACE_PINS,
        TURBONOMIC,
    ),
    provider(
        "Sign in with Apple",
        "appleid.apple.com",
        AUD_SUB_PINS,
        "Apple developer docs: aud is the client",
    ),
    provider(
        "Twitch",
        "id.twitch.tv/oauth2",
        AUD_SUB_PINS,
        "Twitch developer docs: aud is the client",
    ),
    provider(
        "Microsoft, every tenant",
        "login.microsoftonline.com/common*",
        AUD_SUB_PINS,
        "Microsoft identity platform docs: the issuer of one tenant carries its id instead",
    ),
];

impl Provider {
    /// The row for an issuer (compared without case), the caller's own rows first.
    pub fn find<'p>(issuer: &str, own: &'p [Provider]) -> Option<&'p Provider>
    where
        'static: 'p,
    {
        let first = issuer.as_bytes().first().map(u8::to_ascii_lowercase);
        own.iter()
            .chain(PROVIDERS)
            // Most rows differ in the first letter already.
            .filter(|row| match row.issuer.as_bytes().first() {
                Some(b'*' | b'?') => true,
                letter => letter.map(u8::to_ascii_lowercase) == first,
            })
            // Whatever it is, a pattern fits its own text.
            .find(|row| {
                row.issuer.eq_ignore_ascii_case(issuer)
                    || crate::glob::matches_ignoring_case(&row.issuer, issuer)
            })
    }
}

impl Pin {
    /// The pattern that a text fits only if it names the very tenant that `prefix` names: from
    /// `repo:acme/app:ref` comes `repo:acme/*`. `None` if `prefix` ends before the tenant does.
    pub fn tenant_pattern(&self, prefix: &str) -> Option<String> {
        self.prefixes.iter().find_map(|form| {
            let (before, after) = form.split_once("{}")?;
            let rest = prefix.strip_prefix(before)?;
            let end = rest.find(after).filter(|end| *end > 0)?;
            let tenant = rest.get(..end)?;
            let plain = tenant
                .chars()
                .all(|c| c.is_alphanumeric() || "-_.~+".contains(c));
            plain.then(|| [before, tenant, after, "*"].concat())
        })
    }

    /// The same of a whole value, which may end where the tenant does: `repository_id:4711` is one
    /// repository's.
    pub fn names_tenant(&self, value: &str) -> bool {
        let ends = |form: &str| {
            let after = form.split_once("{}").map_or("", |(_, after)| after);
            self.tenant_pattern(&[value, after].concat()).is_some()
        };
        self.prefixes.iter().any(|form| ends(form))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_says_where_its_facts_stand() {
        for row in PROVIDERS {
            assert!(!row.source.is_empty() && !row.name.is_empty(), "{row:?}");
            for pin in row.pins.iter() {
                assert!(
                    pin.prefixes
                        .iter()
                        .all(|form| form.matches("{}").count() == 1)
                );
            }
        }
    }

    #[test]
    fn a_prefix_names_a_tenant_only_up_to_its_delimiter() {
        let github = Provider::find("token.actions.githubusercontent.com", &[]).unwrap();
        let sub = &github.pins[0];
        for (prefix, tenant) in [
            ("repo:acme/", Some("repo:acme/*")),
            ("repo:acme/app:ref:refs/heads/main", Some("repo:acme/*")),
            ("repo:acme@1234/app@5678", Some("repo:acme@*")),
            ("repo:acme", None),
            ("repo:", None),
            ("repo:/app", None),
            ("", None),
            ("project_path:acme/", None),
            ("repository_owner:acme:", Some("repository_owner:acme:*")),
            ("repository_owner:acme", None),
            (
                "repository_id:4711:environment",
                Some("repository_id:4711:*"),
            ),
        ] {
            assert_eq!(sub.tenant_pattern(prefix).as_deref(), tenant, "{prefix}");
        }
        assert!(sub.names_tenant("repository_id:4711"));
        assert!(sub.names_tenant("repository_id:4711:ref:refs/heads/main"));
        assert!(!sub.names_tenant("repository_id:"));
        assert!(!sub.names_tenant("environment:production"));
    }

    #[test]
    fn own_rows_come_first_and_issuers_may_be_patterns() {
        let eks = Provider::find("oidc.eks.eu-west-1.amazonaws.com/id/ABC", &[]).unwrap();
        assert!(eks.pins.is_empty());
        let own = Provider {
            issuer: "gitlab.com".into(),
            pins: Cow::Borrowed(&[]),
            ..eks.clone()
        };
        assert!(
            Provider::find("GitLab.com", std::slice::from_ref(&own))
                .unwrap()
                .pins
                .is_empty()
        );
        assert!(Provider::find("idp.acme.example", &[]).is_none());
    }
}
