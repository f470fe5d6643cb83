//! Hostile text made fit to be shown. Role names, session names, user agents and documents are
//! written by attackers: they must not add lines, hide or reorder what stands beside them, make
//! links, or write markup.

/// Characters that readers do not see, or that move what they see.
pub(crate) fn invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
        )
}

/// One line of at most so many characters: white space of any kind becomes a space, invisible
/// characters go; `…` stands where it was cut.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let mut line = String::with_capacity(text.len().min(most * 2));
    let mut left = most;
    for character in text.chars() {
        let shown = match character {
            '\n' | '\r' | '\t' => ' ',
            hidden if invisible(hidden) => continue,
            plain => plain,
        };
        if left == 0 {
            line.pop();
            line.push('…');
            break;
        }
        line.push(shown);
        left -= 1;
    }
    line
}

/// For plain text that is read in a mail program: [`one_line`], with angle brackets that no
/// program takes for markup, and addresses that none makes a link of.
pub(crate) fn in_mail(text: &str, most: usize) -> String {
    one_line(text, most)
        .replace('<', "‹")
        .replace('>', "›")
        .replace("://", "[://]")
}

/// What is left of a text for machines: invisible characters go, line breaks and tabs stay.
pub(crate) fn for_machines(text: &str) -> Option<String> {
    let fits = |character: char| matches!(character, '\n' | '\t') || !invisible(character);
    (!text.chars().all(fits)).then(|| text.chars().filter(|character| fits(*character)).collect())
}

/// Percent-encodes everything but letters, digits, `-`, `_`, `.` and `~`.
pub(crate) fn in_url(text: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// `3 h 5 min`, `2 min 4 s`, `17 s`.
pub(crate) fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes, seconds % 60) {
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, hours, ..) => format!("{days} d {hours} h"),
    }
}
