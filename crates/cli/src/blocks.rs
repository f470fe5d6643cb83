//! JSON's text, 64 bytes at a time, as sets of positions: which are quotes, which brackets, which
//! stand within a string.
//!
//! The idea is that of Langdale and Lemire, "Parsing Gigabytes of JSON per Second" (2019).

use wide::u8x16;

/// So many bytes are looked at together.
pub(crate) const BLOCK: usize = 64;

/// Where, in a block, each kind of byte stands: the lowest bit is the first byte.
pub(crate) struct Bytes {
    /// `"`
    pub(crate) quote: u64,
    /// `\`
    pub(crate) backslash: u64,
    /// `{` and `[`
    pub(crate) open: u64,
    /// `}` and `]`
    pub(crate) close: u64,
    /// `,`
    pub(crate) comma: u64,
    /// `:`
    pub(crate) colon: u64,
}

/// A processor's way of looking at a block.
pub(crate) trait Lanes: Copy {
    /// Tells the bytes of a block apart.
    fn bytes(self, block: &[u8; BLOCK]) -> Bytes;
}

/// Something that looks at a text block by block.
pub(crate) trait Look {
    /// What it sees.
    type Output;

    /// Looks. To be inlined, all of it: only then it is compiled for the processor at hand.
    fn look<L: Lanes>(self, lanes: L) -> Self::Output;
}

/// Looks, in the best way that the processor has.
#[inline(always)]
pub(crate) fn look<K: Look>(with: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V4::try_new() {
        return simd.vectorize(x86::Wide(simd, with));
    }
    look_narrower(with)
}

/// Looks, in the second-best way.
#[inline(always)]
pub(crate) fn look_narrower<K: Look>(with: K) -> K::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        return simd.vectorize(x86::Wide(simd, with));
    }
    with.look(Narrow)
}

/// 16 bytes at a time, as every processor of the kind can.
#[derive(Clone, Copy)]
pub(crate) struct Narrow;

impl Lanes for Narrow {
    #[inline(always)]
    fn bytes(self, block: &[u8; BLOCK]) -> Bytes {
        let mut lanes = [u8x16::splat(0); 4];
        for (lane, bytes) in lanes.iter_mut().zip(block.as_chunks::<16>().0) {
            *lane = u8x16::new(*bytes);
        }
        let folded = lanes.map(|lane| lane | u8x16::splat(FOLD));
        Bytes {
            quote: equal(lanes, b'"'),
            backslash: equal(lanes, b'\\'),
            open: equal(folded, b'{'),
            close: equal(folded, b'}'),
            comma: equal(lanes, b','),
            colon: equal(lanes, b':'),
        }
    }
}

#[inline(always)]
fn equal(lanes: [u8x16; 4], byte: u8) -> u64 {
    positions(lanes.map(|lane| lane.simd_eq(u8x16::splat(byte))))
}

#[inline(always)]
fn positions(lanes: [u8x16; 4]) -> u64 {
    let [a, b, c, d] = lanes.map(|lane| u64::from(lane.to_bitmask()));
    a | b << 16 | c << 32 | d << 48
}

/// `[` and `{`, `]` and `}` differ in this bit alone, and no other byte becomes one of them.
const FOLD: u8 = 0x20;

