//! One line in, one line out, in order, on all cores, in memory that does not grow with the input.
//!
//! The reader deals blocks of whole lines to the workers in turn, and the writer collects them in
//! the same turn. All channels are bounded, so the slowest of the three sets the pace and nothing
//! needs to be put back in order.

use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// A block is sent off at this size, or as soon as the input pauses.
const BLOCK_BYTES: usize = 64 * 1024;

/// A longer line is not held in memory: a trust policy ends at 131,072 characters, which percent
/// or JSON escapes can make six times as long.
pub(crate) const MOST_LINE_BYTES: usize = 8 << 20;

/// Blocks that may wait before and behind each worker.
const WAITING: usize = 2;

/// A line of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// Its bytes, without the line's end.
    Whole(&'a [u8]),
    /// More than [`MOST_LINE_BYTES`].
    TooLong,
}

/// Whole lines, and the number of the first.
struct Block {
    bytes: Vec<u8>,
    first_line: u64,
    /// Behind the lines in `bytes` stands one that is too long.
    then_too_long: bool,
}

/// A block that has been answered.
struct Answered {
    /// How many bytes it had.
    asked: u64,
    bytes: Vec<u8>,
    good: bool,
}

/// How the input ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    /// Every line had an answer.
    pub(crate) good: bool,
}

/// A run that ended early.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The input cannot be read any further; what was read has been answered.
    Read(io::Error),
    /// The output takes no more.
    Write(io::Error),
}

