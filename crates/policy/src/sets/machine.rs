//! A pattern as an automaton: a state is the set of positions in it that a text read so far may have
//! reached, one bit each, so that it is deterministic and patterns to avoid are read like the others.

use std::borrow::Cow;

use super::pattern::{Token, folded};
use super::universe::View;

/// One pattern of one demand, as an automaton.
pub(super) struct Machine<'t> {
    pub(super) demand: usize,
    pub(super) tokens: Cow<'t, [Token]>,
    pub(super) fold: bool,
    pub(super) view: View,
    pub(super) fits: bool,
    /// The positions of stars.
    pub(super) stars: Vec<u64>,
    /// Where its bits begin in a state.
    pub(super) offset: usize,
    pub(super) words: usize,
}

impl Machine<'_> {
    pub(super) fn bits<'s>(&self, state: &'s [u64]) -> &'s [u64] {
        state
            .get(self.offset..self.offset + self.words)
            .unwrap_or(&[])
    }

    /// Positions reached without reading: past every star.
    pub(super) fn close(&self, bits: &mut [u64]) {
        loop {
            let mut changed = false;
            let mut carry = 0;
            for (word, stars) in bits.iter_mut().zip(&self.stars) {
                let at_star = *word & stars;
                let reached = *word | (at_star << 1) | carry;
                carry = at_star >> 63;
                changed |= reached != *word;
                *word = reached;
            }
            // A star right after a star asks for another round.
            if !changed {
                return;
            }
        }
    }

    pub(super) fn start(&self) -> Vec<u64> {
        let mut bits = vec![0; self.words];
        set(&mut bits, 0);
        self.close(&mut bits);
        bits
    }

    pub(super) fn step(&self, from: &[u64], c: char) -> Vec<u64> {
        let mut to = vec![0; self.words];
        for index in ones(from) {
            let Some(token) = self.tokens.get(index) else {
                continue;
            };
            let next = match token {
                Token::Char(want) => {
                    (*want == c || (self.fold && folded(*want) == folded(c))).then_some(index + 1)
                }
                Token::One => Some(index + 1),
                Token::OneInSegment => (c != ':').then_some(index + 1),
                Token::Digit => c.is_ascii_digit().then_some(index + 1),
                Token::Many | Token::Variable(_) => Some(index),
                Token::ManyInSegment => (c != ':').then_some(index),
            };
            if let Some(next) = next {
                set(&mut to, next);
            }
        }
        self.close(&mut to);
        to
    }

    pub(super) fn accepts(&self, bits: &[u64]) -> bool {
        has(bits, self.tokens.len())
    }

    /// Every text from here on fits.
    pub(super) fn accepts_forever(&self, bits: &[u64]) -> bool {
        self.view == View::Whole
            && matches!(self.tokens.last(), Some(Token::Many))
            && has(bits, self.tokens.len())
    }
}

pub(super) fn set(bits: &mut [u64], index: usize) {
    if let Some(word) = bits.get_mut(index / 64) {
        *word |= 1 << (index % 64);
    }
}

fn has(bits: &[u64], index: usize) -> bool {
    bits.get(index / 64)
        .is_some_and(|word| word & (1 << (index % 64)) != 0)
}

pub(super) fn ones(bits: &[u64]) -> impl Iterator<Item = usize> + '_ {
    bits.iter().enumerate().flat_map(|(place, word)| {
        let mut word = *word;
        std::iter::from_fn(move || {
            (word != 0).then(|| {
                let bit = word.trailing_zeros() as usize;
                word &= word - 1;
                place * 64 + bit
            })
        })
    })
}
