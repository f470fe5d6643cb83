//! What tells that compiled rules are damaged, when a function starts.

/// A sum that any damage changes, at a small part of the cost of a cryptographic one: each word of
/// a block at a turn of its own, so that exchanged words do not sum alike.
pub(super) fn quick_sum(bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
    let mixed = |sum: u64, word: u64| (sum.rotate_left(7) ^ word).wrapping_mul(ODD);
    let (words, rest) = bytes.as_chunks::<8>();
    let (blocks, odd_words) = words.as_chunks::<8>();
    let mut sum = 0_u64;
    for [a, b, c, d, e, f, g, h] in blocks {
        let block = u64::from_le_bytes(*a)
            ^ u64::from_le_bytes(*b).rotate_left(7)
            ^ u64::from_le_bytes(*c).rotate_left(15)
            ^ u64::from_le_bytes(*d).rotate_left(23)
            ^ u64::from_le_bytes(*e).rotate_left(31)
            ^ u64::from_le_bytes(*f).rotate_left(39)
            ^ u64::from_le_bytes(*g).rotate_left(47)
            ^ u64::from_le_bytes(*h).rotate_left(55);
        sum = mixed(sum, block);
    }
    for word in odd_words {
        sum = mixed(sum, u64::from_le_bytes(*word));
    }
    for &byte in rest {
        sum = mixed(sum, u64::from(byte) + 1);
    }
    sum
}
