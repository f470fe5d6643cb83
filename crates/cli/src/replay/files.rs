//! Which files hold the logs: any mix of files and folders, and of S3's layout only the days and
//! regions asked for.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, civil::Date};

/// Filter: time range and regions.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// From this moment on.
    pub(crate) from: Option<Timestamp>,
    /// Before this moment.
    pub(crate) to: Option<Timestamp>,
    /// Of these regions; empty: of all.
    pub(crate) regions: Vec<String>,
}

impl Wanted {
    /// Does it depend on a record's time or region whether it is asked for?
    pub(crate) fn asks_for_place(&self) -> bool {
        self.from.is_some() || self.to.is_some() || !self.regions.is_empty()
    }

    /// Is this record asked for? What has no time or no region is never left out for that.
    pub(crate) fn covers(&self, time: Option<Timestamp>, region: Option<&str>) -> bool {
        let early = matches!((self.from, time), (Some(from), Some(time)) if time < from);
        let late = matches!((self.to, time), (Some(to), Some(time)) if time >= to);
        let elsewhere = !self.regions.is_empty()
            && region.is_some_and(|region| !self.regions.iter().any(|wanted| wanted == region));
        !early && !late && !elsewhere
    }

    /// Can a file or folder at this path hold a record that is asked for? Only S3's layout,
    /// `…/CloudTrail/REGION/YYYY/MM/DD/…`, says that it cannot.
    fn may_be_in(&self, path: &Path) -> bool {
        let parts: Vec<&str> = path.iter().filter_map(OsStr::to_str).collect();
        let Some(root) = parts.iter().rposition(|part| *part == "CloudTrail") else {
            return true;
        };
        let mut below = parts.iter().skip(root + 1);
        let Some(region) = below.next() else {
            return true;
        };
        if !self.regions.is_empty() && !self.regions.iter().any(|wanted| wanted == region) {
            // A folder with another kind of name is not a region: its content is read.
            return !looks_like_region(region);
        }
        let numbers: Vec<i16> = below.map_while(|part| part.parse().ok()).take(3).collect();
        if numbers.first().is_some_and(|year| *year < 2000) {
            return true;
        }
        // The day in the path is that of delivery: never before the event, and at most hours
        // behind it.
        let first = self.from.map(date);
        let last = self
            .to
            .map(date)
            .and_then(|day| day.checked_add(1.day()).ok());
        let prefix = |day: Date| {
            let all = [day.year(), i16::from(day.month()), i16::from(day.day())];
            all.into_iter().take(numbers.len()).collect::<Vec<i16>>()
        };
        first.is_none_or(|day| numbers >= prefix(day))
            && last.is_none_or(|day| numbers <= prefix(day))
    }
}

/// As `us-gov-west-1`: words, and a number at the end.
fn looks_like_region(name: &str) -> bool {
    let last = name.rsplit_once('-').map(|(_, last)| last);
    last.is_some_and(|last| last.starts_with(|first: char| first.is_ascii_digit()))
}

fn date(moment: Timestamp) -> Date {
    moment.to_zoned(TimeZone::UTC).date()
}

/// A folder or file that could not be looked at.
#[derive(Debug)]
pub(crate) struct Unlisted {
    pub(crate) path: PathBuf,
    pub(crate) error: io::Error,
}

/// A file to be read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct LogFile {
    /// The index of the command's path that led to it.
    pub(crate) argument: usize,
    /// `-` is standard input.
    pub(crate) path: PathBuf,
}

/// What was passed over, and where nothing was found.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Passed {
    /// Files of other kinds.
    pub(crate) files: u64,
    /// Those of them that no service of AWS keeps beside CloudTrail's logs.
    pub(crate) others: u64,
    /// The first of these by name.
    pub(crate) named: BTreeSet<PathBuf>,
    /// Indices of the command's paths that led to a file.
    found: BTreeSet<usize>,
}

/// Most files that are named as passed over.
const MOST_NAMED: usize = 10;

impl Passed {
    fn file(&mut self, path: PathBuf) {
        self.files += 1;
        if !is_of_another_service(&path) {
            self.others += 1;
            self.named.insert(path);
            if self.named.len() > MOST_NAMED {
                self.named.pop_last();
            }
        }
    }

    /// Those of the command's paths that led to no file at all.
    pub(crate) fn empty<'p>(&self, paths: &'p [PathBuf]) -> impl Iterator<Item = &'p PathBuf> {
        let all = paths.iter().enumerate();
        all.filter(|(index, _)| !self.found.contains(index))
            .map(|(_, path)| path)
    }
}

