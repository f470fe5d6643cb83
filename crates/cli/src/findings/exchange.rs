//! Findings as other programs take them in: CSV for a spreadsheet, ASFF for Security Hub, OCSF for a
//! data lake.

use std::io::{self, Write};

use guard::Severity;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::fingerprint::Fingerprints;
use super::found::{Found, PAGES};

/// One row a finding.
pub(crate) fn csv(found: &[Found], out: &mut dyn Write) -> io::Result<()> {
    let mut rows = csv::Writer::from_writer(out);
    rows.write_record([
        "severity",
        "code",
        "account",
        "subject",
        "address",
        "vendor",
        "third_party",
        "message",
        "fix",
        "file",
        "line",
        "fingerprint",
    ])?;
    let mut marks = Fingerprints::default();
    for found in found {
        let (finding, about) = (&found.finding, &found.about);
        let line = about.line.map(|line| line.to_string());
        let cells = [
            Some(finding.severity.name()),
            Some(finding.code.code()),
            about.account.as_deref(),
            Some(&*about.subject),
            about.address(),
            finding.vendor.as_deref(),
            finding.third_party.as_deref(),
            Some(&*finding.message),
            finding.fix.as_deref(),
            Some(&*about.file),
            line.as_deref(),
            Some(&marks.next(found)),
        ];
        rows.write_record(cells.map(|cell| cell_text(cell.unwrap_or_default())))?;
    }
    rows.flush()
}

/// A spreadsheet works out a cell that begins like a formula: names in it are of others' making.
pub(crate) fn cell_text(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// AWS Security Finding Format: a list, as `aws securityhub batch-import-findings --findings` takes it,
/// a hundred at a time.
///
/// Source: Security Hub user guide, "AWS Security Finding Format (ASFF)" (read 2026-11-30).
pub(crate) fn asff(
    found: &[Found],
    region: &str,
    now: Timestamp,
    out: &mut dyn Write,
) -> io::Result<()> {
    let partition = partition(region);
    let mut marks = Fingerprints::default();
    let moment = now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let each = |found: &Found| {
        let (finding, about) = (&found.finding, &found.about);
        let account = about.account.as_deref().unwrap_or("000000000000");
        let mark = marks.next(found);
        let product =
            format!("arn:{partition}:securityhub:{region}:{account}:product/{account}/default");
        let (kind, id) = resource(found, partition, account);
        let mut one = json!({
            "SchemaVersion": "2018-10-08",
            "Id": format!("trustwarden/{mark}"),
            "ProductArn": product,
            "ProductName": "Trustwarden",
            "CompanyName": "Trustwarden",
            "GeneratorId": format!("trustwarden/{}", finding.code),
            "AwsAccountId": account,
            "Types": ["Software and Configuration Checks/AWS Security Best Practices"],
            "CreatedAt": moment,
            "UpdatedAt": moment,
            "Severity": { "Label": finding.severity.name() },
            "Title": cut(&format!("{}: {}", finding.code, finding.code.title()), 256),
            "Description": cut(&finding.message, 1024),
            "Remediation": { "Recommendation": {
                "Text": cut(finding.fix.as_deref().unwrap_or("see the page of the check"), 512),
                "Url": format!("{PAGES}/{}.md", finding.code),
            }},
            "Resources": [{ "Type": kind, "Id": cut(&id, 512), "Partition": partition, "Region": region }],
            "Workflow": { "Status": "NEW" },
            "RecordState": "ACTIVE",
        });
        let others = [
            ("vendor", &finding.vendor),
            ("thirdParty", &finding.third_party),
        ];
        for (name, value) in others {
            if let (Some(value), Some(fields)) = (value, one.as_object_mut()) {
                let all = fields.entry("ProductFields").or_insert_with(|| json!({}));
                if let Some(all) = all.as_object_mut() {
                    all.insert(format!("trustwarden/{name}"), cut(value, 1024).into());
                }
            }
        }
        one
    };
    let all: Vec<Value> = found.iter().map(each).collect();
    serde_json::to_writer_pretty(&mut *out, &all)?;
    writeln!(out)
}

/// The Open Cybersecurity Schema Framework, 1.3.0: a Compliance Finding (class 2003) a line.
///
/// Source: schema.ocsf.io, "Compliance Finding" (read 2026-11-30).
pub(crate) fn ocsf(
    found: &[Found],
    region: &str,
    now: Timestamp,
    out: &mut dyn Write,
) -> io::Result<()> {
    let partition = partition(region);
    let mut marks = Fingerprints::default();
    for found in found {
        let (finding, about) = (&found.finding, &found.about);
        let account = about.account.as_deref().unwrap_or("000000000000");
        let (kind, id) = resource(found, partition, account);
        let severity = severity_id(finding.severity);
        let time = now.as_millisecond();
        let page = format!("{PAGES}/{}.md", finding.code);
        let one = json!({
            "class_uid": 2003, "class_name": "Compliance Finding",
            "category_uid": 2, "category_name": "Findings",
            "activity_id": 1, "activity_name": "Create",
            "type_uid": 200301, "type_name": "Compliance Finding: Create",
            "severity_id": severity, "severity": severity_name(severity),
            "status_id": 1, "status": "New",
            "time": time,
            "message": finding.message,
            "metadata": {
                "version": "1.3.0",
                "product": {
                    "name": "Trustwarden", "vendor_name": "Trustwarden",
                    "version": env!("CARGO_PKG_VERSION"),
                },
                "profiles": ["cloud"],
            },
            "cloud": { "provider": "AWS", "region": region, "account": {
                "uid": account, "type": "AWS Account", "type_id": 10,
            }},
            "compliance": {
                "standards": ["Trustwarden access rules"],
                "control": finding.code.code(),
                "status": "Fail", "status_id": 3,
            },
            "finding_info": {
                "uid": marks.next(found),
                "title": finding.code.title(),
                "desc": finding.message,
                "types": [finding.code.code()],
                "created_time": time,
                "src_url": page,
            },
            "remediation": {
                "desc": finding.fix.as_deref().unwrap_or("see the page of the check"),
                "references": [page],
            },
            "resources": [{ "uid": id, "name": &*about.subject, "type": kind, "region": region,
                "cloud_partition": partition }],
        });
        serde_json::to_writer(&mut *out, &one)?;
        writeln!(out)?;
    }
    Ok(())
}

fn partition(region: &str) -> &'static str {
    match region.split('-').next() {
        Some("cn") => "aws-cn",
        Some("us") if region.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

/// The type and the ARN of what a finding is about, as far as they are known.
fn resource(found: &Found, partition: &str, account: &str) -> (&'static str, String) {
    let subject = &*found.about.subject;
    let arn = |rest: &str| format!("arn:{partition}:iam::{account}:{rest}");
    match subject.split_once('/') {
        Some(("role", _)) => ("AwsIamRole", arn(subject)),
        Some(("user", _)) => ("AwsIamUser", arn(subject)),
        _ if subject == "root" => ("AwsAccount", arn("root")),
        _ => ("Other", subject.to_owned()),
    }
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most - 1).collect();
    format!("{kept}…")
}

fn severity_id(severity: Severity) -> u8 {
    match severity {
        Severity::Informational => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}

fn severity_name(id: u8) -> &'static str {
    match id {
        1 => "Informational",
        2 => "Low",
        3 => "Medium",
        4 => "High",
        _ => "Critical",
    }
}
