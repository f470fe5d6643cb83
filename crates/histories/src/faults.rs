//! The faults that the guard must not have, and how each is put into it: `testdata/faults.tsv`.

const TABLE: &str = include_str!("../testdata/faults.tsv");

/// One fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// In words.
    pub name: &'static str,
    /// The promise that it breaks.
    pub breaks: &'static str,
    /// File under `crates/guard/src`.
    pub file: &'static str,
    /// How it comes about there.
    pub by: By,
}

/// How a fault comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A failpoint of the guard, by name: one effect or check is turned off.
    Failpoint(&'static str),
    /// A failpoint that turns off what answers an attack: one history of a hundred must notice.
    Hazard(&'static str),
    /// Mutants of a pure decision, as cargo-mutants names them: `replace == with != in decide`.
    Mutant(&'static str),
}

/// Reads the table; lines that begin with `#` are remarks.
///
/// # Errors
/// The line that is no fault.
pub fn table() -> Result<Vec<Fault>, String> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| fault(line).ok_or_else(|| format!("this is no fault: {line}")))
        .collect()
}

fn fault(line: &'static str) -> Option<Fault> {
    let mut columns = line.split('\t');
    let mut next = || columns.next().filter(|column| !column.is_empty());
    let (name, breaks, file, by) = (next()?, next()?, next()?, next()?);
    let by = match by.split_once(' ')? {
        ("failpoint", name) => By::Failpoint(name),
        ("hazard", name) => By::Hazard(name),
        ("mutant", change) => By::Mutant(change),
        _ => return None,
    };
    columns.next().is_none().then_some(Fault {
        name,
        breaks,
        file,
        by,
    })
}
