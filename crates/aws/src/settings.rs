//! What the stack tells its functions, through environment variables that `template.yaml` sets.

use std::path::PathBuf;

use guard::GuardConfig;
use guard::rules::{Mode, Rules, RulesError};

/// Where the layer puts the compiled rules.
const RULES: &str = "/opt/trustwarden/rules.json";

/// What a function that judges or acts knows about its stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The account that is watched, 12 digits (`TRUSTWARDEN_ACCOUNT`).
    pub account: String,
    /// The stack's name, shown in alerts (`TRUSTWARDEN_STACK`).
    pub stack: String,
    /// The ceiling above the rules' own mode (`TRUSTWARDEN_MODE`).
    pub mode: Mode,
    /// The compiled rules (`TRUSTWARDEN_RULES`).
    pub rules: PathBuf,
    /// The table's name (`TRUSTWARDEN_TABLE`).
    pub table: String,
    /// The alert topic's ARN (`TRUSTWARDEN_TOPIC_ARN`).
    pub topic: String,
    /// The operations topic's ARN (`TRUSTWARDEN_OPERATIONS_TOPIC_ARN`).
    pub operations_topic: String,
    /// The orders queue's URL (`TRUSTWARDEN_ORDERS_URL`).
    pub orders: String,
    /// ARNs of the stack's own roles (`TRUSTWARDEN_OWN_ROLES`).
    pub own_roles: Vec<String>,
    /// ARN of the remediator's role, one of the above (`TRUSTWARDEN_REMEDIATOR_ROLE`).
    pub remediator_role: String,
    /// Whether the stack may end sessions (`TRUSTWARDEN_REVOKE_SESSIONS`).
    pub revoke_sessions: bool,
    /// Whether the stack may take policies away (`TRUSTWARDEN_DETACH_POLICIES`).
    pub detach_policies: bool,
    /// What the heartbeat's calls name, and what does not exist (`TRUSTWARDEN_HEARTBEAT`): set for the
    /// function that makes them.
    pub heartbeat: Option<String>,
}

/// What `slack` knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlackSettings {
    /// ARN of the secret that holds the webhook's address (`TRUSTWARDEN_SLACK_SECRET_ARN`).
    pub secret: String,
}

/// A setting is missing or makes no sense: the function does not start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// Not set, or empty.
    #[error("{variable} is not set; it must be {meaning}")]
    Missing {
        /// The variable.
        variable: &'static str,
        /// What belongs there.
        meaning: &'static str,
    },
    /// Set to something else.
    #[error("{variable} is `{value}`; it must be {meaning}")]
    Wrong {
        /// The variable.
        variable: &'static str,
        /// What it holds.
        value: String,
        /// What belongs there.
        meaning: &'static str,
    },
}

/// The rules could not be taken up: the function does not start.
#[derive(Debug, thiserror::Error)]
pub enum LoadRulesError {
    /// There is no such file, or it cannot be read.
    #[error("the compiled rules at {path} cannot be read; is the rules layer attached?")]
    Unreadable {
        /// Where they should be.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// They are there and of no use.
    #[error("the compiled rules at {path} are of no use")]
    Invalid {
        /// Where they are.
        path: PathBuf,
        /// Why.
        #[source]
        source: RulesError,
    },
}

struct Variables<F>(F);

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    fn text(
        &self,
        variable: &'static str,
        meaning: &'static str,
        fits: impl Fn(&str) -> bool,
    ) -> Result<String, SettingsError> {
        match (self.0)(variable) {
            Some(value) if value.is_empty() => Err(SettingsError::Missing { variable, meaning }),
            Some(value) if fits(&value) => Ok(value),
            Some(value) => Err(SettingsError::Wrong {
                variable,
                value,
                meaning,
            }),
            None => Err(SettingsError::Missing { variable, meaning }),
        }
    }

    fn one_of<T: Copy>(
        &self,
        variable: &'static str,
        meaning: &'static str,
        choices: [(&str, T); 2],
    ) -> Result<T, SettingsError> {
        let chosen = |value: &str| {
            let mut choices = choices.iter();
            choices
                .find(|(word, _)| word.eq_ignore_ascii_case(value))
                .map(|(_, choice)| *choice)
        };
        let value = self.text(variable, meaning, |value| chosen(value).is_some())?;
        chosen(&value).ok_or(SettingsError::Missing { variable, meaning })
    }
}

fn is_topic_arn(text: &str) -> bool {
    text.starts_with("arn:") && text.contains(":sns:")
}

