//! The house is built as drawn: which crate may know which. `cargo metadata` knows it. Licenses,
//! sources and banned crates are in deny.toml.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;
use trustwarden_tests::root;

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Package → what it depends on, by package name; `kinds` are `normal`, `build`, `dev`.
fn dependencies(metadata: &Value, kinds: &[&str]) -> BTreeMap<String, BTreeSet<String>> {
    let names: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            (
                package["id"].as_str().unwrap(),
                package["name"].as_str().unwrap(),
            )
        })
        .collect();
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap().iter();
    let edges = nodes.map(|node| {
        let all = node["deps"].as_array().unwrap().iter();
        let wanted = all.filter(|dependency| {
            dependency["dep_kinds"]
                .as_array()
                .unwrap()
                .iter()
                .any(|kind| kinds.contains(&kind["kind"].as_str().unwrap_or("normal")))
        });
        let on = wanted.map(|dependency| names[dependency["pkg"].as_str().unwrap()].to_owned());
        (names[node["id"].as_str().unwrap()].to_owned(), on.collect())
    });
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    // Two versions of one package are one here.
    for (name, on) in edges {
        let on: BTreeSet<String> = on;
        found.entry(name).or_default().extend(on);
    }
    found
}

fn reachable(edges: &BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from.to_owned()];
    while let Some(name) = open.pop() {
        for next in edges.get(&name).into_iter().flatten() {
            if seen.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    seen
}

const FUNCTIONS: &[&str] = &[
    "role-trust",
    "access-key",
    "root-activity",
    "role-permissions",
    "identity-provider",
    "resource-share",
    "remediator",
    "guard-tamper",
    "incidents",
    "slack",
    "sweep",
];

/// What each crate of ours may depend on among ours; a crate that is not named may use none, and
/// only those above the product may use it.
fn arrows(name: &str) -> &'static [&'static str] {
    match name {
        "trustwarden-policy" => &[],
        "trustwarden-permissions" => &["trustwarden-policy"],
        "trustwarden-guard" => &["trustwarden-permissions", "trustwarden-policy"],
        "trustwarden-aws" => &["trustwarden-guard"],
        "trustwarden" => &[
            "trustwarden-guard",
            "trustwarden-permissions",
            "trustwarden-policy",
            "trustwarden-aws",
        ],
        name if FUNCTIONS.contains(&name) => &["trustwarden-aws", "trustwarden-guard"],
        // Above the product, never shipped.
        _ => &[
            "trustwarden-aws",
            "trustwarden-guard",
            "trustwarden-policy",
            "trustwarden-local",
        ],
    }
}

#[test]
fn arrows_point_as_drawn() {
    let metadata = metadata();
    let members: BTreeSet<&str> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| package["source"].is_null())
        .map(|package| package["name"].as_str().unwrap())
        .collect();
    assert!(members.contains("trustwarden-policy") && members.contains("trustwarden"));
    let edges = dependencies(&metadata, &["normal", "build"]);
    for member in &members {
        let ours = edges[*member]
            .iter()
            .filter(|name| members.contains(name.as_str()));
        for other in ours {
            assert!(
                arrows(member).contains(&other.as_str()),
                "{member} must not know {other}"
            );
        }
    }
    // What is shipped: the functions and the command line.
    for shipped in FUNCTIONS
        .iter()
        .filter(|name| members.contains(*name))
        .chain(&["trustwarden"])
    {
        let used = reachable(&edges, shipped);
        let above: Vec<_> = used
            .iter()
            .filter(|name| members.contains(name.as_str()))
            .filter(|name| {
                !name.starts_with("trustwarden-")
                    || name.ends_with("-histories")
                    || name.ends_with("-local")
                    || name.ends_with("-tests")
            })
            .collect();
        assert!(above.is_empty(), "{shipped} ships {above:?}");
    }
}

/// Failpoints turn off what the guard promises: only the histories can ask for them, and no build
/// has them unasked.
#[test]
fn nothing_that_is_shipped_has_failpoints() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let ours = || {
        packages
            .iter()
            .filter(|package| package["source"].is_null())
    };
    for package in ours() {
        let name = package["name"].as_str().unwrap();
        let dependencies = package["dependencies"].as_array().unwrap();
        let asks = dependencies.iter().any(|other| {
            other["features"]
                .as_array()
                .unwrap()
                .contains(&"faults".into())
        });
        let features = package["features"].to_string();
        let may_ask = features.contains("guard/faults");
        assert!(!asks, "{name} always has failpoints");
        assert!(!may_ask || name == "trustwarden-histories", "{name}");
        assert!(
            package["features"]["default"].is_null() || !may_ask,
            "{name} has features unasked"
        );
    }
    let guard = ours().find(|package| package["name"] == "trustwarden-guard");
    let guard = guard.unwrap();
    assert!(!guard["features"]["faults"].is_null());
    // As all of the workspace is built.
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let built = nodes.iter().find(|node| node["id"] == guard["id"]).unwrap();
    let built = built["features"].as_array().unwrap();
    assert!(!built.contains(&"faults".into()), "{built:?}");
}

fn is_sdk(name: &str) -> bool {
    name.starts_with("aws-sdk-") || name == "aws-config"
}

#[test]
fn only_crates_aws_names_the_sdk() {
    let metadata = metadata();
    for package in metadata["packages"].as_array().unwrap() {
        if !package["source"].is_null() {
            continue;
        }
        let name = package["name"].as_str().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let other = dependency["name"].as_str().unwrap();
            assert!(
                !is_sdk(other) || name == "trustwarden-aws",
                "{name} names {other}"
            );
        }
    }
    let edges = dependencies(&metadata, &["normal", "build"]);
    for pure in [
        "trustwarden-policy",
        "trustwarden-permissions",
        "trustwarden-guard",
    ] {
        let used = reachable(&edges, pure);
        let impure: Vec<_> = used
            .iter()
            .filter(|name| {
                is_sdk(name)
                    || ["tokio", "hyper", "rustls", "ureq", "reqwest"].contains(&name.as_str())
            })
            .collect();
        assert!(impure.is_empty(), "{pure} is pure, but for {impure:?}");
    }
}

/// One HTTP stack, and ring in it: aws-lc costs 40 ms of CPU at the first handshake of every cold
/// start, and one SDK crate with default features brings a second, older stack back.
#[test]
fn one_http_stack_with_ring() {
    let metadata = metadata();
    let edges = dependencies(&metadata, &["normal", "build"]);
    for function in ["role-trust", "remediator", "slack"] {
        let used = reachable(&edges, function);
        assert!(used.contains("ring"), "{function}");
        for banned in [
            "aws-lc-rs",
            "aws-lc-sys",
            "openssl",
            "openssl-sys",
            "native-tls",
        ] {
            assert!(!used.contains(banned), "{function} ships {banned}");
        }
    }
    let versions = |name: &str| -> Vec<&str> {
        let packages = metadata["packages"].as_array().unwrap().iter();
        packages
            .filter(|package| package["name"] == name)
            .map(|package| package["version"].as_str().unwrap())
            .collect()
    };
    for (name, major) in [("hyper", "1."), ("rustls", "0.23."), ("h2", "0.4.")] {
        let found = versions(name);
        assert!(
            found.iter().all(|version| version.starts_with(major)),
            "{name} {found:?}"
        );
    }
}
