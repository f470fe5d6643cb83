//! One CloudTrail record, read tolerantly.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::lenient::{Text, fill_from_object};
use super::meaning::Means;
use super::moment::moment;
use super::row::Row;

/// One CloudTrail record.
///
/// Deserializes from any JSON value without an error: what is missing or of another type is
/// `None`, empty or `Null`. The request, the response and the additional data are kept only where
/// the event may matter; for all others they are skipped unread, which is most of the work of
/// reading a record.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// `eventID`; empty where the record has none. [`Record::id`] always gives one.
    pub event_id: String,
    /// `addendum.originalEventID`: this record tells again, late or in full, what that one told.
    pub original_event: Option<String>,
    /// `eventTime`, which has a resolution of one second; `None` where missing or no time.
    pub event_time: Option<Timestamp>,
    /// `eventName`, as `CreateRole`; empty where missing.
    pub event_name: String,
    /// `eventSource`, as `iam.amazonaws.com`; empty where missing.
    pub event_source: String,
    /// `eventType`, as `AwsApiCall`, `AwsServiceEvent`, `AwsConsoleSignIn`.
    pub event_type: Option<String>,
    /// `awsRegion`.
    pub region: Option<String>,
    /// `recipientAccountId`: the account whose trail this is.
    pub recipient_account: Option<String>,
    /// The `account` of the EventBridge event that carried the record; `None` for a log record.
    pub delivered_for: Option<String>,
    /// `sourceIPAddress`: an address, or the name of an AWS service.
    pub source_ip: Option<String>,
    /// `userAgent`, written by the caller.
    pub user_agent: Option<String>,
    /// `errorCode`.
    pub error_code: Option<String>,
    /// `errorMessage`.
    pub error_message: Option<String>,
    /// `userIdentity`.
    pub identity: Identity,
    /// `requestParameters`, where the event may matter.
    pub request: Value,
    /// `responseElements`, where the event may matter.
    pub response: Value,
    /// `additionalEventData`, where the event may matter.
    pub additional: Value,
}

/// `userIdentity`: who made the call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// `type`, as `IAMUser`, `AssumedRole`, `Root`.
    pub kind: Option<String>,
    /// `arn`.
    pub arn: Option<String>,
    /// `accountId`.
    pub account: Option<String>,
    /// `principalId`.
    pub principal_id: Option<String>,
    /// `userName`.
    pub user_name: Option<String>,
    /// `accessKeyId`.
    pub access_key_id: Option<String>,
    /// `invokedBy`: the AWS service that made the call for the caller.
    pub invoked_by: Option<String>,
    /// `sessionContext.sessionIssuer`.
    pub issuer: SessionIssuer,
    /// `sessionContext.attributes.mfaAuthenticated`.
    pub mfa: Option<bool>,
    /// `sessionContext.assumedRoot`: it is no root user, but a session that the organization's
    /// management got by AssumeRoot.
    pub assumed_root: bool,
    /// `invokedByDelegate.accountId`: the product partner that acts in the session by temporary
    /// delegation.
    pub delegate: Option<String>,
}

/// `userIdentity.sessionContext.sessionIssuer`: the role or user behind a session.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionIssuer {
    /// `type`, as `Role`.
    pub kind: Option<String>,
    /// `arn`.
    pub arn: Option<String>,
    /// `accountId`.
    pub account: Option<String>,
    /// `userName`: the role's name.
    pub user_name: Option<String>,
}

#[derive(Debug, Clone, Default)]
struct Addendum {
    original: Option<String>,
}

#[derive(Debug, Clone, Default)]
struct SessionContext {
    issuer: SessionIssuer,
    mfa: Option<bool>,
    assumed_root: bool,
}

#[derive(Debug, Clone, Default)]
struct Delegate {
    account: Option<String>,
}

#[derive(Debug, Clone, Default)]
struct SessionAttributes {
    mfa: Option<bool>,
}

