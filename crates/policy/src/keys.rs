//! The condition keys as the analyzer knows them: who carries them, what they can hold, and which
//! of them are faces of one fact.
//!
//! Sources: IAM user guide, "AWS global condition context keys" (availability and value type of
//! every `aws:` key) and "IAM and AWS STS condition context keys" (`sts:`, `saml:` and the web
//! identity keys). A key that stands in no list may be present with any value, so that nothing is
//! called closed for want of a row here.

use crate::arn;
use crate::sets::universe::Universe;
use crate::sets::value::Domain;

/// Whether a request carries a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Every request of this kind of caller.
    Always,
    /// Some do.
    Maybe,
    /// None does.
    Never,
}

use Presence::{Always, Maybe, Never};

/// What a key is to the decision. Keys that follow from one fact are solved together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Role {
    /// The caller's ARN; for a role's session the role's.
    PrincipalArn,
    PrincipalAccount,
    UserId,
    Username,
    PrincipalType,
    /// No key of AWS: the session's name, which a session's ARN as principal asks for.
    SessionName,
    OrganizationId,
    OrganizationPaths,
    MfaPresent,
    MfaAge,
    SourceArn,
    SourceAccount,
    SourceOrganizationId,
    SourceOrganizationPaths,
    /// The moment of the request.
    Now,
    /// When the caller's temporary credentials were issued: at the moment of the request or before.
    Issued,
    ExternalId,
    /// The caller's address.
    SourceIp,
    /// A VPC or VPC endpoint that the request came through.
    Network,
    /// Needs `sts:TagSession`.
    Tagging,
    /// Needs `sts:SetSourceIdentity`.
    SourceIdentity,
    /// A certificate attribute of IAM Roles Anywhere, or any other tag of the caller.
    PrincipalTag,
    /// A claim of an identity provider.
    Claim,
    /// `saml:` keys.
    Saml,
    /// Names the calling service.
    ServiceName,
    /// Whether a service calls: `true` for services alone.
    IsService,
    /// The account of the role itself.
    OwnAccount,
    /// The organization of the role itself.
    OwnOrganization,
    /// Any other.
    Other,
}

/// Facts that several keys show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Group {
    /// Who calls.
    Identity,
    /// The caller's organization.
    Organization,
    /// Multi-factor authentication.
    Mfa,
    /// On whose behalf a service calls.
    Source,
    /// That one's organization.
    SourceOrganization,
    /// When the request comes.
    Moment,
    /// A key of its own.
    Alone,
}

impl Role {
    /// Which fact the key shows.
    pub(crate) fn group(self) -> Group {
        match self {
            Self::PrincipalArn
            | Self::PrincipalAccount
            | Self::UserId
            | Self::Username
            | Self::PrincipalType
            | Self::SessionName => Group::Identity,
            Self::OrganizationId | Self::OrganizationPaths => Group::Organization,
            Self::MfaPresent | Self::MfaAge => Group::Mfa,
            Self::SourceArn | Self::SourceAccount => Group::Source,
            Self::SourceOrganizationId | Self::SourceOrganizationPaths => Group::SourceOrganization,
            Self::Now => Group::Moment,
            _ => Group::Alone,
        }
    }
}

/// One row of the table.
#[derive(Debug)]
pub(crate) struct Row {
    /// As AWS spells it; a family of keys ends in a slash.
    pub(crate) name: &'static str,
    /// What it is to the decision.
    pub(crate) role: Role,
    /// Its values.
    pub(crate) domain: Domain,
    /// It may hold several values at once.
    pub(crate) many: bool,
    /// On AssumeRole by an AWS principal.
    pub(crate) aws: Presence,
    /// On AssumeRole by an AWS service.
    pub(crate) service: Presence,
    /// On AssumeRoleWithSAML and AssumeRoleWithWebIdentity, which nobody signs.
    pub(crate) federated: Presence,
}

const ANY: Domain = Domain::Text(Universe::Any);
const ACCOUNT: Domain = Domain::Text(Universe::Account);
const NAME: Domain = Domain::Text(Universe::Name(2, 64));
const REGION: Domain = Domain::Text(Universe::Region);
const PATH: Domain = Domain::Text(Universe::OrganizationPath);

const fn row(
    name: &'static str,
    role: Role,
    domain: Domain,
    many: bool,
    presence: [Presence; 3],
) -> Row {
    let [aws, service, federated] = presence;
    Row {
        name,
        role,
        domain,
        many,
        aws,
        service,
        federated,
    }
}