/// 64 bytes at a time, as servers can, or 32, as all but the oldest can. What is to be compiled for
/// that must be inlined into it, so there are no closures.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{__m256i, __m512i};

    use pulp::NullaryFnOnce;
    use pulp::x86::{V3, V4};

    use super::{BLOCK, Bytes, FOLD, Lanes, Look};

    /// Looks in the way of a kind of processors.
    pub(super) struct Wide<L, K>(pub(super) L, pub(super) K);

    impl<L: Lanes, K: Look> NullaryFnOnce for Wide<L, K> {
        type Output = K::Output;

        #[inline(always)]
        fn call(self) -> Self::Output {
            self.1.look(self.0)
        }
    }

    impl Lanes for V4 {
        #[inline(always)]
        fn bytes(self, block: &[u8; BLOCK]) -> Bytes {
            let block: __m512i = pulp::cast(*block);
            let fold = self.avx512f._mm512_set1_epi8(FOLD.cast_signed());
            let folded = self.avx512f._mm512_or_si512(block, fold);
            Bytes {
                quote: equal_64(self, block, b'"'),
                backslash: equal_64(self, block, b'\\'),
                open: equal_64(self, folded, b'{'),
                close: equal_64(self, folded, b'}'),
                comma: equal_64(self, block, b','),
                colon: equal_64(self, block, b':'),
            }
        }
    }

    #[inline(always)]
    fn equal_64(simd: V4, block: __m512i, byte: u8) -> u64 {
        let all = simd.avx512f._mm512_set1_epi8(byte.cast_signed());
        simd.avx512bw._mm512_cmpeq_epi8_mask(block, all)
    }

    impl Lanes for V3 {
        #[inline(always)]
        fn bytes(self, block: &[u8; BLOCK]) -> Bytes {
            let [low, high]: [__m256i; 2] = pulp::cast(*block);
            let fold = self.avx._mm256_set1_epi8(FOLD.cast_signed());
            let folded = [
                self.avx2._mm256_or_si256(low, fold),
                self.avx2._mm256_or_si256(high, fold),
            ];
            let parts = [low, high];
            Bytes {
                quote: equal(self, parts, b'"'),
                backslash: equal(self, parts, b'\\'),
                open: equal(self, folded, b'{'),
                close: equal(self, folded, b'}'),
                comma: equal(self, parts, b','),
                colon: equal(self, parts, b':'),
            }
        }
    }

    #[inline(always)]
    fn equal(simd: V3, parts: [__m256i; 2], byte: u8) -> u64 {
        let all = simd.avx._mm256_set1_epi8(byte.cast_signed());
        same(simd, parts, [all, all])
    }

    #[inline(always)]
    fn same(simd: V3, [low, high]: [__m256i; 2], [low_as, high_as]: [__m256i; 2]) -> u64 {
        let low = simd.avx2._mm256_cmpeq_epi8(low, low_as);
        let high = simd.avx2._mm256_cmpeq_epi8(high, high_as);
        join(simd, [low, high])
    }

    /// The highest bit of each byte.
    #[inline(always)]
    fn join(simd: V3, [low, high]: [__m256i; 2]) -> u64 {
        let low = simd.avx2._mm256_movemask_epi8(low).cast_unsigned();
        let high = simd.avx2._mm256_movemask_epi8(high).cast_unsigned();
        u64::from(low) | u64::from(high) << 32
    }
}

/// For each position, whether the number of set bits up to it is odd.
#[inline(always)]
pub(crate) fn parity(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}

/// Takes the lowest position out of a set.
#[inline(always)]
pub(crate) fn take_first(bits: &mut u64) -> Option<usize> {
    let first = bits.trailing_zeros();
    *bits &= bits.wrapping_sub(1);
    (first < u64::BITS).then_some(first as usize)
}

/// Which positions are within strings, from block to block.
#[derive(Debug, Default)]
pub(crate) struct Strings {
    /// All ones within a string.
    in_string: u64,
    /// 1 if the next block's first byte is escaped.
    escaped: u64,
}

/// The strings of a block.
pub(crate) struct Quoted {
    /// Quotes that begin or end a string.
    pub(crate) quotes: u64,
    /// From each opening quote to before the closing one.
    pub(crate) inside: u64,
}

impl Strings {
    /// The strings of the next block.
    #[inline(always)]
    pub(crate) fn of(&mut self, bytes: &Bytes) -> Quoted {
        let escaped = self.escapes(bytes.backslash);
        let quotes = bytes.quote & !escaped;
        let inside = parity(quotes) ^ self.in_string;
        self.in_string = 0_u64.wrapping_sub(inside >> 63);
        Quoted { quotes, inside }
    }

    /// Which positions a backslash escapes: those behind an odd number of them.
    #[inline(always)]
    fn escapes(&mut self, backslash: u64) -> u64 {
        if backslash == 0 {
            return std::mem::take(&mut self.escaped);
        }
        // A run of backslashes, its bits added to those of the even or odd positions, carries into
        // the position behind the run exactly if the run's length has the wrong parity.
        const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
        let leading = backslash & !self.escaped;
        let behind = (leading << 1 | ODD).wrapping_sub(leading) ^ ODD;
        let escaped = behind ^ (backslash | self.escaped);
        self.escaped = (behind & backslash) >> 63;
        escaped
    }
}
