//! The rules of the histories: drawn from all that an operator may set.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use guard::GuardConfig;
use guard::rules::{Mode, Rules, RulesFile, compile};
use serde_json::json;

use crate::actors::PROTECTED;
use crate::documents::{ACME, ACME_ID, BETA, BETA_ID, BETA_ROLE, GAMMA, GAMMA_ID, OWN, RuleSet};
use crate::events::REMEDIATOR_ROLE;
use crate::rng::Rng;

/// What an operator chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Setting {
    /// Writes are on.
    pub enforce: bool,
    /// What is done about a changed role.
    pub changed_role: &'static str,
    /// What is done about a new one.
    pub new_role: &'static str,
    /// Writes per role and hour.
    pub most: u32,
    /// When sessions are ended.
    pub revoke_sessions: &'static str,
    /// The stack may end sessions.
    pub may_revoke: bool,
}

impl Setting {
    /// One of them.
    pub fn drawn(rng: &mut Rng) -> Self {
        let changed = ["revert", "revert", "revert", "repair", "quarantine"];
        let new = ["repair", "repair", "quarantine"];
        Self {
            enforce: rng.per_mille(900),
            changed_role: rng.one_of(&changed).copied().unwrap_or("revert"),
            new_role: rng.one_of(&new).copied().unwrap_or("repair"),
            most: rng.one_of(&[3, 3, 3, 2, 5]).copied().unwrap_or(3),
            revoke_sessions: rng
                .one_of(&["never", "on_new_role", "always", "always"])
                .copied()
                .unwrap_or("never"),
            may_revoke: rng.per_mille(800),
        }
    }
}

thread_local! {
    static KNOWN: RefCell<HashMap<(Setting, RuleSet), Arc<GuardConfig>>> = RefCell::default();
}

/// The guard under a setting, by a set of rules.
pub fn guard_with(setting: Setting, rules: RuleSet) -> Arc<GuardConfig> {
    KNOWN.with_borrow_mut(|known| {
        known
            .entry((setting, rules))
            .or_insert_with(|| Arc::new(made(setting, rules)))
            .clone()
    })
}

#[expect(
    clippy::expect_used,
    reason = "the rules are written here; were they wrong, no history could be run"
)]
fn made(setting: Setting, rules: RuleSet) -> GuardConfig {
    let mut vendors = vec![json!({
        "name": "Acme",
        "accounts": [ACME],
        "roles": ["Vendor*"],
        "external_id": { "required": true, "values": [ACME_ID] },
    })];
    if rules.beta {
        vendors.push(json!({
            "name": "Beta",
            "accounts": [BETA],
            "roles": ["Vendor*"],
            "principals": [BETA_ROLE],
            "external_id": { "required": true, "values": [BETA_ID] },
        }));
    }
    if rules.gamma {
        vendors.push(json!({
            "name": "Gamma",
            "accounts": [GAMMA],
            "roles": ["Vendor*"],
            "external_id": { "required": true, "values": [GAMMA_ID] },
        }));
    }
    let mode = if setting.enforce { "enforce" } else { "alert" };
    let rules = json!({
        "version": 1,
        "mode": mode,
        "vendors": vendors,
        "remediation": {
            "changed_role": setting.changed_role,
            "new_role": setting.new_role,
            "revoke_sessions": setting.revoke_sessions,
            "max_writes_per_role_per_hour": setting.most,
            "protected_roles": [format!("arn:aws:iam::{OWN}:role/{PROTECTED}")],
        },
    });
    let file: RulesFile =
        serde_json::from_value(rules).expect("the rules of the histories are rules");
    let compiled = compile(&file, &[]).expect("the rules of the histories hold together");
    GuardConfig {
        account: OWN.to_owned(),
        stack: "trustwarden".to_owned(),
        mode: if setting.enforce {
            Mode::Enforce
        } else {
            Mode::Alert
        },
        rules: Rules::load(compiled.bytes).expect("compiled rules load"),
        own_roles: vec![REMEDIATOR_ROLE.to_owned()],
        remediator_role: REMEDIATOR_ROLE.to_owned(),
        revoke_sessions: setting.may_revoke,
        detach_policies: false,
    }
}
