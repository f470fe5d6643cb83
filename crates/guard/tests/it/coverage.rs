//! The table of events: the rules of `template.yaml` hand over what it says, `docs/coverage.md` is
//! made of it, and each row has an event under `events/`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panicking"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use guard::cloudtrail::{Means, Places, Row, events};
use guard::detect::tampering_calls;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The rule of each function; what `root-activity` takes is told by who did it, not by its name.
const RULES: [(&str, &str); 5] = [
    ("role-trust", "RoleTrustRule"),
    ("access-key", "AccessKeyRule"),
    ("role-permissions", "RolePermissionsRule"),
    ("identity-provider", "IdentityProviderRule"),
    ("resource-share", "ResourceShareRule"),
];

/// The names of a function's events by `eventSource`.
fn handled(function: &str) -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut found: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for (source, row) in events().filter(|(_, row)| row.means.function() == Some(function)) {
        let new = found.entry(source).or_default().insert(row.name);
        assert!(new, "{source} {} is there twice", row.name);
    }
    found
}

#[test]
fn each_rule_hands_over_what_the_table_says() {
    let template = std::fs::read_to_string(root().join("template.yaml")).unwrap();
    let all: BTreeSet<&str> = events()
        .filter_map(|(_, row)| row.means.function())
        .collect();
    let with_rules = RULES.map(|(function, _)| function);
    assert_eq!(
        all,
        with_rules.into_iter().chain(["root-activity"]).collect()
    );
    for (function, rule) in RULES {
        let block = template.split_once(&format!("\n  {rule}:\n")).unwrap().1;
        let block = block.split_once("\n\n").unwrap().0;
        let list = |key: &str| -> BTreeSet<&str> {
            let (_, rest) = block
                .split_once(key)
                .unwrap_or_else(|| panic!("{rule} {key}"));
            let (list, _) = rest.split_once(']').unwrap();
            list.split([',', '\n'])
                .map(str::trim)
                .filter(|name| !name.is_empty())
                .collect()
        };
        let names: BTreeSet<&str> = handled(function).into_values().flatten().collect();
        assert_eq!(list("eventName: ["), names, "{rule}");
        // Those of IAM share the pattern's beginning.
        let sources: BTreeSet<&str> = handled(function).into_keys().collect();
        if !block.contains("<<: *IamCall") {
            assert_eq!(list("eventSource: ["), sources, "{rule}");
        }
    }
}

/// IAM's events are in the home region alone; the others' are where somebody called.
#[test]
fn other_regions_hand_over_what_is_regional() {
    let template = std::fs::read_to_string(root().join("template-region.yaml")).unwrap();
    for (function, rule) in [
        ("identity-provider", "ForwardProvidersRule"),
        ("resource-share", "ForwardSharesRule"),
    ] {
        hands_over(&template, rule, handled(function));
    }
}

fn hands_over(template: &str, rule: &str, mut regional: BTreeMap<&str, BTreeSet<&str>>) {
    let (_, block) = template.split_once(&format!("\n  {rule}:\n")).unwrap();
    let list = |key: &str| -> BTreeSet<&str> {
        let (list, _) = block.split_once(key).unwrap().1.split_once(']').unwrap();
        let names = list.split([',', '\n']).map(str::trim);
        names.filter(|name| !name.is_empty()).collect()
    };
    regional.remove("iam.amazonaws.com");
    let sources: BTreeSet<&str> = regional.keys().copied().collect();
    assert_eq!(list("eventSource: ["), sources);
    let names: BTreeSet<&str> = regional.into_values().flatten().collect();
    assert_eq!(list("eventName: ["), names);
}