#[derive(Deserialize)]
enum AddendumKey {
    #[serde(rename = "originalEventID")]
    OriginalEventId,
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
enum RecordKey {
    #[serde(rename = "eventID")]
    EventId,
    #[serde(rename = "addendum")]
    Addendum,
    #[serde(rename = "eventTime")]
    EventTime,
    #[serde(rename = "eventName")]
    EventName,
    #[serde(rename = "eventSource")]
    EventSource,
    #[serde(rename = "eventType")]
    EventType,
    #[serde(rename = "awsRegion")]
    AwsRegion,
    #[serde(rename = "recipientAccountId")]
    RecipientAccountId,
    #[serde(rename = "sourceIPAddress")]
    SourceIpAddress,
    #[serde(rename = "userAgent")]
    UserAgent,
    #[serde(rename = "errorCode")]
    ErrorCode,
    #[serde(rename = "errorMessage")]
    ErrorMessage,
    #[serde(rename = "userIdentity")]
    UserIdentity,
    #[serde(rename = "requestParameters")]
    RequestParameters,
    #[serde(rename = "responseElements")]
    ResponseElements,
    #[serde(rename = "additionalEventData")]
    AdditionalEventData,
    /// Of the EventBridge event around a record.
    #[serde(rename = "detail")]
    Detail,
    /// Of the EventBridge event around a record.
    #[serde(rename = "account")]
    Account,
    #[serde(other)]
    Other,
}

fill_from_object!(Record, |record, key, map| {
    record.take(key, &mut map)?;
});

#[derive(Deserialize)]
enum IdentityKey {
    #[serde(rename = "type")]
    Type,
    #[serde(rename = "arn")]
    Arn,
    #[serde(rename = "accountId")]
    AccountId,
    #[serde(rename = "principalId")]
    PrincipalId,
    #[serde(rename = "userName")]
    UserName,
    #[serde(rename = "accessKeyId")]
    AccessKeyId,
    #[serde(rename = "invokedBy")]
    InvokedBy,
    #[serde(rename = "sessionContext")]
    SessionContext,
    #[serde(rename = "invokedByDelegate")]
    InvokedByDelegate,
    #[serde(rename = "assumedRoot")]
    AssumedRoot,
    #[serde(rename = "sessionIssuer")]
    SessionIssuer,
    #[serde(rename = "attributes")]
    Attributes,
    #[serde(rename = "mfaAuthenticated")]
    MfaAuthenticated,
    #[serde(other)]
    Other,
}

fill_from_object!(Identity, |identity, key, map| {
    match key {
        IdentityKey::Type => identity.kind = map.next_value::<Text>()?.0,
        IdentityKey::Arn => identity.arn = map.next_value::<Text>()?.0,
        IdentityKey::AccountId => identity.account = account_id(map.next_value::<Text>()?.0),
        IdentityKey::PrincipalId => identity.principal_id = map.next_value::<Text>()?.0,
        IdentityKey::UserName => identity.user_name = map.next_value::<Text>()?.0,
        IdentityKey::AccessKeyId => identity.access_key_id = map.next_value::<Text>()?.0,
        IdentityKey::InvokedBy => identity.invoked_by = map.next_value::<Text>()?.0,
        IdentityKey::SessionContext => {
            let context: SessionContext = map.next_value()?;
            identity.issuer = context.issuer;
            identity.mfa = context.mfa;
            identity.assumed_root = context.assumed_root;
        }
        IdentityKey::InvokedByDelegate => {
            identity.delegate = map.next_value::<Delegate>()?.account;
        }
        _ => {
            map.next_value::<IgnoredAny>()?;
        }
    }
});

fill_from_object!(SessionContext, |context, key, map| {
    match key {
        IdentityKey::SessionIssuer => context.issuer = map.next_value()?,
        IdentityKey::AssumedRoot => {
            let told = map.next_value::<Text>()?.0;
            context.assumed_root = told.is_some_and(|told| told.eq_ignore_ascii_case("true"));
        }
        IdentityKey::Attributes => context.mfa = map.next_value::<SessionAttributes>()?.mfa,
        _ => {
            map.next_value::<IgnoredAny>()?;
        }
    }
});

fill_from_object!(Delegate, |delegate, key, map| {
    match key {
        IdentityKey::AccountId => delegate.account = account_id(map.next_value::<Text>()?.0),
        _ => {
            map.next_value::<IgnoredAny>()?;
        }
    }
});

fill_from_object!(Addendum, |addendum, key, map| {
    match key {
        AddendumKey::OriginalEventId => addendum.original = map.next_value::<Text>()?.0,
        AddendumKey::Other => {
            map.next_value::<IgnoredAny>()?;
        }
    }
});

fill_from_object!(SessionAttributes, |attributes, key, map| {
    match key {
        IdentityKey::MfaAuthenticated => {
            attributes.mfa = match map.next_value::<Text>()?.0.as_deref() {
                Some(text) if text.eq_ignore_ascii_case("true") => Some(true),
                Some(text) if text.eq_ignore_ascii_case("false") => Some(false),
                _ => None,
            };
        }
        _ => {
            map.next_value::<IgnoredAny>()?;
        }
    }
});

fill_from_object!(SessionIssuer, |issuer, key, map| {
    match key {
        IdentityKey::Type => issuer.kind = map.next_value::<Text>()?.0,
        IdentityKey::Arn => issuer.arn = map.next_value::<Text>()?.0,
        IdentityKey::AccountId => issuer.account = account_id(map.next_value::<Text>()?.0),
        IdentityKey::UserName => issuer.user_name = map.next_value::<Text>()?.0,
        _ => {
            map.next_value::<IgnoredAny>()?;
        }
    }
});

/// An account number written as a JSON number has lost its leading zeros.
fn account_id(text: Option<String>) -> Option<String> {
    text.map(|text| {
        if text.len() < 12 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            format!("{text:0>12}")
        } else {
            text
        }
    })
}

