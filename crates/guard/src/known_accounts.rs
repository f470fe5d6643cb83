//! Accounts that vendors and AWS services publish as theirs.
//!
//! A hint for people reading an alert, never an approval: a published account id says who owns
//! the account, not who is at the other end. The facts were collected by the community list
//! [fwdcloudsec/known_aws_accounts](https://github.com/fwdcloudsec/known_aws_accounts)
//! (Apache-2.0).

/// One line an account, sorted: it is searched as text, so that it costs nothing at start.
const TABLE: &str = include_str!("known_accounts.tsv");

/// Who publishes an account as its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownAccount {
    /// The vendor, or the AWS service.
    pub name: &'static str,
    /// Whose kind of account it is.
    pub kind: KnownKind,
    /// Where it is published: a URL, or empty.
    pub source: &'static str,
}

/// Whether a known account is a vendor's or AWS's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KnownKind {
    /// A vendor's.
    Vendor,
    /// An AWS service's own.
    Aws,
}

/// Who publishes an account (12 digits) as its own, if anyone is known to.
pub fn known_account(account: &str) -> Option<KnownAccount> {
    let (mut low, mut high) = (0, TABLE.len());
    while low < high {
        let middle = TABLE.floor_char_boundary(low + (high - low) / 2);
        let start = TABLE
            .get(low..middle)?
            .rfind('\n')
            .map_or(low, |newline| low + newline + 1);
        let end = TABLE
            .get(start..high)?
            .find('\n')
            .map_or(high, |length| start + length);
        let mut fields = TABLE.get(start..end)?.split('\t');
        match fields.next()?.cmp(account) {
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
            std::cmp::Ordering::Equal => {
                let kind = match fields.next()? {
                    "aws" => KnownKind::Aws,
                    _ => KnownKind::Vendor,
                };
                return Some(KnownAccount {
                    kind,
                    name: fields.next()?,
                    source: fields.next()?,
                });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_found() {
        let lines: Vec<&str> = TABLE
            .lines()
            .filter(|line| !line.starts_with('#'))
            .collect();
        assert!(lines.len() > 400, "the table is there");
        for line in lines {
            let fields: Vec<&str> = line.split('\t').collect();
            let [account, kind, name, source] = fields[..] else {
                panic!("four fields: {line}")
            };
            let known = known_account(account).unwrap_or_else(|| panic!("{account} is found"));
            assert_eq!((known.name, known.source), (name, source));
            assert_eq!(known.kind == KnownKind::Aws, kind == "aws", "{line}");
            assert!(matches!(kind, "aws" | "vendor"), "{line}");
        }
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(TABLE.lines().is_sorted(), "binary search needs it");
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        for account in [
            "",
            "#",
            "000000000000",
            "999999999999",
            "46462253201",
            "4646225320122",
        ] {
            assert_eq!(known_account(account), None, "{account}");
        }
    }
}
