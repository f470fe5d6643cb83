//! What a record says of a resource that is shared without a role.

use serde_json::Value;

use super::fields::{omitted, percent_decoded};
use super::record::Record;
use super::row::{Places, Row};
use super::share::{Lets, Share};

/// A resource was shared, or may be from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShareChange {
    /// How.
    pub share: &'static Share,
    /// Its ARN, or what the record calls it.
    pub resource: String,
    /// Those the record names, as it names them.
    pub with: Vec<String>,
    /// The policies that say who has access: whole ones, or single statements.
    pub policies: Vec<String>,
    /// CloudTrail cut away what would say it.
    pub cut: bool,
}

/// So many names of one call are read.
const MOST_NAMED: usize = 10_000;

impl Record {
    /// `None`: it shares nothing.
    pub(super) fn share_change(&self, row: &Row, share: &'static Share) -> Option<ShareChange> {
        let cut = omitted(&self.request);
        if let Some((place, wanted)) = share.only {
            let said = self.everything_at(place);
            let is = |said: &&str| said.eq_ignore_ascii_case(wanted);
            // Of what was cut away it is not known.
            if !cut && !said.iter().any(is) {
                return None;
            }
        }
        let texts = |places: Places| -> Vec<String> {
            let texts = places.iter().flat_map(|place| self.everything_at(place));
            texts.take(MOST_NAMED).map(str::to_owned).collect()
        };
        let policies: Vec<String> = row
            .content
            .iter()
            .find_map(|place| self.policies_at(place))
            .unwrap_or_default();
        // A policy tells more than the names in the request that made it.
        let mut with = match policies.is_empty() {
            true => texts(row.what),
            false => Vec::new(),
        };
        // An access control list names the owner, too.
        let owner = self.everything_at("requestParameters.AccessControlPolicy.Owner.ID");
        let named = with.len();
        with.retain(|name| !owner.contains(&name.as_str()));
        if named > 0 && with.is_empty() {
            return None;
        }
        let nobody = with.is_empty() && policies.is_empty() && !cut;
        if nobody && matches!(share.lets, Lets::ThoseIfAny) {
            return None;
        }
        Some(ShareChange {
            share,
            resource: self.resource(share, row.subject),
            with,
            policies,
            cut,
        })
    }

    /// The texts, `true` and `false` at a place and below it, in lists or not. Records write the first letter of a key
    /// large or small, as the service likes.
    fn everything_at(&self, place: &str) -> Vec<&str> {
        let mut found = Vec::new();
        for value in self.values_at(place) {
            texts_below(value, &mut found);
        }
        found.retain(|text| !text.is_empty());
        found
    }

    fn values_at(&self, place: &str) -> Vec<&Value> {
        let Some((part, path)) = place.split_once('.') else {
            return Vec::new();
        };
        let mut values = match part {
            "responseElements" => vec![&self.response],
            _ => vec![&self.request],
        };
        for key in path.split('.') {
            let below = values.into_iter().flat_map(|value| match value {
                Value::Array(list) => list.iter().collect(),
                one => vec![one],
            });
            let fields = below.flat_map(|value| {
                let fields = value.as_object().into_iter().flatten();
                fields.filter(|(name, _)| name.eq_ignore_ascii_case(key))
            });
            values = fields.map(|(_, value)| value).collect();
        }
        values
    }

    /// The policies at a place; `None` without any. Texts that are no policies are left out: attributes
    /// of other names stand in the same places.
    fn policies_at(&self, place: &str) -> Option<Vec<String>> {
        let mut found = Vec::new();
        for value in self.values_at(place) {
            match value {
                Value::Object(_) => found.push(value.to_string()),
                value => {
                    let mut texts = Vec::new();
                    texts_below(value, &mut texts);
                    let documents = texts.iter().map(|text| percent_decoded(text));
                    found.extend(documents.filter(|text| text.trim_start().starts_with('{')));
                }
            }
        }
        (!found.is_empty()).then_some(found)
    }

    fn resource(&self, share: &Share, places: Places) -> String {
        let texts = places.iter().flat_map(|place| self.everything_at(place));
        let named = texts.into_iter().next().unwrap_or("unknown");
        if named.starts_with("arn:") {
            return named.to_owned();
        }
        // A queue is named by its address.
        let name = match named.starts_with("https://") {
            true => named.rsplit('/').next().unwrap_or(named),
            false => named,
        };
        let region = self.region.as_deref().unwrap_or_default();
        let partition = match region {
            china if china.starts_with("cn-") => "aws-cn",
            gov if gov.starts_with("us-gov-") => "aws-us-gov",
            sovereign if sovereign.starts_with("eusc-") => "aws-eusc",
            _ => "aws",
        };
        // The name comes last: it is somebody else's text.
        let arn = share.arn.replace("{partition}", partition);
        let arn = arn.replace("{region}", region);
        let arn = arn.replace("{account}", self.account());
        arn.replace("{name}", name)
    }
}

/// So deep below a place.
const DEEPEST: usize = 8;

fn texts_below<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    let mut open = vec![(value, 0)];
    while let Some((value, depth)) = open.pop() {
        match value {
            Value::String(text) => found.push(text),
            Value::Bool(true) => found.push("true"),
            Value::Bool(false) => found.push("false"),
            Value::Array(list) if depth < DEEPEST => {
                open.extend(list.iter().rev().map(|value| (value, depth + 1)));
            }
            Value::Object(fields) if depth < DEEPEST => {
                open.extend(fields.values().rev().map(|value| (value, depth + 1)));
            }
            _ => {}
        }
    }
}
