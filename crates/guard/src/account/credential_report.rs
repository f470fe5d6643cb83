//! The credential report, as IAM prints it and as spreadsheets save it: CSV.

use jiff::Timestamp;

use super::{Answer, Credentials, Key};
use crate::cloudtrail::moment;

/// A credential report, or a row of one, that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CredentialReportError {
    /// The first line names no user.
    #[error("its first line has no column `user`: it is not a credential report")]
    NoUser,
    /// A row is not CSV.
    #[error("it is not CSV")]
    NotCsv(#[source] csv::Error),
    /// A value is not what its column holds.
    #[error("line {line}: {column} is `{value}`, and should be {expected}")]
    Value {
        /// From 1.
        line: u64,
        /// The column's name.
        column: String,
        /// The value.
        value: String,
        /// The expected form.
        expected: &'static str,
    },
}

/// A credential report, as far as it can be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CredentialReport {
    /// The rows that can be read.
    pub rows: Vec<Credentials>,
    /// Why the others cannot. They hide nothing of the rows beside them.
    pub unread: Vec<String>,
}

impl CredentialReport {
    /// Reads a report in CSV.
    ///
    /// # Errors
    /// [`CredentialReportError`]: it is no report.
    pub fn read(text: &str) -> Result<Self, CredentialReportError> {
        let mut report = Self::default();
        read_credential_report(text, &mut |row| match row {
            Ok((credentials, _)) => report.rows.push(credentials),
            Err(error) => report.unread.push(error.to_string()),
        })?;
        Ok(report)
    }
}

/// Gives each row of a report to `take`, with its line; a row that cannot be read does not stop the
/// others.
///
/// # Errors
/// [`CredentialReportError`]: it is no report.
pub fn read_credential_report(
    text: &str,
    take: &mut dyn FnMut(Result<(Credentials, u64), CredentialReportError>),
) -> Result<(), CredentialReportError> {
    // The reader counts a line twice or not at all where it ends in CR LF.
    let text = &text.replace("\r\n", "\n").replace('\r', "\n");
    let first = text.lines().next().unwrap_or_default();
    let delimiters = [b',', b';', b'\t'];
    // A spreadsheet separates by what its language does.
    let delimiter = delimiters.iter().max_by_key(|mark| {
        let many = first.bytes().filter(|byte| byte == *mark).count();
        (many, **mark == b',')
    });
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .delimiter(*delimiter.unwrap_or(&b','))
        .from_reader(text.as_bytes());
    let columns = Columns(
        reader
            .headers()
            .map_err(CredentialReportError::NotCsv)?
            .iter()
            .map(str::to_ascii_lowercase)
            .collect(),
    );
    if columns.of("user").is_none() {
        return Err(CredentialReportError::NoUser);
    }
    let mut row = csv::StringRecord::new();
    loop {
        match reader.read_record(&mut row) {
            Ok(false) => return Ok(()),
            Ok(true) => {
                let line = row.position().map_or(0, csv::Position::line);
                let row = Row {
                    columns: &columns,
                    row: &row,
                    line,
                };
                take(row.credentials().map(|credentials| (credentials, line)));
            }
            Err(error) => take(Err(CredentialReportError::NotCsv(error))),
        }
    }
}

struct Columns(Vec<String>);

impl Columns {
    fn of(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|column| column == name)
    }
}

struct Row<'a> {
    columns: &'a Columns,
    row: &'a csv::StringRecord,
    line: u64,
}

impl Row<'_> {
    fn credentials(&self) -> Result<Credentials, CredentialReportError> {
        let user = self.text("user").unwrap_or_default();
        if user.is_empty() {
            return Err(self.wrong("user", "", "a name"));
        }
        let arn = self.text("arn").unwrap_or_default();
        let root = user == "<root_account>" || arn.ends_with(":root");
        let account = arn.split(':').nth(4).unwrap_or_default();
        let mut keys = Vec::new();
        for number in 1..=2 {
            let column = |what| format!("access_key_{number}_{what}");
            if self.answer(&column("active"))? == Answer::Unknown {
                continue;
            }
            keys.push(Key {
                number,
                active: self.answer(&column("active"))? == Answer::Yes,
                rotated: self.moment(&column("last_rotated"))?,
                last_used: self.moment(&column("last_used_date"))?,
            });
        }
        let mut password = self.answer("password_enabled")?;
        // Only in the standard partition root has a console, where this says nothing.
        let no_console = root && !arn.starts_with("arn:aws:") && arn.starts_with("arn:");
        let supported = self.text("password_enabled").unwrap_or_default();
        if no_console && supported.eq_ignore_ascii_case("not_supported") {
            password = Answer::No;
        }
        // How many keys and certificates there are beyond the report's, in words.
        let more = self.known("additional_credentials_info").filter(|more| {
            let more = more.to_ascii_lowercase();
            more.contains("key") && !more.starts_with("0 ")
        });
        Ok(Credentials {
            account: account.to_owned(),
            user: (!root).then(|| user.to_owned()),
            password,
            password_used: self.moment("password_last_used")?,
            password_set: self.moment("password_last_changed")?,
            more_keys: more.map(|more| more.chars().take(200).collect()),
            mfa: self.answer("mfa_active")?,
            keys,
        })
    }

    /// The value of a column; `None` where there is no such column, or nothing in it.
    fn text(&self, column: &str) -> Option<&str> {
        let text = self.row.get(self.columns.of(column)?)?;
        Some(text).filter(|text| !text.is_empty())
    }

    /// The same, without the words for "nothing is known".
    fn known(&self, column: &str) -> Option<&str> {
        let silent = ["N/A", "no_information", "not_supported"];
        self.text(column)
            .filter(|text| !silent.iter().any(|word| word.eq_ignore_ascii_case(text)))
    }

    fn answer(&self, column: &str) -> Result<Answer, CredentialReportError> {
        match self.known(column) {
            None => Ok(Answer::Unknown),
            Some(text) if text.eq_ignore_ascii_case("true") => Ok(Answer::Yes),
            Some(text) if text.eq_ignore_ascii_case("false") => Ok(Answer::No),
            Some(text) => Err(self.wrong(column, text, "true or false")),
        }
    }

    fn moment(&self, column: &str) -> Result<Option<Timestamp>, CredentialReportError> {
        let Some(text) = self.known(column) else {
            return Ok(None);
        };
        moment(text)
            .map(Some)
            .ok_or_else(|| self.wrong(column, text, "a moment, as 2026-01-31T08:00:00+00:00"))
    }

    fn wrong(&self, column: &str, value: &str, expected: &'static str) -> CredentialReportError {
        CredentialReportError::Value {
            line: self.line,
            column: column.to_owned(),
            value: value.chars().take(80).collect(),
            expected,
        }
    }
}
