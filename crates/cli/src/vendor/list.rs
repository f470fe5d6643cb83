//! `vendor list`: the third parties of the rules, and how long each still has access.

use std::io;

use guard::rules::{Vendor, expiry};
use jiff::{Timestamp, Unit};
use serde_json::{Value, json};

use crate::args::{AnswerFormat, VendorListArgs};
use crate::rules::load::read;
use crate::streams::{Style, counted};
use crate::table::aligned;
use crate::terminal_escape::escaped;
use crate::{Status, Streams};

const HEADS: [&str; 7] = [
    "VENDOR",
    "ACCOUNTS",
    "ROLES",
    "EXTERNAL ID",
    "EXPIRES",
    "OWNER",
    "TICKET",
];

/// Runs `vendor list`.
///
/// # Errors
///
/// Standard output does not take the list.
pub(super) fn list(arguments: &VendorListArgs, streams: &mut Streams<'_>) -> io::Result<Status> {
    let now = arguments.now.unwrap_or_else(Timestamp::now);
    let Some(rules) = read(&arguments.rules.file, None, streams) else {
        return Ok(Status::Unreadable);
    };
    let vendors = &rules.file.vendors;
    match arguments.format {
        AnswerFormat::Json => {
            let vendors: Vec<Value> = vendors.iter().map(|vendor| value(vendor, now)).collect();
            writeln!(streams.out, "{:#}", json!({ "vendors": vendors }))?;
        }
        AnswerFormat::Human if vendors.is_empty() => {
            streams.remark("the rules name no vendor; `trustwarden vendor new` registers one");
        }
        AnswerFormat::Human => human(vendors, now, streams)?,
    }
    Ok(Status::Done)
}

fn human(vendors: &[Vendor], now: Timestamp, streams: &mut Streams<'_>) -> io::Result<()> {
    let heads = HEADS.map(str::to_owned).to_vec();
    let rows = vendors.iter().map(|vendor| row(vendor, now));
    let rows: Vec<Vec<String>> = std::iter::once(heads).chain(rows).collect();
    let colors = streams.colors;
    for (index, line) in aligned(&rows).iter().enumerate() {
        match index {
            0 => writeln!(streams.out, "{}", colors.style(Style::Strong, line))?,
            _ => writeln!(streams.out, "{line}")?,
        }
    }
    Ok(())
}

fn row(vendor: &Vendor, now: Timestamp) -> Vec<String> {
    let names = |names: Vec<&str>| match names.as_slice() {
        [] => "none".to_owned(),
        [one] => (*one).to_owned(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    };
    let accounts = vendor.accounts.iter().map(String::as_str).collect();
    let roles = vendor.roles.iter().map(|role| role.name.as_str()).collect();
    let or_dash = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
    let cells = [
        vendor.name.clone(),
        names(accounts),
        names(roles),
        external_id(vendor),
        expires(vendor, now),
        or_dash(&vendor.owner),
        or_dash(&vendor.ticket),
    ];
    cells.map(|cell| escaped(cell).to_string()).to_vec()
}

fn external_id(vendor: &Vendor) -> String {
    if vendor.accounts.is_empty() {
        return "-".to_owned();
    }
    match (vendor.external_id.required, vendor.external_ids().len()) {
        (false, _) => "not required".to_owned(),
        (true, 0) => "any value".to_owned(),
        (true, ids) => counted(ids, "value", "values"),
    }
}

fn expires(vendor: &Vendor, now: Timestamp) -> String {
    let Some(text) = &vendor.expires else {
        return "never".to_owned();
    };
    match days_left(vendor, now) {
        None => text.clone(),
        Some(days) if days < 0 => format!("{text} (over)"),
        Some(days) => {
            let days = usize::try_from(days).unwrap_or(usize::MAX);
            format!("{text} ({} left)", counted(days, "day", "days"))
        }
    }
}

/// Whole days until the end; negative where it is over.
fn days_left(vendor: &Vendor, now: Timestamp) -> Option<i64> {
    let end = expiry(vendor.expires.as_deref()?)?;
    if end <= now {
        return Some(-1);
    }
    let left = now.until((Unit::Hour, end)).ok()?;
    Some(i64::from(left.get_hours()) / 24)
}

fn value(vendor: &Vendor, now: Timestamp) -> Value {
    let roles: Vec<&str> = vendor.roles.iter().map(|role| role.name.as_str()).collect();
    let days = days_left(vendor, now);
    json!({
        "name": vendor.name,
        "accounts": vendor.accounts,
        "principals": vendor.principals,
        "roles": roles,
        "users": vendor.users,
        "external_id": {
            "required": vendor.external_id.required,
            "values": vendor.external_ids().len(),
        },
        "expires": vendor.expires,
        "expired": days.is_some_and(|days| days < 0),
        "owner": vendor.owner,
        "ticket": vendor.ticket,
    })
}