fn is_role_arn(text: &str) -> bool {
    text.starts_with("arn:") && text.contains(":iam::") && text.contains(":role/")
}

impl Settings {
    /// From the process's environment.
    ///
    /// # Errors
    /// [`SettingsError`], which names the variable.
    pub fn from_environment() -> Result<Self, SettingsError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// From what a lookup says about each variable.
    ///
    /// # Errors
    /// [`SettingsError`], which names the variable.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let variables = Variables(lookup);
        let any = |_: &str| true;
        let own_roles = variables.text(
            "TRUSTWARDEN_OWN_ROLES",
            "the ARNs of the stack's own roles, with commas between them",
            |roles| roles.split(',').all(|role| is_role_arn(role.trim())),
        )?;
        let rules = (variables.0)("TRUSTWARDEN_RULES").filter(|path| !path.is_empty());
        Ok(Self {
            account: variables.text(
                "TRUSTWARDEN_ACCOUNT",
                "the account's 12 digits",
                |account| {
                    account.len() == 12 && account.bytes().all(|digit| digit.is_ascii_digit())
                },
            )?,
            stack: variables.text("TRUSTWARDEN_STACK", "the stack's name", any)?,
            mode: variables.one_of(
                "TRUSTWARDEN_MODE",
                "`alert` or `enforce`",
                [("alert", Mode::Alert), ("enforce", Mode::Enforce)],
            )?,
            rules: PathBuf::from(rules.unwrap_or_else(|| RULES.to_owned())),
            table: variables.text("TRUSTWARDEN_TABLE", "the name of the table", any)?,
            topic: variables.text(
                "TRUSTWARDEN_TOPIC_ARN",
                "the ARN of the alert topic",
                is_topic_arn,
            )?,
            operations_topic: variables.text(
                "TRUSTWARDEN_OPERATIONS_TOPIC_ARN",
                "the ARN of the operations topic",
                is_topic_arn,
            )?,
            orders: variables.text(
                "TRUSTWARDEN_ORDERS_URL",
                "the URL of the orders queue, a FIFO queue",
                |url| url.starts_with("http") && url.ends_with(".fifo"),
            )?,
            own_roles: own_roles
                .split(',')
                .map(|role| role.trim().to_owned())
                .collect(),
            remediator_role: variables.text(
                "TRUSTWARDEN_REMEDIATOR_ROLE",
                "the ARN of the remediator's role",
                is_role_arn,
            )?,
            revoke_sessions: variables.one_of(
                "TRUSTWARDEN_REVOKE_SESSIONS",
                "`true` or `false`",
                [("true", true), ("false", false)],
            )?,
            detach_policies: variables.one_of(
                "TRUSTWARDEN_DETACH_POLICIES",
                "`true` or `false`",
                [("true", true), ("false", false)],
            )?,
            heartbeat: (variables.0)("TRUSTWARDEN_HEARTBEAT"),
        })
    }

    /// What the heartbeat's calls name.
    ///
    /// # Errors
    /// [`SettingsError`]: it is not set.
    pub fn heartbeat(&self) -> Result<&str, SettingsError> {
        let name = self.heartbeat.as_deref().filter(|name| !name.is_empty());
        name.ok_or(SettingsError::Missing {
            variable: "TRUSTWARDEN_HEARTBEAT",
            meaning: "the name of what the heartbeat's calls are about",
        })
    }

    /// What the handlers need of it, with the compiled rules taken up.
    ///
    /// # Errors
    /// [`LoadRulesError`], which names the file.
    pub fn guard(self) -> Result<GuardConfig, LoadRulesError> {
        Ok(GuardConfig {
            rules: self.load_rules()?,
            account: self.account,
            stack: self.stack,
            mode: self.mode,
            own_roles: self.own_roles,
            remediator_role: self.remediator_role,
            revoke_sessions: self.revoke_sessions,
            detach_policies: self.detach_policies,
        })
    }

    fn load_rules(&self) -> Result<Rules, LoadRulesError> {
        let path = || self.rules.clone();
        let bytes = std::fs::read(&self.rules).map_err(|source| LoadRulesError::Unreadable {
            path: path(),
            source,
        })?;
        Rules::load(bytes).map_err(|source| LoadRulesError::Invalid {
            path: path(),
            source,
        })
    }
}