/// Sorted by the length of the name, which few share, so that a key is found by it.
#[rustfmt::skip]
static ROWS: &[Row] = &[
    row("aws:userid", Role::UserId, ANY, false, [Always, Never, Never]),
    row("aws:referer", Role::Other, ANY, false, [Maybe, Maybe, Maybe]),
    row("aws:TagKeys", Role::Tagging, ANY, true, [Maybe, Maybe, Maybe]),
    row("aws:SourceIp", Role::SourceIp, Domain::Address, false, [Maybe, Maybe, Maybe]),
    row("aws:username", Role::Username, ANY, false, [Maybe, Never, Never]),
    row("aws:CalledVia", Role::Other, ANY, true, [Maybe, Maybe, Maybe]),
    row("aws:EpochTime", Role::Now, Domain::Moment, false, [Always, Always, Always]),
    row("aws:SourceArn", Role::SourceArn, ANY, false, [Never, Maybe, Never]),
    row("aws:SourceVpc", Role::Network, ANY, false, [Maybe, Maybe, Maybe]),
    row("aws:UserAgent", Role::Other, ANY, false, [Maybe, Maybe, Maybe]),
    row("aws:VpceOrgID", Role::Network, ANY, false, [Maybe, Maybe, Maybe]),
    row("aws:SourceVpce", Role::Network, ANY, false, [Maybe, Maybe, Maybe]),
    row("sts:ExternalId", Role::ExternalId, Domain::Text(Universe::ExternalId), false, [Maybe, Maybe, Never]),
    row("aws:AssumedRoot", Role::Other, Domain::Truth, false, [Maybe, Maybe, Maybe]),
    row("aws:CurrentTime", Role::Now, Domain::Moment, false, [Always, Always, Always]),
    row("aws:RequestTag/", Role::Tagging, ANY, false, [Maybe, Maybe, Maybe]),
    row("aws:SourceOrgID", Role::SourceOrganizationId, PATH, false, [Never, Maybe, Never]),
    row("aws:VpceAccount", Role::Network, ACCOUNT, false, [Maybe, Maybe, Maybe]),
    row("aws:VpcSourceIp", Role::Other, Domain::Address, false, [Maybe, Maybe, Maybe]),
    row("aws:PrincipalArn", Role::PrincipalArn, ANY, false, [Always, Never, Never]),
    row("aws:ResourceTag/", Role::Other, ANY, false, [Maybe, Maybe, Maybe]),
    row("aws:SourceVpcArn", Role::Network, ANY, false, [Maybe, Maybe, Maybe]),
    row("aws:VpceOrgPaths", Role::Network, ANY, true, [Maybe, Maybe, Maybe]),
    row("aws:CalledViaLast", Role::Other, ANY, false, [Maybe, Maybe, Maybe]),
    row("aws:PrincipalTag/", Role::PrincipalTag, ANY, false, [Maybe, Maybe, Never]),
    row("aws:PrincipalType", Role::PrincipalType, ANY, false, [Always, Never, Never]),
    row("aws:ResourceOrgID", Role::OwnOrganization, ANY, false, [Maybe, Maybe, Maybe]),
    row("aws:SourceAccount", Role::SourceAccount, ACCOUNT, false, [Never, Maybe, Never]),
    row("aws:ViaAWSService", Role::Other, Domain::Truth, false, [Always, Maybe, Maybe]),
    row("aws:CalledViaFirst", Role::Other, ANY, false, [Maybe, Maybe, Maybe]),
    row("aws:PrincipalOrgID", Role::OrganizationId, PATH, false, [Maybe, Never, Never]),
    row("aws:SourceIdentity", Role::Other, NAME, false, [Maybe, Maybe, Maybe]),
    row("aws:SourceOrgPaths", Role::SourceOrganizationPaths, PATH, false, [Never, Maybe, Never]),
    row("aws:TokenIssueTime", Role::Issued, Domain::Moment, false, [Maybe, Never, Never]),
    row("sts:AWSServiceName", Role::Other, ANY, false, [Never, Never, Never]),
    row("sts:SourceIdentity", Role::SourceIdentity, NAME, false, [Maybe, Maybe, Maybe]),
    row("aws:RequestedRegion", Role::Other, REGION, false, [Always, Always, Always]),
    row("aws:ResourceAccount", Role::OwnAccount, ACCOUNT, false, [Maybe, Maybe, Maybe]),
    row("aws:SecureTransport", Role::Other, Domain::Truth, false, [Always, Always, Always]),
    row("sts:DurationSeconds", Role::Other, Domain::Count, false, [Never, Never, Never]),
    row("sts:RequestContext/", Role::Other, ANY, true, [Maybe, Maybe, Maybe]),
    row("sts:RoleSessionName", Role::Other, NAME, false, [Always, Maybe, Always]),
    row("aws:ChatbotSourceArn", Role::Other, ANY, false, [Maybe, Maybe, Maybe]),
    row("aws:PrincipalAccount", Role::PrincipalAccount, ACCOUNT, false, [Always, Never, Never]),
    row("aws:ResourceOrgPaths", Role::Other, ANY, true, [Maybe, Maybe, Maybe]),
    row("aws:FederatedProvider", Role::Other, ANY, false, [Maybe, Maybe, Maybe]),
    row("aws:PrincipalOrgPaths", Role::OrganizationPaths, PATH, false, [Maybe, Never, Never]),
    row("sts:TransitiveTagKeys", Role::Tagging, ANY, true, [Maybe, Maybe, Maybe]),
    row("aws:IsMcpServiceAction", Role::Other, Domain::Truth, false, [Maybe, Maybe, Maybe]),
    row("aws:MultiFactorAuthAge", Role::MfaAge, Domain::Count, false, [Maybe, Never, Never]),
    row("aws:Ec2InstanceSourceVpc", Role::Other, ANY, false, [Maybe, Maybe, Maybe]),
    row("aws:PrincipalServiceName", Role::ServiceName, ANY, false, [Never, Always, Never]),
    row("aws:PrincipalIsAWSService", Role::IsService, Domain::Truth, false, [Always, Always, Maybe]),
    row("aws:MultiFactorAuthPresent", Role::MfaPresent, Domain::Truth, false, [Maybe, Never, Never]),
    row("sts:RequestContextProviders", Role::Other, ANY, true, [Maybe, Maybe, Maybe]),
    row("aws:PrincipalOrgMasterAccount", Role::Other, ACCOUNT, false, [Maybe, Never, Never]),
    row("aws:PrincipalServiceNamesList", Role::Other, ANY, true, [Never, Maybe, Never]),
    row("aws:Ec2InstanceSourcePrivateIPv4", Role::Other, Domain::Address, false, [Maybe, Maybe, Maybe]),
];

