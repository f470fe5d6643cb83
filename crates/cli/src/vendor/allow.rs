//! The smallest change to the rules that allows a document: third parties that no rule knows become
//! vendors, for this role alone, and what else is wrong becomes an exemption that ends. After each
//! entry the document is judged again, by the rules as they would be read.

use guard::detect::{Judgement, Reading, Verdict, judge_trust_read};
use guard::model::RoleRef;
use guard::rules::{
    CompileError, Exemption, ExternalIdRule, OrganizationAccount, RoleEntry, Rules, RulesError,
    RulesFile, Vendor, compile,
};
use guard::{Check, ExemptionOf, Finding, known_account};
use jiff::{SignedDuration, Timestamp};
use policy::Values;

use super::insert::{Entry, insert};
use crate::diagnostic::Diagnostic;
use crate::rules::yaml::parse;

/// So many entries are added at most.
const ENTRIES: usize = 20;
/// An exemption is looked at again within a year.
const EXEMPTED: SignedDuration = SignedDuration::from_hours(365 * 24);

/// Why no change is proposed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AllowError {
    #[error("the rules cannot be read: {}", .0.message)]
    Unreadable(Box<Diagnostic>),
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error(transparent)]
    Load(#[from] RulesError),
    #[error("the document cannot be judged")]
    Unjudged,
    #[error("the rules allow it already: deploy them")]
    Allowed,
    #[error("no rule that a command should write allows this: {0}: {1}")]
    Never(Check, String),
    #[error("there is no place in the file where the entry for {0} could go: write it by hand")]
    NoPlace(Check),
    #[error("after {ENTRIES} entries it still violates the rules: write them by hand")]
    TooMany,
}

/// The rules file's text that allows `document` as that of `role`; all else in it stays byte for byte.
pub(crate) fn allow(
    text: &str,
    accounts: &[OrganizationAccount],
    role: &RoleRef,
    document: &str,
    incident: &str,
    now: Timestamp,
) -> Result<String, AllowError> {
    let mut text = text.to_owned();
    for added in 0..ENTRIES {
        let file = parse(&text).map_err(|error| AllowError::Unreadable(Box::new(error)))?;
        let rules = Rules::load(compile(&file, accounts)?.bytes)?;
        let judged = judge_trust_read(&rules, role, document, Reading::sent(now), now);
        match judged.verdict {
            Verdict::Approved if added == 0 => return Err(AllowError::Allowed),
            Verdict::Approved => return Ok(text),
            Verdict::Unreadable => return Err(AllowError::Unjudged),
            Verdict::Violation => {}
        }
        let Some(found) = judged.violations().next() else {
            return Err(AllowError::Unjudged);
        };
        text = added_for(&text, &file, found, &judged, role, incident, now)?;
    }
    Err(AllowError::TooMany)
}

fn added_for(
    text: &str,
    file: &RulesFile,
    found: &Finding,
    judged: &Judgement,
    role: &RoleRef,
    incident: &str,
    now: Timestamp,
) -> Result<String, AllowError> {
    let never = || AllowError::Never(found.code, found.message.clone());
    let name = role.name.as_deref().ok_or_else(never)?;
    if matches!(found.code, Check::PublicTrust | Check::OpenIdentityProvider) {
        return Err(never());
    }
    let unknown = found.third_party.as_deref().filter(|account| {
        let known = |vendor: &Vendor| vendor.accounts.iter().any(|known| known == account);
        found.code == Check::UnknownThirdParty
            && guard::rules::is_account_id(account)
            && !file.vendors.iter().any(known)
    });
    let added = if let Some(account) = unknown {
        let vendor = vendor(file, account, name, judged, incident);
        insert(text, file, Entry::Vendor(&vendor))
    } else {
        let account = found.third_party.clone();
        let account = account.filter(|account| guard::rules::is_account_id(account));
        let account = match found.code.exemption() {
            Some(ExemptionOf::RoleAndAccount) => Some(account.ok_or_else(never)?),
            Some(ExemptionOf::Role) => None,
            _ => return Err(never()),
        };
        let exemption = Exemption {
            role: Some(name.to_owned()),
            account,
            user: None,
            resource: None,
            accounts_of_ours: Vec::new(),
            check: found.code.code().to_owned(),
            reason: format!("incident {incident}: say here why, and who accepted it"),
            expires: now
                .checked_add(EXEMPTED)
                .ok()
                .map(|end| end.strftime("%F").to_string()),
            accepted: None,
        };
        if file.exemptions.contains(&exemption) {
            return Err(never());
        }
        insert(text, file, Entry::Exemption(&exemption))
    };
    let (_, text) = added.ok_or(AllowError::NoPlace(found.code))?;
    Ok(text)
}

