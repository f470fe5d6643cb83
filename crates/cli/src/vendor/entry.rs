//! A vendor's entry as text, in the form in which people write it.

use guard::rules::{Exemption, ExternalIdOwner, Vendor};

use super::scalar::{list, quoted, scalar};

/// How a file writes its mappings.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    /// By indentation.
    Block,
    /// In brackets, with everything in quotes: it may be read as JSON by others.
    Brackets,
}

impl Style {
    fn mapping(self, entries: &[(&str, String)]) -> String {
        let entries: Vec<String> = entries
            .iter()
            .map(|(key, value)| match self {
                Self::Block => format!("{key}: {value}"),
                Self::Brackets => format!("\"{key}\": {value}"),
            })
            .collect();
        match self {
            Self::Block => format!("{{ {} }}", entries.join(", ")),
            Self::Brackets => format!("{{{}}}", entries.join(", ")),
        }
    }

    fn text(self, text: &str) -> String {
        match self {
            Self::Block => scalar(text),
            Self::Brackets => quoted(text),
        }
    }

    fn roles(self, vendor: &Vendor) -> Vec<String> {
        let role = |role: &guard::rules::RoleEntry| match &role.external_id {
            Some(id) => self.mapping(&[("name", quoted(&role.name)), ("external_id", quoted(id))]),
            None => quoted(&role.name),
        };
        vendor.roles.iter().map(role).collect()
    }

    fn keys(self, vendor: &Vendor) -> Vec<(&'static str, String)> {
        let mut keys = vec![
            ("name", self.text(&vendor.name)),
            ("accounts", list(&vendor.accounts)),
            ("roles", format!("[{}]", self.roles(vendor).join(", "))),
        ];
        if !vendor.principals.is_empty() {
            keys.push(("principals", list(&vendor.principals)));
        }
        let mut id = vec![("required", vendor.external_id.required.to_string())];
        if !vendor.external_id.values.is_empty() {
            id.push(("values", list(&vendor.external_id.values)));
        }
        let owner = vendor.external_id.owner.map(|owner| match owner {
            ExternalIdOwner::Vendor => "vendor",
            ExternalIdOwner::Us => "us",
        });
        id.extend(owner.map(|owner| ("owner", self.text(owner))));
        keys.push(("external_id", self.mapping(&id)));
        if let Some(permissions) = &vendor.permissions {
            let allow = [("allow", list(&permissions.allow))];
            keys.push(("permissions", self.mapping(&allow)));
        }
        let texts = [
            ("owner", &vendor.owner),
            ("ticket", &vendor.ticket),
            ("expires", &vendor.expires),
        ];
        let texts = texts
            .into_iter()
            .filter_map(|(key, text)| Some((key, self.text(text.as_ref()?))));
        keys.extend(texts);
        keys
    }
}

/// The entry's lines, the first of which begins with `- `; no indentation before it.
pub(super) fn block(vendor: &Vendor) -> Vec<String> {
    let mut lines = Vec::new();
    let own_ids = vendor.roles.iter().any(|role| role.external_id.is_some());
    for (index, (key, value)) in Style::Block.keys(vendor).into_iter().enumerate() {
        let begin = if index == 0 { "- " } else { "  " };
        if key == "roles" && own_ids {
            lines.push(format!("{begin}roles:"));
            let roles = Style::Block.roles(vendor);
            lines.extend(roles.iter().map(|role| format!("    - {role}")));
        } else {
            lines.push(format!("{begin}{key}: {value}"));
        }
    }
    lines
}

/// The entry on one line, for a list that is written in brackets.
pub(super) fn flow(vendor: &Vendor) -> String {
    Style::Brackets.mapping(&Style::Brackets.keys(vendor))
}

impl Style {
    fn exemption(self, exemption: &Exemption) -> Vec<(&'static str, String)> {
        let texts = [
            ("role", exemption.role.as_deref()),
            ("account", exemption.account.as_deref()),
            ("user", exemption.user.as_deref()),
            ("check", Some(exemption.check.as_str())),
            ("reason", Some(exemption.reason.as_str())),
            ("expires", exemption.expires.as_deref()),
        ];
        let texts = texts.into_iter();
        texts
            .filter_map(|(key, text)| Some((key, self.text(text?))))
            .collect()
    }
}

/// An exemption's lines, as [`block`].
pub(super) fn exemption_block(exemption: &Exemption) -> Vec<String> {
    let keys = Style::Block.exemption(exemption).into_iter().enumerate();
    keys.map(|(index, (key, value))| {
        let begin = if index == 0 { "- " } else { "  " };
        format!("{begin}{key}: {value}")
    })
    .collect()
}

/// An exemption on one line, as [`flow`].
pub(super) fn exemption_flow(exemption: &Exemption) -> String {
    Style::Brackets.mapping(&Style::Brackets.exemption(exemption))
}