impl SlackSettings {
    /// From the process's environment.
    ///
    /// # Errors
    /// [`SettingsError`], which names the variable.
    pub fn from_environment() -> Result<Self, SettingsError> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// From what a lookup says about each variable.
    ///
    /// # Errors
    /// [`SettingsError`], which names the variable.
    pub fn read(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let secret = Variables(lookup).text(
            "TRUSTWARDEN_SLACK_SECRET_ARN",
            "the ARN of the secret with the webhook's address",
            |arn| arn.starts_with("arn:") && arn.contains(":secretsmanager:"),
        )?;
        Ok(Self { secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(name: &str) -> Option<String> {
        let value = match name {
            "TRUSTWARDEN_ACCOUNT" => "111122223333",
            "TRUSTWARDEN_STACK" => "trustwarden",
            "TRUSTWARDEN_MODE" => "enforce",
            "TRUSTWARDEN_TABLE" => "trustwarden-Table-1",
            "TRUSTWARDEN_TOPIC_ARN" => "arn:aws-cn:sns:cn-north-1:111122223333:alerts",
            "TRUSTWARDEN_OPERATIONS_TOPIC_ARN" => {
                "arn:aws-cn:sns:cn-north-1:111122223333:operations"
            }
            "TRUSTWARDEN_ORDERS_URL" => {
                "https://sqs.us-east-1.amazonaws.com/111122223333/orders.fifo"
            }
            "TRUSTWARDEN_OWN_ROLES" => {
                "arn:aws:iam::111122223333:role/trustwarden/a, arn:aws:iam::111122223333:role/b"
            }
            "TRUSTWARDEN_REMEDIATOR_ROLE" => "arn:aws:iam::111122223333:role/trustwarden/a",
            "TRUSTWARDEN_REVOKE_SESSIONS" => "false",
            "TRUSTWARDEN_DETACH_POLICIES" => "true",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn as_the_template_sets_them() {
        let settings = Settings::read(complete).unwrap();
        assert_eq!(settings.mode, Mode::Enforce);
        assert_eq!(settings.rules, PathBuf::from("/opt/trustwarden/rules.json"));
        assert_eq!(
            settings.own_roles,
            [
                "arn:aws:iam::111122223333:role/trustwarden/a",
                "arn:aws:iam::111122223333:role/b"
            ]
        );
        assert!(!settings.revoke_sessions);
        assert!(settings.detach_policies);
    }

    #[test]
    fn each_missing_or_wrong_one_is_named() {
        let required = [
            ("TRUSTWARDEN_ACCOUNT", "12345"),
            ("TRUSTWARDEN_MODE", "off"),
            ("TRUSTWARDEN_TOPIC_ARN", "alerts"),
            ("TRUSTWARDEN_OPERATIONS_TOPIC_ARN", "operations"),
            (
                "TRUSTWARDEN_ORDERS_URL",
                "https://sqs.us-east-1.amazonaws.com/1/orders",
            ),
            (
                "TRUSTWARDEN_OWN_ROLES",
                "arn:aws:iam::111122223333:role/a,,",
            ),
            ("TRUSTWARDEN_REMEDIATOR_ROLE", "remediator"),
            ("TRUSTWARDEN_REVOKE_SESSIONS", "yes"),
            ("TRUSTWARDEN_DETACH_POLICIES", "yes"),
            ("TRUSTWARDEN_STACK", ""),
            ("TRUSTWARDEN_TABLE", ""),
        ];
        for (variable, wrong) in required {
            for value in [None, Some(String::new()), Some(wrong.to_owned())] {
                let missing = value.as_deref().unwrap_or_default().is_empty();
                let read = Settings::read(|name| match name == variable {
                    true => value.clone(),
                    false => complete(name),
                });
                let error = read.unwrap_err().to_string();
                assert!(error.starts_with(variable), "{error}");
                assert_eq!(missing, error.contains("is not set"), "{error}");
            }
        }
    }

    #[test]
    fn missing_and_damaged_rules_are_named_by_their_path() {
        let settings = Settings::read(|name| match name {
            "TRUSTWARDEN_RULES" => Some("/nowhere/rules.json".to_owned()),
            name => complete(name),
        })
        .unwrap();
        let error = settings.load_rules().unwrap_err().to_string();
        assert!(error.contains("/nowhere/rules.json"), "{error}");
        // Any file that is no compiled rules file will do.
        let other = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
        let damaged = Settings {
            rules: other,
            ..settings
        };
        let error = damaged.load_rules().unwrap_err();
        assert!(matches!(error, LoadRulesError::Invalid { .. }), "{error}");
    }
}
