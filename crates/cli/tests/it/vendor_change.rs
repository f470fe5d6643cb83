//! `vendor renew` and `vendor remove` in a file.

use std::fs;

use crate::vendor::{Folder, NOW, RULES, said};

#[test]
fn an_entry_is_renewed_and_removed_in_the_file() {
    let folder = Folder::new("renew");
    let renew = |until: &str| {
        let arguments = ["vendor", "renew", "datadog", "--until", until, "--now", NOW];
        folder.run(&[&arguments[..], &["--rules", "access.yaml"]].concat())
    };
    let ended = renew("2027-12-31");
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    let line = "    expires: 2027-12-31\n";
    let renewed = folder.text("access.yaml");
    assert_eq!(renewed.replace(line, ""), RULES);
    assert!(renewed.contains(line));
    // The same again changes nothing, and says so.
    assert_eq!(renew("2027-12-31").status.code(), Some(2));
    assert_eq!(renew("2028-12-31").status.code(), Some(0));
    let later = folder.text("access.yaml");
    assert_eq!(later, renewed.replace("2027-12-31", "2028-12-31"));

    let ended = folder.run(&["vendor", "remove", "Datadog", "--rules", "access.yaml"]);
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    let left = folder.text("access.yaml");
    assert!(!left.contains("464622532012"), "{left}");
    assert!(
        left.starts_with("# Who may have access.\nversion: 1\n"),
        "{left}"
    );
    assert!(left.ends_with("access_keys: { allow_users: [\"ci-build\"] }\n"));
    let checked = folder.run(&["rules", "check", "access.yaml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", said(&checked));
}

#[test]
fn a_file_that_was_not_read_is_not_written() {
    let folder = Folder::new("unwritten");
    fs::write(
        folder.0.join("access.yaml"),
        "version: 1\nvendors: [{nmae: x}]\n",
    )
    .unwrap();
    for arguments in [
        &["vendor", "renew", "x", "--until", "2099-01-01"][..],
        &["vendor", "remove", "x"],
    ] {
        let ended = folder.run(&[arguments, &["--rules", "access.yaml"]].concat());
        assert_eq!(ended.status.code(), Some(2));
        assert!(
            said(&ended).contains("did you mean `name`?"),
            "{}",
            said(&ended)
        );
    }
    let text = folder.text("access.yaml");
    assert_eq!(text, "version: 1\nvendors: [{nmae: x}]\n");
}
