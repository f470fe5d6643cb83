//! What the command line asks of a live account: its roles, users and policies, the organization's
//! accounts, the deployed stack, what an uninstall would leave behind. Reading only, but for the
//! test alert, which is [`crate::Topic`]'s own publish, a role that a person restores, and rules that
//! a person publishes.

mod account;
mod incidents;
mod layer;
mod organization;
mod residue;
mod roles;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::cloud::SdkContext;
use crate::network::Network;

pub use guard::watch::Stack;

pub use crate::deployed::{
    CallError, StackError, Survey, TOPICS, describe_stack, function_state, oldest_message,
    queue_length, rule_state, subscriptions, survey,
};
pub use account::{AuthorizationDetails, ReadAccountError, credential_report, session_seconds};
pub use incidents::{AskError, ask};
pub use layer::{LayerVersion, publish_layer};
pub use organization::{
    ListAccountsError, Organization, OrganizationMember, list_account_paths, list_accounts,
};
pub use residue::{Residue, SessionDenial, kept_documents, quarantined, residue};
pub use roles::list_roles;

/// The account that a person's AWS configuration names: environment, profiles, SSO, as for the
/// AWS CLI.
pub async fn cloud(profile: Option<&str>, region: Option<&str>) -> SdkContext {
    let network = Network::new();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(SharedHttpClient::new(network.clone()));
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    if let Some(region) = region {
        loader = loader.region(Region::new(region.to_owned()));
    }
    let configuration: SdkConfig = loader.load().await;
    SdkContext::configured(network, configuration)
}
