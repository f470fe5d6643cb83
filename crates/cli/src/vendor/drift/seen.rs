//! A third party's roles, as an account's details show them.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::Arc;

use crate::Streams;
use crate::args::VendorDriftArgs;
use crate::audit::export::{Element, ElementError, Held, Holder, read};
use crate::audit::files;
use crate::audit::interned::Interned;
use crate::audit::pages::Pages;
use crate::input::Input;
use crate::terminal_escape::escaped;

/// One role.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) name: String,
    pub(super) account: String,
    /// JSON text.
    pub(super) trust: String,
    pub(super) held: Held,
    /// How long a session may last; `None`: not known.
    pub(super) session_seconds: Option<u32>,
    /// `None`: not known.
    pub(super) tags: Option<Vec<(String, String)>>,
}

/// What was read.
#[derive(Default)]
pub(super) struct Account {
    /// By account and name in lower case.
    pub(super) roles: BTreeMap<(String, String), Seen>,
    /// Managed policies: ARN to text.
    pub(super) policies: HashMap<String, String>,
    /// Something could not be read.
    pub(super) damaged: bool,
    pages: Pages,
    lists: Interned<[Box<str>]>,
}

impl Account {
    /// All that the arguments name; of the roles those that `wanted` names.
    pub(super) fn read(
        arguments: &VendorDriftArgs,
        wanted: &dyn Fn(&str) -> bool,
        streams: &mut Streams<'_>,
    ) -> Self {
        let mut account = Self::default();
        for named in &arguments.authorization_details {
            let Some(inputs) = streams.ok(files(named)) else {
                account.damaged = true;
                continue;
            };
            for input in inputs {
                account.file(&input, wanted, streams);
            }
        }
        #[cfg(feature = "live")]
        if arguments.live {
            account.live(arguments.profile.as_deref(), wanted, streams);
        }
        for file in account.pages.unfinished() {
            account.damaged = true;
            streams.error(format_args!(
                "{} says that more pages follow, and none does",
                escaped(&file)
            ));
        }
        account
    }

    fn file(&mut self, input: &Input, wanted: &dyn Fn(&str) -> bool, streams: &mut Streams<'_>) {
        match streams.ok(input.open()) {
            Some(mut reader) => self.export(&input.name(), &mut reader, wanted, streams),
            None => self.damaged = true,
        }
    }

    #[cfg(feature = "live")]
    fn live(
        &mut self,
        profile: Option<&str>,
        wanted: &dyn Fn(&str) -> bool,
        streams: &mut Streams<'_>,
    ) {
        let Some(mut live) = streams.ok(crate::live::LiveAccount::new(profile)) else {
            self.damaged = true;
            return;
        };
        self.export("<live account>", &mut live, wanted, streams);
        for role in self.roles.values_mut() {
            match streams.ok(live.session_seconds(&role.name)) {
                Some(seconds) => role.session_seconds = seconds,
                None => self.damaged = true,
            }
        }
    }

    fn export(
        &mut self,
        name: &str,
        reader: &mut dyn Read,
        wanted: &dyn Fn(&str) -> bool,
        streams: &mut Streams<'_>,
    ) {
        let file: Arc<str> = name.into();
        let mut troubles = Vec::new();
        let ended = read(reader, false, &mut |element, _| {
            troubles.extend(self.element(element, &file, wanted).err());
        });
        for error in &troubles {
            streams.unusable(name, "cannot be read to its end", error);
        }
        self.damaged |= !troubles.is_empty();
        if let Err(error) = ended {
            self.damaged = true;
            streams.unusable(name, "cannot be read to its end", &error);
        }
    }

    fn element(
        &mut self,
        element: Element<'_>,
        file: &Arc<str>,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Result<(), ElementError> {
        if let Element::Role(holder) | Element::User(holder) | Element::Group(holder) = &element {
            self.pages.account(holder.account());
        }
        match element {
            Element::PageEnd(page) => self.pages.end(page, file),
            Element::Policy(policy) => drop(self.policies.insert(policy.arn, policy.document)),
            Element::Unreadable(error) => return Err(error),
            Element::Role(role) if wanted(&role.name) => self.role(&role)?,
            Element::Role(_) | Element::User(_) | Element::Group(_) => {}
        }
        Ok(())
    }

    /// Of a role that comes twice, each time tells what the other does not.
    fn role(&mut self, role: &Holder<'_>) -> Result<(), ElementError> {
        let key = (role.account().to_owned(), role.name.to_lowercase());
        let held = role.held(&mut self.lists)?;
        let tags = role.tags()?;
        let seconds = role.session_seconds()?;
        let seen = self.roles.entry(key).or_default();
        if seen.name.is_empty() {
            seen.name = role.name.to_string();
            seen.account = role.account().to_owned();
            seen.trust = role.document()?.into_owned();
        }
        if held.told || !seen.held.told {
            seen.held = held;
        }
        seen.tags = tags.or(seen.tags.take());
        seen.session_seconds = seconds.or(seen.session_seconds);
        Ok(())
    }
}
