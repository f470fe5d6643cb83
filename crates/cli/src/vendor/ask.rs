//! Asking a person for what the command line did not say.

use std::io::{self, BufRead};

use crate::Streams;
use crate::args::VendorNewArgs;
use crate::least::{check_action, check_resource};

/// One thing that must be known.
struct Question {
    flag: &'static str,
    text: &'static str,
    /// Several answers, with commas between them.
    many: bool,
    /// No answer will do as well.
    optional: bool,
    missing: fn(&VendorNewArgs) -> bool,
    /// Names the fault of an answer.
    wrong: fn(&str) -> Option<String>,
    take: fn(&mut VendorNewArgs, Vec<String>),
}

const QUESTIONS: &[Question] = &[
    Question {
        flag: "--name",
        text: "Name of the third party",
        many: false,
        optional: false,
        missing: |asked| asked.name.is_none(),
        wrong: |_| None,
        take: |asked, answers| asked.name = answers.into_iter().next(),
    },
    Question {
        flag: "--account or --principal",
        text: "Its AWS accounts (12 digits), or the ARNs of its roles",
        many: true,
        optional: false,
        missing: |asked| asked.account.is_empty() && asked.principal.is_empty(),
        wrong: |answer| {
            let right = answer.starts_with("arn:") || guard::rules::is_account_id(answer);
            (!right).then(|| "neither an account id of 12 digits nor an ARN".to_owned())
        },
        take: |asked, answers| {
            let is_arn = |answer: &String| answer.starts_with("arn:");
            (asked.principal, asked.account) = answers.into_iter().partition(is_arn);
        },
    },
    Question {
        flag: "--role",
        text: "Name of the role to be made for it",
        many: true,
        optional: false,
        missing: |asked| asked.role.is_empty(),
        wrong: |_| None,
        take: |asked, answers| asked.role = answers,
    },
    Question {
        flag: "--action or --profile",
        text: "Actions it needs, as ec2:Describe*, s3:GetObject",
        many: true,
        optional: false,
        missing: |asked| asked.action.is_empty() && asked.profile.is_none(),
        wrong: |answer| check_action(answer).err().map(|error| error.to_string()),
        take: |asked, answers| asked.action = answers,
    },
    Question {
        flag: "--resource",
        text: "Resources, as arn:aws:s3:::bucket/* (empty: all)",
        many: true,
        optional: true,
        missing: |asked| asked.resource.is_empty() && asked.profile.is_none(),
        wrong: |answer| check_resource(answer).err().map(|error| error.to_string()),
        take: |asked, answers| asked.resource = answers,
    },
    Question {
        flag: "--owner",
        text: "Its owner on your side",
        many: false,
        optional: false,
        missing: |asked| asked.owner.is_none(),
        wrong: |_| None,
        take: |asked, answers| asked.owner = answers.into_iter().next(),
    },
    Question {
        flag: "--ticket",
        text: "The ticket of its approval (empty: none)",
        many: false,
        optional: true,
        missing: |asked| asked.ticket.is_none(),
        wrong: |_| None,
        take: |asked, answers| asked.ticket = answers.into_iter().next(),
    },
    Question {
        flag: "--expires",
        text: "The last day of its access, as 2027-03-31",
        many: false,
        optional: false,
        missing: |asked| asked.expires.is_none(),
        wrong: |answer| {
            let right = guard::rules::expiry(answer).is_some();
            (!right).then(|| "no date".to_owned())
        },
        take: |asked, answers| asked.expires = answers.into_iter().next(),
    },
    Question {
        flag: "--external-id",
        text: "The external id that the vendor made, one for each role (empty: a random one)",
        many: true,
        optional: true,
        missing: |asked| asked.external_id.is_empty(),
        wrong: |_| None,
        take: |asked, answers| asked.external_id = answers,
    },
];