/// All files below some paths, one after the other, in no order that could be relied on: a bucket's
/// names fit into no memory. Without recursion: a tree of folders can be deeper than a stack.
pub(crate) struct Walk<'a> {
    wanted: &'a Wanted,
    paths: std::iter::Enumerate<std::slice::Iter<'a, PathBuf>>,
    argument: usize,
    /// Those seen and not yet read.
    folders: Vec<PathBuf>,
    /// The one that is being read.
    folder: Option<(PathBuf, fs::ReadDir)>,
    passed: Passed,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(paths: &'a [PathBuf], wanted: &'a Wanted) -> Self {
        Self {
            wanted,
            paths: paths.iter().enumerate(),
            argument: 0,
            folders: Vec::new(),
            folder: None,
            passed: Passed::default(),
        }
    }

    /// What was passed over, at the end.
    pub(crate) fn passed(self) -> Passed {
        self.passed
    }

    fn file(&mut self, path: PathBuf) -> Result<LogFile, Unlisted> {
        let argument = self.argument;
        self.passed.found.insert(argument);
        Ok(LogFile { argument, path })
    }

    /// The next of the paths that were named, if it is a file.
    fn named(&mut self, path: &Path) -> Option<Result<LogFile, Unlisted>> {
        if path == Path::new("-") {
            return Some(self.file(path.to_owned()));
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                self.folders.push(path.to_owned());
                None
            }
            // A file that is named is read whatever its name.
            Ok(_) => Some(self.file(path.to_owned())),
            Err(error) => {
                self.passed.found.insert(self.argument);
                let path = path.to_owned();
                Some(Err(Unlisted { path, error }))
            }
        }
    }

    /// An entry of a folder, if it is a file of records.
    fn entry(&mut self, entry: &fs::DirEntry) -> Option<Result<LogFile, Unlisted>> {
        let path = entry.path();
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => {
                self.folders.push(path);
                None
            }
            // A link to a folder is not followed: it could lead back up.
            Ok(kind) if kind.is_symlink() && path.is_dir() => {
                self.passed.file(path);
                None
            }
            Ok(_) if is_log(&path) && !is_of_another_service(&path) => Some(self.file(path)),
            Ok(_) => {
                self.passed.file(path);
                None
            }
            Err(error) => Some(Err(Unlisted { path, error })),
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<LogFile, Unlisted>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some((path, entries)) = &mut self.folder {
                let found = match entries.next() {
                    Some(Ok(entry)) => self.entry(&entry),
                    Some(Err(error)) => {
                        let path = path.clone();
                        self.folder = None;
                        Some(Err(Unlisted { path, error }))
                    }
                    None => {
                        self.folder = None;
                        None
                    }
                };
                if found.is_some() {
                    return found;
                }
            } else if let Some(path) = self.folders.pop() {
                if !self.wanted.may_be_in(&path) {
                    continue;
                }
                match fs::read_dir(&path) {
                    Ok(entries) => self.folder = Some((path, entries)),
                    Err(error) => return Some(Err(Unlisted { path, error })),
                }
            } else {
                let (argument, path) = self.paths.next()?;
                self.argument = argument;
                if let Some(found) = self.named(path) {
                    return Some(found);
                }
            }
        }
    }
}

/// Does AWS keep it beside CloudTrail's logs, in the same layout? It holds no records:
/// `AWSLogs/ACCOUNT/CloudTrail-Digest/…`, `…_vpcflowlogs_….log.gz`.
fn is_of_another_service(path: &Path) -> bool {
    const FOLDERS: [&str; 10] = [
        "CloudTrail-Digest",
        "CloudTrail-Insight",
        "CloudTrail-Aggregated",
        "Config",
        "GuardDuty",
        "WAFLogs",
        "elasticloadbalancing",
        "vpcdnsquerylogs",
        "vpcflowlogs",
        "network-firewall",
    ];
    let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    // Their files bear the folder's name, as 111122223333_Config_us-east-1_….
    let mut parts = name.split('_').skip(1);
    if parts.next().is_some_and(|kind| FOLDERS.contains(&kind)) {
        return true;
    }
    let mut folders = path
        .iter()
        .filter_map(OsStr::to_str)
        .skip_while(|part| !is_account(part));
    folders
        .nth(1)
        .is_some_and(|folder| folder != name && FOLDERS.contains(&folder))
}

fn is_account(part: &str) -> bool {
    part.len() == 12 && part.bytes().all(|byte| byte.is_ascii_digit())
}

/// Does the name, within a folder, promise records?
fn is_log(path: &Path) -> bool {
    is_lines(path) || ends_in(path, &[".json"]) || is_export(path)
}

