//! Patterns of actions, as policies write them: `ec2:Describe*`, `*:Get*`, `*`.

use std::cmp::Ordering;
use std::ops::Range;

use policy::glob;

use crate::action::{Action, Service, order};
use crate::set::ActionSet;
use crate::table;

/// The actions of the table that fit a pattern in which `*` is any run of characters and `?` any
/// one. Case does not count.
///
/// The table is sorted, so that what a pattern says before its first wildcard costs two searches,
/// and only the rest is tried name by name. A pattern whose service is all stars is looked up in an
/// order of all names of its own.
pub fn expand(pattern: &str) -> ActionSet {
    let mut set = ActionSet::new();
    expand_into(pattern, &mut set);
    set
}

/// Adds the actions that fit a pattern, see [`expand`].
pub fn expand_into(pattern: &str, set: &mut ActionSet) {
    expand_counting(pattern, set);
}

/// As [`expand_into`]; says how many names had to be tried one by one.
pub(crate) fn expand_counting(pattern: &str, set: &mut ActionSet) -> usize {
    let Some((prefix, name)) = pattern.split_once(':') else {
        if !pattern.is_empty() && pattern.bytes().all(|byte| byte == b'*') {
            set.insert_range(0..table::ACTIONS);
            return 0;
        }
        if has_wildcard(pattern) {
            // IAM takes no action without a service but `*`. Should it take `i*` one day, it can
            // mean no more than this.
            for service in Service::all() {
                for action in service.actions() {
                    if glob::matches_ignoring_case(pattern, &action.to_string()) {
                        set.insert(action);
                    }
                }
            }
            return table::ACTIONS * 4;
        }
        return 0;
    };
    if name.contains(':') {
        // No action has two colons.
        return 0;
    }
    if !has_wildcard(prefix) {
        return Service::find(prefix).map_or(0, |service| in_service(service, name, set));
    }
    if prefix.bytes().all(|byte| byte == b'*') {
        return in_all(name, set);
    }
    Service::all()
        .filter(|service| glob::matches_ignoring_case(prefix, service.prefix()))
        .map(|service| in_service(service, name, set) + 10)
        .sum()
}

/// Whether it is more than one text.
pub(crate) fn has_wildcard(pattern: &str) -> bool {
    pattern.bytes().any(|byte| matches!(byte, b'*' | b'?'))
}

/// What stands before the first wildcard, and the rest with it.
fn split(name: &str) -> (&[u8], &str) {
    let at = name.find(['*', '?']).unwrap_or(name.len());
    let (start, rest) = name.split_at_checked(at).unwrap_or((name, ""));
    (start.as_bytes(), rest)
}

fn in_service(service: Service, name: &str, set: &mut ActionSet) -> usize {
    let (start, rest) = split(name);
    let range = beginning_with(start, table::service_actions(service.number()), |at| at);
    if rest == "*" {
        set.insert_range(range);
        return 0;
    }
    let rest = Rest::of(start, rest);
    let tries = range.len();
    for action in range {
        if rest.fits(action) {
            set.insert(Action::numbered(action));
        }
    }
    tries
}

fn in_all(name: &str, set: &mut ActionSet) -> usize {
    let (start, rest) = split(name);
    let rest = Rest::of(start, rest);
    let range = beginning_with(start, 0..table::ACTIONS, table::by_name);
    let tries = range.len();
    for place in range {
        let action = table::by_name(place);
        if rest.fits(action) {
            set.insert(Action::numbered(action));
        }
    }
    tries
}

/// A pattern from its first wildcard on, for names of which the beginning is known to fit.
struct Rest<'p> {
    /// Bytes of the name that are behind us.
    skip: usize,
    pattern: &'p str,
    /// What stands behind the last wildcard: most names end in something else.
    end: &'p [u8],
    /// One star, then only the end.
    one_star: bool,
}

impl<'p> Rest<'p> {
    fn of(start: &[u8], pattern: &'p str) -> Rest<'p> {
        let end = pattern.rsplit(['*', '?']).next().unwrap_or(pattern);
        Rest {
            skip: start.len(),
            pattern,
            end: end.as_bytes(),
            one_star: pattern.strip_prefix('*') == Some(end),
        }
    }

    fn fits(&self, action: usize) -> bool {
        let name = table::action_bytes(action);
        let name = name.get(self.skip..).unwrap_or_default();
        let ends_so = name
            .len()
            .checked_sub(self.end.len())
            .and_then(|at| name.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(self.end));
        if !ends_so || self.one_star {
            return ends_so;
        }
        std::str::from_utf8(name).is_ok_and(|name| glob::matches_ignoring_case(self.pattern, name))
    }
}

/// The places of a sorted range whose actions' names begin with this.
fn beginning_with(
    start: &[u8],
    range: Range<usize>,
    action: impl Fn(usize) -> usize,
) -> Range<usize> {
    let head = |place: usize| {
        let name = table::action_bytes(action(place));
        name.get(..start.len()).unwrap_or(name)
    };
    let from = table::first(range.clone(), |place| {
        order(head(place), start) != Ordering::Less
    });
    let to = table::first(from..range.end, |place| {
        order(head(place), start) == Ordering::Greater
    });
    from..to
}