/// Any claim of any identity provider; [`crate::providers`] knows more.
static CLAIM: Row = row("", Role::Claim, ANY, false, [Never, Never, Maybe]);
/// Any claim that can hold several values.
static CLAIMS: Row = row("", Role::Claim, ANY, true, [Never, Never, Maybe]);
/// `saml:aud` and the like, which every assertion has.
static SAML_ALWAYS: Row = row("", Role::Saml, ANY, false, [Never, Never, Always]);
static SAML: Row = row("", Role::Saml, ANY, false, [Never, Never, Maybe]);
static SAML_MANY: Row = row("", Role::Saml, ANY, true, [Never, Never, Maybe]);
/// A key that AWS does not document for these calls.
static UNKNOWN: Row = row("", Role::Other, ANY, true, [Maybe, Maybe, Maybe]);
/// What a session's ARN as principal asks for.
pub(crate) static SESSION_NAME: Row =
    row("", Role::SessionName, NAME, false, [Maybe, Never, Never]);

/// The row of a key.
pub(crate) fn find(key: &str) -> &'static Row {
    // Whatever stands in no row may be a claim all the same.
    let ours = key.get(..4).is_some_and(|start| {
        start.eq_ignore_ascii_case("aws:") || start.eq_ignore_ascii_case("sts:")
    });
    if ours {
        // A family: everything up to its slash.
        let slash = key.bytes().position(|byte| byte == b'/');
        let family = slash.and_then(|slash| key.get(..=slash)).unwrap_or(key);
        let shorter = ROWS.partition_point(|row| row.name.len() < family.len());
        let mut as_long =
            (ROWS.iter().skip(shorter)).take_while(|row| row.name.len() == family.len());
        if let Some(row) = as_long.find(|row| row.name.eq_ignore_ascii_case(family)) {
            return row;
        }
    }
    let Some((space, claim)) = arn::cut_last(key) else {
        return &UNKNOWN;
    };
    if space.eq_ignore_ascii_case("saml") {
        return match claim.to_ascii_lowercase().as_str() {
            "aud" | "iss" | "sub" | "sub_type" | "namequalifier" => &SAML_ALWAYS,
            "cn"
            | "commonname"
            | "doc"
            | "givenname"
            | "mail"
            | "name"
            | "surname"
            | "uid"
            | "x500uniqueidentifier"
            | "organizationstatus"
            | "primarygroupsid" => &SAML,
            _ => &SAML_MANY,
        };
    }
    if space.contains('.') {
        return if claim.eq_ignore_ascii_case("amr") {
            &CLAIMS
        } else {
            &CLAIM
        };
    }
    &UNKNOWN
}

/// The key with the named role that has just one row.
pub(crate) fn by_role(role: Role) -> &'static Row {
    ROWS.iter().find(|row| row.role == role).unwrap_or(&UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_sorted_so_that_each_is_found() {
        for row in ROWS {
            let name = format!(
                "{}{}",
                row.name,
                if row.name.ends_with('/') {
                    "Some.Tag:x"
                } else {
                    ""
                }
            );
            assert_eq!(find(&name.to_uppercase()).name, row.name);
        }
    }

    #[test]
    fn keys_of_other_worlds() {
        assert_eq!(find("kms:ViaService").role, Role::Other);
        assert_eq!(find("gitlab.com:sub").role, Role::Claim);
        assert_eq!(
            find("oidc.eks.eu-west-1.amazonaws.com/id/AB:sub").role,
            Role::Claim
        );
        assert_eq!(find("SAML:aud").role, Role::Saml);
        assert_eq!(find("nonsense").role, Role::Other);
    }
}
