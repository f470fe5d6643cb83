//! Text as YAML: plain where nothing can be read into it, and otherwise in double quotes, with
//! everything escaped that a reader would not see.

use crate::terminal_escape::is_hidden;

/// One scalar that every YAML reader takes for this very text.
pub(super) fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    quoted(text)
}

/// The same, always in quotes: what looks like a number (an account id), and lists of texts.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            _ if is_hidden(character) || is_no_yaml(character) => {
                quoted.push_str(&format!("\\U{:08x}", u32::from(character)));
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    quoted
}

/// `["a", "b"]`.
pub(super) fn list(texts: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let quoted: Vec<String> = texts
        .into_iter()
        .map(|text| quoted(text.as_ref()))
        .collect();
    format!("[{}]", quoted.join(", "))
}

/// Letters, and what between letters means nothing to YAML; no word that some reader takes for
/// a truth value or for nothing. A date stands plain as well, as people write it.
fn is_plain(text: &str) -> bool {
    if is_date(text) {
        return true;
    }
    let words = ["true", "false", "yes", "no", "on", "off", "y", "n", "null"];
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && !text.ends_with(' ')
        && text
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || " _.@-".contains(character))
        && !words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

/// Characters that YAML 1.2 admits only escaped, or that break a line.
fn is_no_yaml(character: char) -> bool {
    matches!(character, '\u{85}' | '\u{fffe}' | '\u{ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_only_where_nothing_can_be_read_into_it() {
        for (text, expected) in [
            ("Example Monitoring", "Example Monitoring"),
            ("platform@example.com", "platform@example.com"),
            ("2027-03-31", "2027-03-31"),
            ("SEC-1234", "SEC-1234"),
            ("no", "\"no\""),
            ("Null", "\"Null\""),
            ("", "\"\""),
            ("123456789012", "\"123456789012\""),
            ("!Sub x", "\"!Sub x\""),
            ("a: b", "\"a: b\""),
            ("a #b", "\"a #b\""),
            ("- a", "\"- a\""),
            ("&a", "\"&a\""),
            ("a ", "\"a \""),
            ("{{resolve:ssm:x}}", "\"{{resolve:ssm:x}}\""),
            ("say \"\\\"", "\"say \\\"\\\\\\\"\""),
            ("a\nb", "\"a\\U0000000ab\""),
            ("\u{202e}x", "\"\\U0000202ex\""),
        ] {
            assert_eq!(scalar(text), expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn a_reader_gets_back_what_was_written(text in any::<String>()) {
            let read: String = serde_saphyr::from_str(&scalar(&text)).unwrap();
            prop_assert_eq!(&read, &text);
            let read: Vec<String> = serde_saphyr::from_str(&list([&text, "x"])).unwrap();
            prop_assert_eq!(read, [text, "x".to_owned()]);
        }

        #[test]
        fn words_and_numbers_and_marks_stay_texts(text in "[-?:,\\[\\]{}#&*!|>'\"%@`~=<a-zA-Z0-9. ]{0,12}") {
            let line = format!("key: {}\nlist: {}\n", scalar(&text), list([&text]));
            let read: std::collections::BTreeMap<String, serde_json::Value> =
                serde_saphyr::from_str(&line).unwrap();
            prop_assert_eq!(read.get("key").unwrap(), &serde_json::Value::from(text.clone()));
            prop_assert_eq!(read.get("list").unwrap(), &serde_json::json!([text]));
        }
    }
}