/// An account that no rule knows, for this role, with the external ids that the document asks it for.
fn vendor(
    file: &RulesFile,
    account: &str,
    role: &str,
    judged: &Judgement,
    incident: &str,
) -> Vendor {
    let known = known_account(account).map_or(account, |known| known.name);
    let mut name = known.to_owned();
    if file.vendors.iter().any(|vendor| vendor.name == name) {
        name = format!("{known} {account}");
    }
    let grants = judged.analysis.iter().flat_map(|analysis| &analysis.grants);
    let of_account = grants.filter(|grant| match &grant.principal {
        policy::Who::Account { account: of } | policy::Who::Principal { account: of, .. } => {
            of == account
        }
        _ => false,
    });
    let mut values = Vec::new();
    let mut required = true;
    for grant in of_account {
        let mut ids = grant.restrictions.iter();
        match ids.find(|one| one.key.eq_ignore_ascii_case("sts:ExternalId")) {
            Some(id) if !id.may_be_absent => match &id.values {
                Values::OneOf(ids) => values.extend(ids.iter().cloned()),
                _ => required = false,
            },
            _ => required = false,
        }
    }
    values.sort();
    values.dedup();
    Vendor {
        name,
        accounts: vec![account.to_owned()],
        roles: vec![RoleEntry {
            name: role.to_owned(),
            external_id: None,
        }],
        principals: Vec::new(),
        external_id: ExternalIdRule {
            required,
            values: if required { values } else { Vec::new() },
            owner: None,
        },
        permissions: None,
        users: Vec::new(),
        accounts_of_ours: Vec::new(),
        owner: None,
        ticket: Some(incident.to_owned()),
        expires: None,
        mode: None,
        accepted: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "# our rules\nversion: 1\nvendors:\n  # the first one\n  - name: Observer\n    accounts: [\"444455556666\"]\n    roles: [\"Observer*\"]\n    external_id: { required: true, values: [\"7d9f2c1e-4b0a-4f7e-9a52-3c61d8e0b9f4\"] }\n# the end\n";
    const ID: &str = "1c9f2c1e-4b0a-4f7e-9a52-3c61d8e0b9f4";

    fn statement(principal: &str, condition: &str) -> String {
        format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"AWS":"{principal}"}},"Action":"sts:AssumeRole"{condition}}}]}}"#
        )
    }

    fn tried(rules: &str, document: &str) -> Result<String, AllowError> {
        let role = RoleRef::from_arn("arn:aws:iam::111122223333:role/ObserverProd").unwrap();
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        allow(rules, &[], &role, document, "TW-0123456789AB", now)
    }

    #[test]
    fn an_unknown_account_becomes_a_vendor_and_every_comment_stays() {
        let condition = format!(r#","Condition":{{"StringEquals":{{"sts:ExternalId":"{ID}"}}}}"#);
        let document = statement("arn:aws:iam::999988887777:root", &condition);
        let after = tried(RULES, &document).unwrap();
        for line in RULES.lines() {
            assert!(after.contains(line), "{line} in {after}");
        }
        let file = parse(&after).unwrap();
        assert_eq!(file.vendors.len(), 2);
        assert_eq!(file.vendors[1].roles[0].name, "ObserverProd");
        assert_eq!(file.vendors[1].external_id.values, [ID]);
        assert!(file.exemptions.is_empty());
        assert!(matches!(tried(&after, &document), Err(AllowError::Allowed)));
        // For this document alone: without its external id it violates the rules as before.
        let careless = statement("arn:aws:iam::999988887777:root", "");
        assert!(matches!(tried(&after, &careless), Ok(again) if again != after));
    }

    #[test]
    fn what_else_is_wrong_becomes_an_exemption_that_ends() {
        let careless = statement("arn:aws:iam::444455556666:root", "");
        let after = tried(RULES, &careless).unwrap();
        let file = parse(&after).unwrap();
        assert_eq!(file.exemptions.len(), 1, "{after}");
        assert_eq!(file.exemptions[0].check, "missing-external-id");
        assert_eq!(file.exemptions[0].account.as_deref(), Some("444455556666"));
        assert_eq!(file.exemptions[0].expires.as_deref(), Some("2027-11-21"));
        for rules in [
            "version: 1\n",
            "{\"version\": 1}",
            "version: 1\nexemptions: []\n",
            "version: 1\nexemptions:\n  # none yet\nmode: alert\n",
        ] {
            let document = statement("arn:aws:iam::999988887777:root", "");
            let after = tried(rules, &document).unwrap();
            assert!(
                matches!(tried(&after, &document), Err(AllowError::Allowed)),
                "{after}"
            );
        }
    }

    #[test]
    fn nobody_is_helped_to_open_a_role_to_everyone() {
        assert!(matches!(
            tried(RULES, &statement("*", "")),
            Err(AllowError::Never(..))
        ));
        assert!(matches!(tried(RULES, "{"), Err(AllowError::Unjudged)));
        let own = statement("arn:aws:iam::111122223333:root", "");
        assert!(matches!(tried(RULES, &own), Err(AllowError::Allowed)));
        assert!(matches!(
            tried("version: [", &own),
            Err(AllowError::Unreadable(_))
        ));
    }
}
