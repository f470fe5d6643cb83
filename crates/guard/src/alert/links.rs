//! Where to look: the role in the console, the event, the check's page. Every part of an address
//! that comes from an event is percent-encoded or checked.

use super::document::{Cause, Link, Resource};
use super::shown::in_url;
use crate::check::Check;

/// Where the checks' pages are read.
const CHECK_PAGES: &str = "https://github.com/trustwarden/trustwarden/blob/main/docs/checks";

/// The links of an alert.
pub(crate) fn links(
    resource: Option<&Resource>,
    cause: Option<&Cause>,
    check: Option<Check>,
) -> Vec<Link> {
    let mut links = Vec::new();
    let region = cause.map_or("us-east-1", |cause| cause.region.as_str());
    let host = console_host(region);
    if let Some(resource) = resource {
        let name = in_url(&resource.name);
        let page = match resource.kind.as_str() {
            "role" => Some(("the role in the console", format!("roles/details/{name}"))),
            "user" | "access-key" => {
                Some(("the user in the console", format!("users/details/{name}")))
            }
            "root" => Some((
                "the account's credentials report",
                "credential_report".to_owned(),
            )),
            _ => None,
        };
        if let Some((text, page)) = page
            && !(name.is_empty() && resource.kind != "root")
        {
            links.push(link(text, format!("https://{host}/iam/home#/{page}")));
        }
    }
    if let Some(cause) = cause
        && is_region(&cause.region)
    {
        let event = in_url(&cause.event_id);
        let url =
            format!("https://{region}.{host}/cloudtrailv2/home?region={region}#/events/{event}");
        links.push(link("the event in CloudTrail", url));
    }
    if let Some(check) = check {
        links.push(link(
            &format!("what {check} means"),
            format!("{CHECK_PAGES}/{check}.md"),
        ));
    }
    links
}

fn link(text: &str, url: String) -> Link {
    Link {
        text: text.to_owned(),
        url,
    }
}

fn is_region(region: &str) -> bool {
    !region.is_empty()
        && region.len() <= 32
        && region
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn console_host(region: &str) -> &'static str {
    if region.starts_with("us-gov-") {
        "console.amazonaws-us-gov.com"
    } else if region.starts_with("cn-") {
        "console.amazonaws.cn"
    } else {
        "console.aws.amazon.com"
    }
}
