//! A document back to text: equal in meaning, not in its bytes.
//!
//! What has no meaning is written as something that has none either (an unknown version as the
//! empty string, an unknown principal type as `CanonicalUser`), so that reading the text again gives
//! the same document.

use std::fmt::{self, Write};

use super::{Condition, Effect, Principal, PrincipalKind, Statement, TrustPolicy, Version};

impl fmt::Display for TrustPolicy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{\"Version\":")?;
        text(
            f,
            match self.version {
                Version::V2012 => "2012-10-17",
                Version::V2008 => "2008-10-17",
                Version::Unknown => "",
            },
        )?;
        if let Some(id) = &self.id {
            f.write_str(",\"Id\":")?;
            text(f, id)?;
        }
        f.write_str(",\"Statement\":[")?;
        for (index, found) in self.statements.iter().enumerate() {
            comma(f, index)?;
            statement(f, found)?;
        }
        f.write_str("]}")
    }
}

fn comma(f: &mut fmt::Formatter<'_>, before: usize) -> fmt::Result {
    if before > 0 {
        f.write_char(',')
    } else {
        Ok(())
    }
}

fn statement(f: &mut fmt::Formatter<'_>, statement: &Statement<'_>) -> fmt::Result {
    let mut count = 0;
    let mut key = |f: &mut fmt::Formatter<'_>, name: &str| {
        count += 1;
        comma(f, count - 1)?;
        write!(f, "\"{name}\":")
    };
    f.write_char('{')?;
    if let Some(sid) = &statement.sid {
        key(f, "Sid")?;
        text(f, sid)?;
    }
    if let Some(effect) = statement.effect {
        key(f, "Effect")?;
        text(
            f,
            if effect == Effect::Allow {
                "Allow"
            } else {
                "Deny"
            },
        )?;
    }
    for (name, named) in [
        ("Principal", &statement.principal),
        ("NotPrincipal", &statement.not_principal),
    ] {
        if let Some(named) = named {
            key(f, name)?;
            principals(f, named)?;
        }
    }
    for (name, actions) in [
        ("Action", &statement.action),
        ("NotAction", &statement.not_action),
    ] {
        if let Some(actions) = actions {
            key(f, name)?;
            texts(f, actions.iter().map(AsRef::as_ref))?;
        }
    }
    if !statement.conditions.is_empty() {
        key(f, "Condition")?;
        conditions(f, &statement.conditions)?;
    }
    f.write_char('}')
}

fn principals(f: &mut fmt::Formatter<'_>, principals: &[Principal<'_>]) -> fmt::Result {
    if principals
        .iter()
        .any(|principal| principal.kind == PrincipalKind::Everyone)
    {
        return f.write_str("\"*\"");
    }
    f.write_char('{')?;
    let mut count = 0;
    for (kind, name) in [
        (PrincipalKind::Aws, "AWS"),
        (PrincipalKind::Service, "Service"),
        (PrincipalKind::Federated, "Federated"),
        (PrincipalKind::Unknown, "CanonicalUser"),
    ] {
        let named = || principals.iter().filter(|found| found.kind == kind);
        if named().next().is_some() {
            comma(f, count)?;
            count += 1;
            write!(f, "\"{name}\":")?;
            texts(f, named().map(|found| found.value.as_ref()))?;
        }
    }
    f.write_char('}')
}

/// Conditions of one operator stand together, as the parser leaves them.
fn conditions(f: &mut fmt::Formatter<'_>, conditions: &[Condition<'_>]) -> fmt::Result {
    f.write_char('{')?;
    let mut open: Option<&str> = None;
    for condition in conditions {
        if open == Some(condition.operator_text.as_ref()) {
            f.write_char(',')?;
        } else {
            if open.is_some() {
                f.write_str("},")?;
            }
            open = Some(condition.operator_text.as_ref());
            text(f, &condition.operator_text)?;
            f.write_str(":{")?;
        }
        text(f, &condition.key)?;
        f.write_char(':')?;
        if condition.operator.is_none() {
            // Whatever made it meaningless: this does too.
            f.write_str("null")?;
        } else {
            texts(f, condition.values.iter().map(AsRef::as_ref))?;
        }
    }
    f.write_str(if open.is_some() { "}}" } else { "}" })
}

/// One string as such, several as a list.
fn texts<'t>(f: &mut fmt::Formatter<'_>, mut values: impl Iterator<Item = &'t str>) -> fmt::Result {
    match (values.next(), values.next()) {
        (Some(one), None) => text(f, one),
        (first, second) => {
            f.write_char('[')?;
            for (index, value) in first.into_iter().chain(second).chain(values).enumerate() {
                comma(f, index)?;
                text(f, value)?;
            }
            f.write_char(']')
        }
    }
}

fn text(f: &mut fmt::Formatter<'_>, value: &str) -> fmt::Result {
    f.write_char('"')?;
    for found in value.chars() {
        match found {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            control @ '\0'..='\u{1f}' => write!(f, "\\u{:04x}", u32::from(control))?,
            other => f.write_char(other)?,
        }
    }
    f.write_char('"')
}