/// Is it a part of an export of CloudWatch Logs, as `000000.gz`?
fn is_export(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = name.strip_suffix(".gz");
    number
        .is_some_and(|number| number.len() == 6 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Does the name say that each line is a value?
pub(crate) fn is_lines(path: &Path) -> bool {
    ends_in(path, &[".jsonl", ".ndjson"])
}

/// Does the name end in one of these, compressed or not?
fn ends_in(path: &Path, ends: &[&str]) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name.to_ascii_lowercase();
    let plain = name.strip_suffix(".gz").unwrap_or(&name);
    ends.iter().any(|end| plain.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(from: Option<&str>, to: Option<&str>, regions: &[&str]) -> Wanted {
        let moment = |text: &str| text.parse().unwrap();
        Wanted {
            from: from.map(moment),
            to: to.map(moment),
            regions: regions.iter().map(|&region| region.to_owned()).collect(),
        }
    }

    #[test]
    fn of_the_bucket_only_what_can_matter_is_looked_at() {
        let root = "b/AWSLogs/111122223333/CloudTrail";
        let window = wanted(
            Some("2026-03-10T12:00:00Z"),
            Some("2026-04-02T00:00:00Z"),
            &["us-east-1"],
        );
        for (path, expected) in [
            ("b/AWSLogs", true),
            ("", true),
            ("/us-east-1", true),
            ("/eu-west-1", false),
            ("/us-east-1/2025", false),
            ("/us-east-1/2026", true),
            ("/us-east-1/2026/02", false),
            ("/us-east-1/2026/03", true),
            ("/us-east-1/2026/03/09", false),
            ("/us-east-1/2026/03/10", true),
            ("/us-east-1/2026/04/02", true),
            // delivered after midnight
            ("/us-east-1/2026/04/03", true),
            ("/us-east-1/2026/04/04", false),
            ("/us-east-1/2026/05", false),
            ("/us-east-1/2027", false),
            ("/unpacked/2025", true),
            ("/my-logs", true),
            ("/us-east-1/12/01", true),
        ] {
            let path = if path.starts_with("b/") {
                path.to_owned()
            } else {
                format!("{root}{path}")
            };
            assert_eq!(window.may_be_in(Path::new(&path)), expected, "{path}");
        }
    }

    #[test]
    fn what_does_not_say_when_or_where_is_kept() {
        let window = wanted(
            Some("2026-03-10T00:00:00Z"),
            Some("2026-03-11T00:00:00Z"),
            &["us-east-1"],
        );
        let moment = |text: &str| Some(text.parse().unwrap());
        assert!(window.covers(None, None));
        assert!(window.covers(moment("2026-03-10T00:00:00Z"), Some("us-east-1")));
        assert!(!window.covers(moment("2026-03-09T23:59:59Z"), Some("us-east-1")));
        assert!(!window.covers(moment("2026-03-11T00:00:00Z"), Some("us-east-1")));
        assert!(!window.covers(moment("2026-03-10T00:00:00Z"), Some("eu-west-1")));
    }

    #[test]
    fn other_services_keep_their_files_beside_the_logs() {
        for (path, expected) in [
            (
                "b/AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/10/a.json.gz",
                false,
            ),
            (
                "b/AWSLogs/111122223333/CloudTrail-Digest/us-east-1/a.json.gz",
                true,
            ),
            (
                "b/AWSLogs/o-abc/111122223333/CloudTrail-Insight/a.json.gz",
                true,
            ),
            (
                "b/AWSLogs/111122223333/Config/us-east-1/2026/3/10/a.json.gz",
                true,
            ),
            (
                "b/AWSLogs/111122223333/GuardDuty/us-east-1/a.jsonl.gz",
                true,
            ),
            (
                "flat/111122223333_Config_us-east-1_ConfigHistory_a.json.gz",
                true,
            ),
            (
                "flat/111122223333_CloudTrail-Digest_us-east-1_a.json.gz",
                true,
            ),
            ("flat/111122223333_CloudTrail_us-east-1_a.json.gz", false),
            ("Config/2026/a.json", false),
            ("111122223333/Config", false),
        ] {
            assert_eq!(is_of_another_service(Path::new(path)), expected, "{path}");
        }
    }

    #[test]
    fn names_promise_records() {
        for (name, log, lines) in [
            ("a.json", true, false),
            ("a.json.gz", true, false),
            ("A.JSON.GZ", true, false),
            ("a.jsonl", true, true),
            ("a.jsonl.gz", true, true),
            ("a.NDJSON", true, true),
            ("000012.gz", true, false),
            ("a.ndjson.gz", true, true),
            ("LICENSE", false, false),
            ("a.yaml", false, false),
            ("a.gz", false, false),
        ] {
            assert_eq!(
                (is_log(Path::new(name)), is_lines(Path::new(name))),
                (log, lines),
                "{name}"
            );
        }
    }
}
