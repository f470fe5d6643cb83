//! The access rules: what an operator writes, what is wrong with it, and what the functions load.
//!
//! People write YAML ([`RulesFile`]); [`RulesFile::problems`] says what does not hold together;
//! [`compile`] turns it, with the organization's accounts, into the one file that [`Rules`] is
//! loaded from. That file is made so that loading it costs nearly the same with ten thousand
//! vendors as with ten: accounts stand one a line, sorted, and are read only when asked for.

mod claims;
mod compile;
mod ending;
mod entry;
mod file;
mod load;
mod names;
mod ours;
mod problems;
mod shared_provider;
mod sum;
mod users;
mod users_of_vendors;

pub(crate) use claims::Claims;
pub use compile::{CompileError, CompiledRules, compile};
pub use ending::Ending;
pub use entry::{NetworkEntry, RoleEntry};
pub use file::{
    AccessKeys, ChangedRole, CheckSetting, Exemption, ExistingViolations, ExternalIdOwner,
    ExternalIdRule, IdentityProvider, KeyViolation, Mode, NewRole, Operators, Organization,
    OrganizationAccount, PermissionSettings, PermissionViolation, Permissions, ProviderKind,
    Remediation, RevokeSessions, RootSettings, RulesFile, Vendor,
};
pub use load::{AccountEntry, CompiledVendor, Rules, RulesError};
pub use names::expiry;
pub use names::is_account_id;
pub(crate) use names::{arn_parts, is_pattern};
pub use problems::{Level, PathSegment, RuleProblem};
pub use shared_provider::{SharedProvider, TenantClaim};
pub use users::UserVendor;
