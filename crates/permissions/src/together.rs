//! Patterns of resources that together name everything of a kind: `s3:::a*` … `s3:::9*`, or all
//! secrets, whose names end in a hyphen and six characters.

use std::collections::HashMap;
use std::sync::LazyLock;

use policy::covers_all;

use crate::action::Service;

/// A kind of resources, by the end of its ARN: `table/${TableName}/index/${IndexName}`.
#[derive(PartialEq)]
struct Kind {
    /// What stands before the first name, as `table/`.
    start: &'static str,
    /// What follows that name, as `/index/`.
    after: &'static str,
    /// Another name follows.
    more: bool,
}

impl Kind {
    fn read(rest: &'static str) -> Option<Self> {
        let (start, rest) = rest.split_once("${")?;
        let (_, rest) = rest.split_once('}')?;
        let (after, more) = match rest.split_once("${") {
            Some((after, _)) => (after, true),
            None => (rest, false),
        };
        Some(Self { start, after, more })
    }

    /// All there is of it, by first characters: names begin with a letter or a digit.
    fn all(&self, service: &str) -> impl Iterator<Item = String> {
        let Self { start, after, more } = self;
        // KMS API reference, "DescribeKey", keys' ids but of several regions: read 2026-11-30.
        let is_key = (service, *start) == ("kms", "key/");
        let end = match (service, *start) {
            ("kms", "key/") => "???????-????-????-????-????????????",
            // Secrets Manager User Guide, "What's in a Secrets Manager secret?": read 2026-11-30.
            ("secretsmanager", "secret:") => "-??????",
            _ if *more => "*",
            _ => "",
        };
        let last = if is_key { 'f' } else { 'z' };
        let letters = ('a'..=last).chain('0'..='9');
        // S3 User Guide, "General purpose bucket naming rules": read 2026-11-30.
        let large = ('A'..='Z').filter(move |_| service != "s3" && !is_key);
        let firsts = letters.chain(large);
        let rest = if is_key { "" } else { "*" };
        firsts.map(move |first| format!("{start}{first}{rest}{after}{end}"))
    }

    /// Whether it may be named by a pattern.
    fn is_meant(&self, pattern: &str) -> bool {
        let fixed = pattern.find(['*', '?']).unwrap_or(pattern.len());
        let fixed = pattern.get(..fixed).unwrap_or_default();
        fixed.starts_with(self.start) || self.start.starts_with(fixed)
    }

    /// What a pattern says of the first name. Whoever reads some of each bucket reads every bucket; of
    /// others the second name is a name.
    fn of_first_name(&self, service: &str, pattern: &str) -> String {
        let from = if pattern.starts_with(self.start) {
            self.start.len()
        } else {
            0
        };
        let (before, rest) = pattern.split_at_checked(from).unwrap_or(("", pattern));
        match rest.split_once(self.after) {
            Some((first, second))
                if self.more
                    && !self.after.is_empty()
                    && (service == "s3" || second.starts_with(['*', '?'])) =>
            {
                format!("{before}{first}{}*", self.after)
            }
            _ => pattern.to_owned(),
        }
    }
}

/// Letters of the smallest alphabet that names begin with.
const ALPHABET: usize = 36;

/// Whether these patterns of ARNs, all of one service, name everything of some kind.
pub(crate) fn whole_kind<'p>(service: &str, patterns: impl Iterator<Item = &'p str>) -> bool {
    static KINDS: LazyLock<HashMap<&'static str, Vec<Kind>>> = LazyLock::new(|| {
        let mut named: HashMap<&'static str, Vec<Kind>> = HashMap::new();
        for resource_type in Service::all().flat_map(Service::resource_types) {
            for arn in resource_type.arns() {
                let [_, _, segment, _, _, rest] = arn.parts();
                let kinds = named.entry(segment).or_default();
                kinds.extend(Kind::read(rest).filter(|kind| !kinds.contains(kind)));
            }
        }
        named
    });
    let ends: Vec<&str> = patterns
        .filter_map(|arn| arn.splitn(6, ':').nth(5))
        // A policy variable is one name.
        .filter(|end| end.contains(['*', '?']) && !end.contains("${"))
        .collect();
    let Some(kinds) = KINDS.get(service).filter(|_| !ends.is_empty()) else {
        return false;
    };
    kinds.iter().any(|kind| {
        let meant: Vec<String> = ends
            .iter()
            .filter(|end| kind.is_meant(end))
            .map(|end| kind.of_first_name(service, end))
            .collect();
        let open = |end: &String| {
            let rest = end.strip_prefix(kind.start).unwrap_or(end);
            rest.starts_with(['*', '?'])
        };
        if meant.len() < ALPHABET && !meant.iter().any(open) {
            return false;
        }
        let meant: Vec<&str> = meant.iter().map(String::as_str).collect();
        kind.all(service).all(|all| covers_all(&meant, &all))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn together_or_one_by_one_they_name_everything_of_a_kind() {
        let letters = |form: &str| -> Vec<String> {
            let all = ('a'..='z').chain('0'..='9');
            all.map(|letter| form.replace('_', &letter.to_string()))
                .collect()
        };
        let all = |patterns: &[String]| {
            let service = patterns[0].split(':').nth(2).unwrap();
            whole_kind(service, patterns.iter().map(String::as_str))
        };
        for wide in [
            "arn:aws:secretsmanager:*:*:secret:*-??????",
            "arn:aws:logs:*:*:log-group:*:log-stream:*",
            "arn:aws:dynamodb:*:*:table/*/index/*",
            "arn:aws:dynamodb:eu-west-1:111122223333:table/?*",
            "arn:aws:s3:::*/*.json",
            "arn:aws:s3:::?*",
            "arn:aws:ecs:*:*:task/*/*",
            "arn:aws:s3:::*/exports/*",
            "arn:aws:kms:*:*:key/????????-????-????-????-????????????",
            "arn:aws:kms:*:*:key/?*",
        ] {
            assert!(all(&[wide.to_owned()]), "{wide}");
        }
        assert!(all(&letters("arn:aws:s3:::_*")));
        assert!(all(&letters("arn:aws:s3:::_*/*")));
        assert!(all(&letters("arn:aws:s3:::*_*")));
        for narrow in [
            "arn:aws:secretsmanager:*:*:secret:app-*",
            "arn:aws:secretsmanager:*:*:secret:*-app-??????",
            "arn:aws:dynamodb:*:*:table/orders/index/*",
            "arn:aws:dynamodb:*:*:table/*-orders",
            "arn:aws:s3:::acme-*/*",
            "arn:aws:s3:::*-logs/*",
            "arn:aws:s3:::${aws:PrincipalAccount}*",
            "arn:aws:logs:*:*:log-group:/aws/lambda/*:log-stream:*",
            "arn:aws:redshift:*:*:snapshot:*/vendor-*",
            "arn:aws:dynamodb:*:*:table/*/index/vendor-*",
            "arn:aws:kms:*:*:key/1234abcd-*",
            "arn:aws:kms:*:*:key/*-1234567890ab",
            "arn:aws:nosuch:::*x",
        ] {
            assert!(!all(&[narrow.to_owned()]), "{narrow}");
        }
        assert!(!all(&letters("arn:aws:s3:::_*")[1..]));
    }
}
