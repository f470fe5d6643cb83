//! Permissions that are never used, as IAM knows it: the answer of
//! `aws iam get-service-last-accessed-details` about one role.

use std::collections::BTreeMap;

use permissions::{Action, ActionSet, Effective, Service};
use serde::Deserialize;

use super::words::by_service;
use crate::check::{Check, Finding};
use crate::detect::finding;
use crate::rules::Rules;

/// What IAM knows of the use of a role's permissions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastAccessed {
    /// By the prefix of a service's actions: whether it was used within the time that IAM looks
    /// back, and of the actions that IAM tracks, whether each was.
    services: BTreeMap<String, (bool, BTreeMap<String, bool>)>,
}

/// An answer that says nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LastAccessedError {
    /// It is not what the command prints.
    #[error("this is not an answer of get-service-last-accessed-details")]
    Json(#[source] serde_json::Error),
    /// IAM had not finished, or failed.
    #[error("the job is {0}, not COMPLETED: request the details again")]
    NotCompleted(String),
    /// It is one page of several.
    #[error("the answer is truncated: ask for the rest with --marker, and join the lists")]
    Truncated,
}

impl LastAccessed {
    /// Reads what the command prints, as JSON.
    ///
    /// # Errors
    /// If it is not that, or not the whole of it.
    pub fn parse(text: &str) -> Result<LastAccessed, LastAccessedError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Tracked {
            action_name: String,
            last_accessed_time: Option<serde_json::Value>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Accessed {
            service_namespace: String,
            last_authenticated: Option<serde_json::Value>,
            #[serde(default)]
            tracked_actions_last_accessed: Option<Vec<Tracked>>,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Answer {
            job_status: String,
            services_last_accessed: Vec<Accessed>,
            #[serde(default)]
            is_truncated: bool,
        }
        let answer: Answer = serde_json::from_str(text).map_err(LastAccessedError::Json)?;
        if answer.job_status != "COMPLETED" {
            return Err(LastAccessedError::NotCompleted(answer.job_status));
        }
        if answer.is_truncated {
            return Err(LastAccessedError::Truncated);
        }
        let mut services: BTreeMap<String, (bool, BTreeMap<String, bool>)> = BTreeMap::new();
        for service in answer.services_last_accessed {
            let (used, actions) = services
                .entry(service.service_namespace.to_ascii_lowercase())
                .or_default();
            *used |= service.last_authenticated.is_some();
            for action in service.tracked_actions_last_accessed.into_iter().flatten() {
                let used = actions
                    .entry(action.action_name.to_ascii_lowercase())
                    .or_default();
                *used |= action.last_accessed_time.is_some();
            }
        }
        Ok(LastAccessed { services })
    }
}

/// The finding that a role holds what it does not use, if it does. Services that the answer does
/// not list are not judged: IAM lists those that the role's policies allow, and looks back at most
/// 400 days.
pub fn judge_unused(
    rules: &Rules,
    effective: &Effective,
    accessed: &LastAccessed,
) -> Option<Finding> {
    let held = effective.actions();
    let mut services = Vec::new();
    let mut actions = ActionSet::new();
    for (prefix, (used, tracked)) in &accessed.services {
        let Some(service) = Service::find(prefix) else {
            continue;
        };
        let mut of_service = ActionSet::of_service(service);
        of_service &= &held;
        if of_service.is_empty() {
            continue;
        }
        if !used {
            services.push(service.prefix());
            continue;
        }
        let unused = tracked.iter().filter(|(_, used)| !**used);
        actions.extend(
            unused
                .filter_map(|(name, _)| Action::find(&format!("{prefix}:{name}")))
                .filter(|action| of_service.contains(*action)),
        );
    }
    let mut parts = Vec::new();
    if !services.is_empty() {
        let more = services.len().saturating_sub(6);
        let mut named = services.get(..6).unwrap_or(&services).join(", ");
        if more > 0 {
            named.push_str(&format!(" and {more} more"));
        }
        let services = services.len();
        let plural = if services == 1 { "" } else { "s" };
        parts.push(format!("of {services} service{plural} ({named})"));
    }
    if let Some(example) = permissions::telling(&actions) {
        let count = actions.len();
        let plural = if count == 1 { "" } else { "s" };
        let services = by_service(&actions);
        parts.push(format!(
            "of {count} action{plural}, as {example} ({services})"
        ));
    }
    if parts.is_empty() {
        return None;
    }
    let message = format!(
        "the role has permissions that it never used, as far as IAM looks back: {}",
        parts.join(", and ")
    );
    let fix = "remove them; `trustwarden explain permission-unused` says how to be sure";
    Some(Finding {
        fix: Some(fix.to_owned()),
        ..finding(rules, Check::PermissionUnused, message)
    })
}
