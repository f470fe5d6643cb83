//! What of the rules ends at a moment: a vendor's access, an exemption.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::file::Mode;
use super::load::{AccountEntry, Rules, key_and_value};
use crate::check::Check;

/// Something of the rules that ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// A vendor's access to its roles.
    Vendor {
        /// Its name.
        name: String,
        /// Who answers for it on our side.
        owner: Option<String>,
        /// Its own mode.
        mode: Option<Mode>,
    },
    /// An exemption.
    Exemption {
        /// Whom it is about, as `role LegacyPartner, account 333344445555`.
        of: String,
        /// From which check.
        check: Check,
        /// Why there is one.
        reason: String,
    },
}

impl Rules {
    /// What ends, and when. Reads the whole table, as nothing that judges an event should.
    pub fn endings(&self) -> Vec<(Timestamp, Ending)> {
        let mut vendors = BTreeMap::new();
        let table = self.bytes.get(self.table.clone()).unwrap_or_default();
        let lines = table.split(|&byte| byte == b'\n').filter_map(key_and_value);
        for (_, value) in lines.filter(|(key, _)| !key.starts_with(b"user/")) {
            let entry = serde_json::from_slice::<AccountEntry>(value).unwrap_or_default();
            for vendor in entry.vendors {
                if let Some(expires) = vendor.expires {
                    vendors.insert(vendor.name, (expires, vendor.owner, vendor.mode));
                }
            }
        }
        let vendors = vendors.into_iter().map(|(name, (expires, owner, mode))| {
            let ending = Ending::Vendor { name, owner, mode };
            (expires, ending)
        });
        let exemptions = self.head.exemptions.iter().filter_map(|exemption| {
            let named = [
                ("resource", &exemption.resource),
                ("role", &exemption.role),
                ("account", &exemption.account),
                ("user", &exemption.user),
            ];
            let named = named
                .into_iter()
                .filter_map(|(what, name)| Some(format!("{what} {}", name.as_ref()?)));
            let ending = Ending::Exemption {
                of: named.collect::<Vec<_>>().join(", "),
                check: exemption.check,
                reason: exemption.reason.clone(),
            };
            Some((exemption.expires?, ending))
        });
        vendors.chain(exemptions).collect()
    }
}