impl Record {
    /// Reads an EventBridge event (it has a `detail`) or a bare log record. Anything else that is
    /// JSON gives an empty record, whose activity is [`super::Activity::Unreadable`].
    pub fn from_value(value: &Value) -> Self {
        let read = |value: &Value| Self::deserialize(value).unwrap_or_default();
        match value.get("detail") {
            Some(detail) => {
                let account = value.get("account");
                let account = account.and_then(|account| Text::deserialize(account).ok());
                let delivered_for = account.and_then(|account| account_id(account.0));
                Self {
                    delivered_for,
                    ..read(detail)
                }
            }
            None => read(value),
        }
    }

    /// Reads the JSON text of an EventBridge event or of a bare log record.
    ///
    /// # Errors
    /// Only for text that is not JSON.
    pub fn from_text(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str::<EventOrRecord>(text).map(|read| match read.detail {
            Some(detail) => Self {
                delivered_for: read.account,
                ..detail
            },
            None => read.record,
        })
    }

    /// What identifies the record among all others, for telling duplicates: `eventID`, or, for a
    /// record without one, a digest of its content.
    pub fn id(&self) -> Cow<'_, str> {
        if !self.event_id.is_empty() {
            return Cow::Borrowed(&self.event_id);
        }
        let content = format!("{self:?}");
        let mut id = String::from("sha256-");
        for byte in Sha256::digest(content.as_bytes()).iter().take(16) {
            id.push_str(&format!("{byte:02x}"));
        }
        Cow::Owned(id)
    }

    /// What two records are put in order by: the time, which has only seconds, then what makes a
    /// role before anything that needs it, then the id.
    pub fn order_key(&self) -> (Option<Timestamp>, bool, Cow<'_, str>) {
        let makes_a_role = self
            .row()
            .is_some_and(|row| row.means == Means::TrustChanged { created: true });
        (self.event_time, !makes_a_role, self.id())
    }

    /// The account in which it happened: the trail's, else the one EventBridge names, else the
    /// caller's; empty where none is told.
    pub fn account(&self) -> &str {
        self.recipient_account
            .as_deref()
            .or(self.delivered_for.as_deref())
            .or(self.identity.account.as_deref())
            .unwrap_or_default()
    }

    fn take<'de, A: MapAccess<'de>>(
        &mut self,
        key: RecordKey,
        map: &mut A,
    ) -> Result<(), A::Error> {
        match key {
            RecordKey::EventId => self.event_id = map.next_value::<Text>()?.0.unwrap_or_default(),
            RecordKey::Addendum => self.original_event = map.next_value::<Addendum>()?.original,
            RecordKey::EventTime => {
                self.event_time = map.next_value::<Text>()?.0.and_then(|text| moment(&text));
            }
            RecordKey::EventName => {
                self.event_name = map.next_value::<Text>()?.0.unwrap_or_default();
            }
            RecordKey::EventSource => {
                self.event_source = map.next_value::<Text>()?.0.unwrap_or_default();
            }
            RecordKey::EventType => self.event_type = map.next_value::<Text>()?.0,
            RecordKey::AwsRegion => self.region = map.next_value::<Text>()?.0,
            RecordKey::RecipientAccountId => {
                self.recipient_account = account_id(map.next_value::<Text>()?.0);
            }
            RecordKey::SourceIpAddress => self.source_ip = map.next_value::<Text>()?.0,
            RecordKey::UserAgent => self.user_agent = map.next_value::<Text>()?.0,
            RecordKey::ErrorCode => self.error_code = map.next_value::<Text>()?.0,
            RecordKey::ErrorMessage => self.error_message = map.next_value::<Text>()?.0,
            RecordKey::UserIdentity => self.identity = map.next_value()?,
            RecordKey::RequestParameters if self.may_matter() => self.request = map.next_value()?,
            RecordKey::ResponseElements if self.may_matter() => self.response = map.next_value()?,
            RecordKey::AdditionalEventData if self.may_matter() => {
                self.additional = map.next_value()?;
            }
            _ => {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    /// The row of the table of events.
    pub(super) fn row(&self) -> Option<&'static Row> {
        Row::of(&self.event_source, &self.event_name)
    }

    /// Whether the request and the response are worth keeping, by what is known so far.
    fn may_matter(&self) -> bool {
        self.event_name.is_empty()
            || self.event_source.is_empty()
            || self.event_source == "signin.amazonaws.com"
            || self.row().is_some()
    }
}

/// Both shapes in one pass over the text: an event's `detail` is a record, and a log record has
/// no `detail`.
#[derive(Default)]
struct EventOrRecord {
    account: Option<String>,
    detail: Option<Record>,
    record: Record,
}

fill_from_object!(EventOrRecord, |read, key, map| {
    match key {
        RecordKey::Detail => read.detail = Some(map.next_value()?),
        RecordKey::Account => read.account = account_id(map.next_value::<Text>()?.0),
        key => read.record.take(key, &mut map)?,
    }
});
