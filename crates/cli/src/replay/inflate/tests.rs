//! Compressed, damaged and hostile files.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn drain(values: io::Result<Values<'_>>) -> (bool, Result<Vec<u8>, String>) {
    let read = |mut values: Values<'_>| {
        let text = values.beginning(usize::MAX).to_vec();
        values.take(text.len());
        values
            .peek()
            .map(|_| text)
            .map_err(|error| error.to_string())
    };
    match values {
        Ok(values) => (values.is_whole(), read(values)),
        Err(error) => (false, Err(error.to_string())),
    }
}

/// The bytes that are read, and whether they were whole.
fn read(bytes: &[u8]) -> (bool, Result<Vec<u8>, String>) {
    let count = AtomicU64::new(0);
    let mut opener = Opener::new();
    // Something longer has been in the same memory before.
    let before = gzip(&b"longer than what follows, most of the time".repeat(9));
    drain(opener.read(&*before, &count)).1.unwrap();
    let got = drain(opener.read(bytes, &count));
    assert_eq!(
        count.load(Ordering::Relaxed),
        (before.len() + bytes.len()) as u64,
        "all bytes of the files are counted"
    );
    if bytes.starts_with(MAGIC) && got.1.is_ok() {
        let mut streamed = Vec::new();
        decoded(bytes).unwrap().read_to_end(&mut streamed).unwrap();
        assert_eq!(got.1.as_ref(), Ok(&streamed), "the stream reads the same");
    }
    got
}

#[test]
fn plain_packed_and_packed_twice_over() {
    let whole = |text: &[u8]| (true, Ok(text.to_vec()));
    assert_eq!(read(b"plain"), whole(b"plain"));
    assert_eq!(read(b""), whole(b""));
    assert_eq!(read(&gzip(b"packed")), whole(b"packed"));
    assert_eq!(read(&gzip(b"")), (false, Ok(Vec::new())));
    let members = [gzip(b"one "), gzip(b"two "), gzip(b"three")].concat();
    assert_eq!(read(&members), (false, Ok(b"one two three".to_vec())));
    // The last member's length is the first one's.
    let twins = [gzip(b"one "), gzip(b"two ")].concat();
    assert_eq!(read(&twins), (false, Ok(b"one two ".to_vec())));
}

#[test]
fn what_is_large_is_a_stream() {
    let text = b"0123456789 bcdef".repeat(WHOLE_BYTES / 16 + 1);
    assert_eq!(read(&gzip(&text)), (false, Ok(text.clone())));
    assert_eq!(read(&text), (false, Ok(text)));
    let text = b"0123456789 bcdef".repeat(WHOLE_BYTES / 16);
    assert_eq!(read(&gzip(&text)), (true, Ok(text)));
}

#[test]
fn damage_is_said() {
    let whole = gzip(&b"some text that compresses to a few blocks ".repeat(1000));
    let damage = |bytes: &[u8]| read(bytes).1.unwrap_err();
    let cut = &whole[..whole.len() - 9];
    assert_eq!(damage(cut), "the compressed data ends too early");
    // The data, its sum, and its length.
    for at in [whole.len() / 2, whole.len() - 6, whole.len() - 1] {
        let mut flipped = whole.clone();
        flipped[at] ^= 0xff;
        let damage = damage(&flipped);
        assert!(
            damage.starts_with("the compressed data is damaged"),
            "{at}: {damage}"
        );
    }
    for more in [&b"more"[..], &[0; 8], &[0x1f, 0x8b, 8, 0, 0]] {
        read(&[&whole, more].concat()).1.unwrap_err();
    }
    damage(&[0x1f, 0x8b, 9, 9]);
}

#[test]
fn a_bomb_is_stopped_by_its_ratio() {
    let bomb = gzip(&vec![b' '; 65 << 20]);
    assert!(bomb.len() < 1 << 20);
    assert!(read(&bomb).1.unwrap_err().contains("250 times its size"));
}
