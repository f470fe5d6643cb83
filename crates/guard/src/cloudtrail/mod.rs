//! CloudTrail's records, and what they mean to the guard.
//!
//! A record comes as an EventBridge event's `detail` or as one entry of a log file. Its shape is
//! not to be relied on: every field but `eventID`, `eventTime`, `eventName` and `eventSource` may
//! be missing, null or of another type, large fields are cut away, and much of the text is chosen
//! by attackers. So [`Record`] reads whatever it is given, and [`Record::activity`] says in the
//! guard's words what happened, or that it cannot be told.

mod activity;
mod actor;
mod credential;
mod events;
mod fields;
mod lenient;
mod meaning;
mod moment;
mod permissions_change;
mod provider_change;
mod record;
mod row;
mod share;
mod share_change;
mod shares;

pub use activity::{
    Activity, ConsolePassword, FailedCall, Irrelevance, KeyChange, RoleDeletion, SignIn,
    TrustChange, UserCreation,
};
pub use actor::{Actor, ActorKind, Tool};
pub use credential::{CredentialChange, SessionLength};
pub use events::{events, is_ordinary};
pub use fields::{Document, Unreadable, Watched, percent_decoded};
pub use meaning::{Credential, Done, HolderKind, Means, PolicyMove, ProviderMove, ProviderType};
pub use moment::moment;
pub use permissions_change::{Holder, PermissionsActivity, PermissionsChange, PolicyChange};
pub use provider_change::{Metadata, ProviderChange};
pub use record::{Identity, Record, SessionIssuer};
pub use row::{Places, Row};
pub use share::{Lets, Share, Sure};
pub use share_change::ShareChange;
