//! Makes a CloudTrail bucket out of nothing: S3's layout, the calls that an ordinary account is full
//! of, in CloudTrail's own order of keys and at its own sizes, and among them, seldom, what the guard
//! acts on. For measurements; never shipped.
//!
//! The same seed makes the same bytes. Beside the bucket lies `planted.json`: what a replay under
//! the rules of `crates/cli/testdata` has to count and to alert about.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a tool for measurements may fail by panicking, and says why"
)]

mod calls;
mod planted;

use std::fs::{self, File};
use std::io::Write;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use clap::Parser;
use fastrand::Rng;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::{SignedDuration, Timestamp};

use planted::Planted;

pub(crate) const ACCOUNT: &str = "111122223333";
const REGIONS: [&str; 4] = ["us-east-1", "us-east-1", "eu-west-1", "ap-southeast-2"];

/// Makes a CloudTrail bucket out of nothing.
#[derive(Parser)]
struct Arguments {
    /// What it is made from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many files.
    #[arg(long)]
    files: u32,
    /// How many records the smallest has.
    #[arg(long)]
    least: u32,
    /// How many records the largest has.
    #[arg(long)]
    most: u32,
    /// Which of so many records is of interest; one more is delivered twice.
    #[arg(long, default_value_t = 4000)]
    one_in: u32,
    /// The folder, which is made.
    out: PathBuf,
}

/// Where and when a record is from.
pub(crate) struct Scene {
    pub(crate) time: Timestamp,
    pub(crate) region: &'static str,
}

fn main() {
    let arguments = Arguments::parse();
    let mut rng = Rng::with_seed(arguments.seed);
    let mut cast = calls::Cast::new(&mut rng);
    let mut planted = Planted::default();
    let mut again: Option<(String, bool)> = None;
    let start: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
    let size: RangeInclusive<u32> = arguments.least..=arguments.most;
    // Trails deliver about every five minutes; the files fill ten days whatever their number.
    let pace = SignedDuration::from_secs(10 * 86_400) / i32::try_from(arguments.files).unwrap();
    for number in 0..arguments.files {
        let delivered = start + pace * i32::try_from(number).unwrap();
        let region = REGIONS[rng.usize(..REGIONS.len())];
        let mut text = String::from(r#"{"Records":["#);
        let mut records = Vec::new();
        if let Some((record, matters)) = again.take() {
            planted.again(matters);
            records.push(record);
        }
        for _ in 0..rng.u32(size.clone()) {
            let back = SignedDuration::from_secs(rng.i64(0..900));
            let time = delivered - back;
            let scene = Scene { time, region };
            let before = planted.irrelevant;
            let record = if rng.u32(..arguments.one_in) == 0 {
                planted.record(&mut rng, &scene)
            } else {
                planted.ordinary();
                cast.call(&mut rng, &scene)
            };
            if rng.u32(..arguments.one_in) == 0 {
                again = Some((record.clone(), planted.irrelevant == before));
            }
            records.push(record);
        }
        text.push_str(&records.join(","));
        text.push_str("]}");
        let path = path(&arguments.out, delivered, region, &mut rng);
        write(&path, text.as_bytes());
    }
    fs::write(arguments.out.join("planted.json"), planted.json()).unwrap();
    eprintln!("{}", planted.json());
}

fn path(out: &Path, delivered: Timestamp, region: &str, rng: &mut Rng) -> PathBuf {
    let day = delivered.strftime("%Y/%m/%d");
    let minute = delivered.strftime("%Y%m%dT%H%MZ");
    let unique = calls::letters(rng, 16);
    out.join(format!(
        "AWSLogs/{ACCOUNT}/CloudTrail/{region}/{day}/{ACCOUNT}_CloudTrail_{region}_{minute}_{unique}.json.gz"
    ))
}

fn write(path: &Path, bytes: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut packed = GzEncoder::new(File::create(path).unwrap(), Compression::default());
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap();
}