/// Adding an event is a row and a case.
#[test]
fn each_row_has_an_event() {
    let mut there = BTreeSet::new();
    for folder in [
        root().join("events"),
        root().join("crates/guard/testdata/events"),
    ] {
        for function in std::fs::read_dir(folder).unwrap() {
            let function = function.unwrap().path();
            for file in std::fs::read_dir(&function).unwrap() {
                let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
                let event: serde_json::Value = serde_json::from_str(&text).unwrap();
                let record = event.get("detail").unwrap_or(&event);
                let field = |key: &str| record[key].as_str().unwrap_or_default().to_owned();
                there.insert((field("eventSource"), field("eventName")));
            }
        }
    }
    // Those of `resource-share` are told in one table: `shares.rs` judges them.
    let shares: Vec<serde_json::Value> =
        serde_saphyr::from_str(include_str!("../../testdata/shares.yaml")).unwrap();
    for case in shares {
        let (source, name) = case["call"].as_str().unwrap().split_once(':').unwrap();
        there.insert((format!("{source}.amazonaws.com"), name.to_owned()));
    }
    let missing: Vec<_> = events()
        .filter(|(_, row)| row.means.function().is_some())
        .filter(|(source, row)| !there.contains(&((*source).to_owned(), row.name.to_owned())))
        .map(|(source, row)| format!("{source} {}", row.name))
        .collect();
    assert!(missing.is_empty(), "no event under events/: {missing:#?}");
}

fn places(places: Places) -> String {
    let places: Vec<String> = places.iter().map(|place| format!("`{place}`")).collect();
    places.join(", ")
}

fn call(source: &str, name: &str) -> String {
    format!("`{}:{name}`", source.trim_end_matches(".amazonaws.com"))
}

const BEGINNING: &str = "\
# Which events are handled

Each CloudTrail event that a function of Trustwarden handles, and those that are left out on purpose, with the
reason. `trustwarden replay` reads logs by the same table, except for the events of `role-permissions`: a log
does not tell what else a role holds. `make coverage` makes this page from
`crates/guard/src/cloudtrail/events.rs`.

A call that failed changed nothing, and is counted, not reported. Calls that only read are left out as a whole,
those of the root user excepted.
";

fn page() -> String {
    let mut page = BEGINNING.to_owned();
    let mut by_function: BTreeMap<&str, Vec<(&str, &Row)>> = BTreeMap::new();
    let mut left_out = Vec::new();
    for (source, row) in events() {
        match (row.means.function(), row.means) {
            (Some(function), _) => by_function.entry(function).or_default().push((source, row)),
            (None, Means::LeftOut(why)) => left_out.push((source, row.name, why)),
            (None, other) => panic!("{other:?} has no function and no reason"),
        }
    }
    for (function, rows) in by_function {
        write!(page, "\n## {function}\n\n").unwrap();
        if function == "root-activity" {
            page.push_str(
                "Every event of the root user, whatever its source and name, reading calls too; of them this one \
                 means something of its own:\n\n",
            );
        }
        page.push_str(
            "| event | what it means | its subject | what stands where |\n|---|---|---|---|\n",
        );
        for (source, row) in rows {
            let what: Vec<String> = [row.what, row.content]
                .into_iter()
                .filter(|list| !list.is_empty())
                .map(places)
                .collect();
            let sure = match row.means {
                Means::Shared(share) => format!(" ({})", share.sure.words()),
                _ => String::new(),
            };
            let (call, means) = (call(source, row.name), row.means.words().to_owned() + &sure);
            writeln!(
                page,
                "| {call} | {means} | {} | {} |",
                places(row.subject),
                what.join(", ")
            )
            .unwrap();
        }
    }
    page.push_str(
        "\n## guard-tamper\n\nWhat changes the guard itself. A name that ends in `…` may go on with the date and \
         version of its API.\n\n| event | counts | what may follow |\n|---|---|---|\n",
    );
    for tampering in tampering_calls() {
        let counts = if tampering.any {
            "whatever it names"
        } else {
            "on what is the stack's"
        };
        let end = if tampering.service == "lambda" {
            "…"
        } else {
            ""
        };
        let call = format!("`{}:{}{end}`", tampering.service, tampering.event);
        writeln!(page, "| {call} | {counts} | {} |", tampering.effect).unwrap();
    }
    page.push_str("\n## Left out\n\n| event | why |\n|---|---|\n");
    for (source, name, why) in left_out {
        writeln!(page, "| {} | {why} |", call(source, name)).unwrap();
    }
    page
}

#[test]
fn the_page_of_events_is_current() {
    let path = root().join("docs/coverage.md");
    let page = page();
    if std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == page,
        "docs/coverage.md is stale: `make coverage` writes it anew"
    );
}