/// The flags without which nothing can be done.
pub(super) fn missing(asked: &VendorNewArgs) -> Vec<&'static str> {
    QUESTIONS
        .iter()
        .filter(|question| !question.optional && (question.missing)(asked))
        .map(|question| question.flag)
        .collect()
}

/// Asks for what is missing, until each answer can be used; `false` if the answers end before.
pub(super) fn ask(
    asked: &mut VendorNewArgs,
    from: &mut dyn BufRead,
    streams: &mut Streams<'_>,
) -> io::Result<bool> {
    for question in QUESTIONS {
        if !(question.missing)(asked) {
            continue;
        }
        loop {
            streams.prompt(format_args!("{}: ", question.text));
            let mut line = String::new();
            if from.read_line(&mut line)? == 0 {
                return Ok(false);
            }
            let answers: Vec<String> = if question.many {
                line.split(',').map(|part| part.trim().to_owned()).collect()
            } else {
                vec![line.trim().to_owned()]
            };
            let answers: Vec<String> = answers
                .into_iter()
                .filter(|answer| !answer.is_empty())
                .collect();
            if answers.is_empty() && !question.optional {
                continue;
            }
            let wrong = answers.iter().find_map(|answer| (question.wrong)(answer));
            if let Some(wrong) = wrong {
                streams.error(crate::terminal_escape::escaped(wrong));
                continue;
            }
            (question.take)(asked, answers);
            break;
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::Colors;
    use crate::args::{Command, CommandLine, VendorCommand};

    fn arguments(flags: &[&str]) -> VendorNewArgs {
        let line = ["trustwarden", "vendor", "new"].iter().chain(flags);
        match CommandLine::try_parse_from(line).unwrap().command {
            Command::Vendor(VendorCommand::New(asked)) => *asked,
            other => panic!("{other:?}"),
        }
    }

    fn answer(asked: &mut VendorNewArgs, answers: &str) -> (bool, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut streams = Streams::new(&mut out, Colors::PLAIN, &mut err, Colors::PLAIN);
        let whole = ask(asked, &mut answers.as_bytes(), &mut streams).unwrap();
        assert!(out.is_empty(), "questions are no data");
        (whole, String::from_utf8(err).unwrap())
    }

    #[test]
    fn what_is_missing_is_asked_for_until_it_can_be_used() {
        let mut asked = arguments(&["--owner", "me"]);
        assert_eq!(
            missing(&asked),
            [
                "--name",
                "--account or --principal",
                "--role",
                "--action or --profile",
                "--expires"
            ]
        );
        let (whole, said) = answer(
            &mut asked,
            " Example \n12345\n123456789012, arn:aws:iam::123456789012:role/x\n\nReader\n*\n\
             ec2:Describe*, s3:GetObject\n\nSEC-1\nsoon\n2027-03-31\n\n",
        );
        assert!(whole);
        assert_eq!(missing(&asked), Vec::<&str>::new());
        assert_eq!(asked.name.as_deref(), Some("Example"));
        assert_eq!(asked.account, ["123456789012"]);
        assert_eq!(asked.principal, ["arn:aws:iam::123456789012:role/x"]);
        assert_eq!(asked.role, ["Reader"]);
        assert_eq!(asked.action, ["ec2:Describe*", "s3:GetObject"]);
        assert_eq!(asked.resource, Vec::<String>::new());
        assert_eq!(asked.owner.as_deref(), Some("me"));
        assert_eq!(asked.ticket.as_deref(), Some("SEC-1"));
        assert_eq!(asked.expires.as_deref(), Some("2027-03-31"));
        assert_eq!(asked.external_id, Vec::<String>::new());
        assert!(said.contains("neither an account id"), "{said}");
        assert!(said.contains("`*` is more than anyone needs"), "{said}");
        assert!(said.contains("no date"), "{said}");
        assert!(!said.contains("Who answers"), "{said}");
    }

    #[test]
    fn answers_that_end_are_no_answers() {
        let mut asked = arguments(&[]);
        assert!(!answer(&mut asked, "Example\n").0);
    }
}
