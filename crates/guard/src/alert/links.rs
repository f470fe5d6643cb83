//! Where to look: the role in the console, the event, the check's page. Every part of an address
//! that comes from an event is percent-encoded or checked.

use super::document::Link;
use super::shown::in_url;
use crate::check::Check;
use crate::model::{Cause, Resource};

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
                "the account's credential report",
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudtrail::Record;

    fn all(region: &str, name: &str, event: &str) -> Vec<String> {
        let resource = Resource {
            kind: "role".to_owned(),
            name: name.to_owned(),
            arn: None,
            id: None,
        };
        let cause = Cause {
            event_id: event.to_owned(),
            event_name: "CreateRole".to_owned(),
            event_time: jiff::Timestamp::UNIX_EPOCH,
            region: region.to_owned(),
            actor: Record::default().actor(),
        };
        links(Some(&resource), Some(&cause), Some(Check::PublicTrust))
            .into_iter()
            .map(|link| link.url)
            .collect()
    }

    #[test]
    fn what_attackers_write_does_not_leave_its_place_in_an_address() {
        for url in all("us-east-1", "a/../b?x=y#z@evil.example\n", "e\"/<&") {
            assert!(url.starts_with("https://"), "{url}");
            assert!(url.bytes().all(|byte| byte.is_ascii_graphic()), "{url}");
            assert!(
                !url.contains(['"', '<', '>', '@']) && !url.contains("/../"),
                "{url}"
            );
        }
        // A region that is none makes no host.
        let urls = all("evil.example/", "R", "e");
        assert_eq!(urls.len(), 2, "{urls:?}");
        assert!(urls.iter().all(|url| !url.contains("evil")), "{urls:?}");
    }

    #[test]
    fn each_partition_has_its_own_console() {
        for (region, host) in [
            ("us-east-1", "https://console.aws.amazon.com/"),
            ("us-gov-west-1", "https://console.amazonaws-us-gov.com/"),
            ("cn-north-1", "https://console.amazonaws.cn/"),
        ] {
            let urls = all(region, "R", "e");
            assert!(urls.iter().any(|url| url.starts_with(host)), "{urls:?}");
        }
    }
}
