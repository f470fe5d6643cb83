//! How what only the deployment tells stands in a text.

use std::borrow::Cow;

/// Around the name of what is not known, in a text. No template holds these: they are of no script.
pub const MARKS: [char; 2] = ['\u{f8fe}', '\u{f8ff}'];

/// A text that only the deployment tells, by its name.
pub fn marked(name: &str) -> String {
    let [open, close] = MARKS;
    format!("{open}{name}{close}")
}

/// Is a part of it not known?
pub fn is_pending(text: &str) -> bool {
    text.contains(MARKS)
}

/// Takes such marks out of what somebody wrote.
pub fn unmarked(text: &str) -> Cow<'_, str> {
    if is_pending(text) {
        text.replace(MARKS, "\u{fffd}").into()
    } else {
        text.into()
    }
}
