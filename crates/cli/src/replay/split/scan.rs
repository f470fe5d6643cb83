//! Where a value ends, byte by byte: for what is out of the ordinary.

/// Where in a value the bytes are.
#[derive(Debug, Default)]
pub(super) struct Scan {
    pub(super) depth: usize,
    pub(super) quoted: bool,
    escaped: bool,
    /// A number or a word has begun: it ends before the next byte that is none of it.
    bare: bool,
}

impl Scan {
    /// Within an object whose bracket has been read.
    pub(super) fn in_object() -> Self {
        Self {
            depth: 1,
            ..Self::default()
        }
    }

    /// How many of `bytes` still belong to the value, if it ends among them.
    pub(super) fn run(&mut self, bytes: &[u8]) -> Option<usize> {
        for (index, byte) in bytes.iter().enumerate() {
            if self.quoted {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => {
                        self.quoted = false;
                        if self.depth == 0 {
                            return Some(index + 1);
                        }
                    }
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.quoted = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' if self.depth > 0 => {
                    self.depth -= 1;
                    if self.depth == 0 {
                        return Some(index + 1);
                    }
                }
                b'}' | b']' | b',' | b':' if self.depth == 0 => return Some(index),
                _ if byte.is_ascii_whitespace() && self.depth == 0 && self.bare => {
                    return Some(index);
                }
                _ => self.bare = true,
            }
        }
        None
    }
}