/// Answers every line that is not blank. `answer` appends one line to its buffer and says whether
/// it is an answer and no error; `progress` gets how many bytes of input are answered.
pub(crate) fn run(
    input: impl Read + Send,
    out: &mut dyn Write,
    progress: &mut dyn FnMut(u64),
    workers: usize,
    answer: &(dyn Fn(u64, Line<'_>, &mut Vec<u8>) -> bool + Sync),
) -> Result<Ended, Broken> {
    thread::scope(|scope| {
        let mut to_workers: Vec<SyncSender<Block>> = Vec::new();
        let mut from_workers: Vec<Receiver<Answered>> = Vec::new();
        for _ in 0..workers.max(1) {
            let (send_block, blocks) = sync_channel::<Block>(WAITING);
            let (send_answer, answers) = sync_channel(WAITING);
            to_workers.push(send_block);
            from_workers.push(answers);
            scope.spawn(move || {
                for block in blocks {
                    // The writer has gone: nobody wants the rest.
                    if send_answer.send(answer_block(&block, answer)).is_err() {
                        break;
                    }
                }
            });
        }
        let reader = scope.spawn(move || deal(input, &to_workers));

        let mut ended = Ended { good: true };
        let mut done = 0;
        let written = (|| {
            for answers in from_workers.iter().cycle() {
                // The first worker in turn that has none had the last block before it.
                let Ok(answered) = answers.recv() else { break };
                ended.good &= answered.good;
                out.write_all(&answered.bytes)?;
                out.flush()?;
                done += answered.asked;
                progress(done);
            }
            Ok(())
        })();
        drop(from_workers);
        let read = reader.join();
        written.map_err(Broken::Write)?;
        match read {
            Ok(Ok(())) => Ok(ended),
            Ok(Err(error)) => Err(Broken::Read(error)),
            Err(_) => Err(Broken::Read(io::Error::other("reading ended unexpectedly"))),
        }
    })
}

fn answer_block(
    block: &Block,
    answer: &(dyn Fn(u64, Line<'_>, &mut Vec<u8>) -> bool + Sync),
) -> Answered {
    let mut answered = Answered {
        asked: block.bytes.len() as u64,
        bytes: Vec::new(),
        good: true,
    };
    let mut number = block.first_line;
    let mut begin = 0;
    let ends = memchr::memchr_iter(b'\n', &block.bytes).map(|end| end + 1);
    for end in ends.chain([block.bytes.len()]) {
        let line = block.bytes.get(begin..end).unwrap_or_default();
        if !line.trim_ascii().is_empty() {
            answered.good &= answer(number, Line::Whole(line.trim_ascii()), &mut answered.bytes);
        }
        number += u64::from(line.ends_with(b"\n"));
        begin = end;
    }
    if block.then_too_long {
        answered.good &= answer(number, Line::TooLong, &mut answered.bytes);
    }
    answered
}

/// Cuts the input into blocks and deals them out.
fn deal(mut input: impl Read, workers: &[SyncSender<Block>]) -> io::Result<()> {
    let mut turn = workers.iter().cycle();
    let mut buffer: Vec<u8> = Vec::new();
    let mut first_line = 1;
    // Within a line that is too long: its rest is not kept.
    let mut skipping = false;
    loop {
        let old = buffer.len();
        buffer.resize(old + BLOCK_BYTES, 0);
        let space = buffer.get_mut(old..).unwrap_or_default();
        let read = match input.read(space) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                buffer.truncate(old);
                continue;
            }
            other => other,
        };
        buffer.truncate(old + *read.as_ref().unwrap_or(&0));
        let ended = match &read {
            Ok(bytes) => *bytes == 0,
            Err(_) => true,
        };
        if skipping {
            match buffer.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    buffer.drain(..=end);
                    skipping = false;
                    first_line += 1;
                }
                None => buffer.clear(),
            }
        }
        // What was left from before is the beginning of a line: only what is new can end it.
        let new = buffer.get(old..).unwrap_or_default();
        let whole = match memchr::memrchr(b'\n', new) {
            _ if ended => buffer.len(),
            Some(end) => old + end + 1,
            None => 0,
        };
        if whole == 0 && !ended && buffer.len() <= MOST_LINE_BYTES {
            continue;
        }
        let rest = buffer.split_off(whole);
        let bytes = std::mem::replace(&mut buffer, rest);
        let lines = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        let then_too_long = buffer.len() > MOST_LINE_BYTES;
        if then_too_long {
            buffer.clear();
            skipping = true;
        }
        if !bytes.is_empty() || then_too_long {
            let block = Block {
                bytes,
                first_line,
                then_too_long,
            };
            first_line += lines;
            let sent = turn.next().map(|worker| worker.send(block));
            if !matches!(sent, Some(Ok(()))) {
                return Ok(());
            }
        }
        read?;
        if ended {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn echo(number: u64, line: Line<'_>, out: &mut Vec<u8>) -> bool {
        let text = match line {
            Line::Whole(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Line::TooLong => "TOO LONG".to_owned(),
        };
        writeln!(out, "{number}:{text}").unwrap();
        text != "bad"
    }

    fn run_all(input: &[u8], workers: usize) -> (String, bool) {
        let mut out = Vec::new();
        let ended = run(input, &mut out, &mut |_| (), workers, &echo).unwrap();
        (String::from_utf8(out).unwrap(), ended.good)
    }

    #[test]
    fn every_line_is_answered_in_order() {
        for workers in [1, 2, 7] {
            assert_eq!(run_all(b"", workers), (String::new(), true));
            assert_eq!(
                run_all(b"a\n\n b\r\nc", workers),
                ("1:a\n3:b\n4:c\n".into(), true)
            );
            assert_eq!(
                run_all(b"a\nbad\n", workers),
                ("1:a\n2:bad\n".into(), false)
            );
            let many: String = (1..=50_000).map(|n| format!("line {n}\n")).collect();
            let expected: String = (1..=50_000).map(|n| format!("{n}:line {n}\n")).collect();
            assert_eq!(run_all(many.as_bytes(), workers), (expected, true));
        }
    }

    #[test]
    fn a_line_without_end_is_reported_and_passed() {
        let long = "x".repeat(MOST_LINE_BYTES + 3 * BLOCK_BYTES);
        let input = format!("a\n{long}\nb\n");
        assert_eq!(run_all(input.as_bytes(), 2).0, "1:a\n2:TOO LONG\n3:b\n");
        let input = format!("{long}{long}");
        assert_eq!(run_all(input.as_bytes(), 2).0, "1:TOO LONG\n");
    }

    /// Counts what has been read and never ends.
    struct Endless<'a>(&'a AtomicUsize);

    impl Read for Endless<'_> {
        fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
            space.fill(b'\n');
            if let Some(first) = space.first_mut() {
                *first = b'x';
            }
            self.0.fetch_add(space.len(), Ordering::SeqCst);
            Ok(space.len())
        }
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::Error::from(io::ErrorKind::BrokenPipe))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_output_ends_the_reading() {
        let read = AtomicUsize::new(0);
        let ended = run(Endless(&read), &mut Full, &mut |_| (), 2, &echo);
        assert!(matches!(ended, Err(Broken::Write(_))));
        // A window of blocks, and no more.
        assert!(read.load(Ordering::SeqCst) <= 64 * BLOCK_BYTES);
    }

    #[test]
    fn what_was_read_before_an_error_is_answered() {
        struct Fails(bool);
        impl Read for Fails {
            fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
                if std::mem::replace(&mut self.0, true) {
                    return Err(io::Error::other("gone"));
                }
                space[..4].copy_from_slice(b"a\nb\n");
                Ok(4)
            }
        }
        let mut out = Vec::new();
        assert!(matches!(
            run(Fails(false), &mut out, &mut |_| (), 2, &echo),
            Err(Broken::Read(_))
        ));
        assert_eq!(out, b"1:a\n2:b\n");
    }
}
