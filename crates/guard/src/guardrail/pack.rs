//! Statements into as few documents as hold them in their order.

use serde::Serialize;

use super::statement::{Denial, GuardrailError, MOST_CHARACTERS, Spared, Statement};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Document<'d> {
    version: &'static str,
    statement: &'d [Statement<'d>],
}

/// The documents, as compact JSON.
pub(super) fn documents(
    denials: &[Denial],
    spared: &Spared<'_>,
) -> Result<Vec<String>, GuardrailError> {
    let mut documents = Vec::new();
    let mut statements: Vec<Statement<'_>> = Vec::new();
    for denial in denials {
        let alone = text(&[denial.statement(spared)]).chars().count();
        if alone > MOST_CHARACTERS {
            return Err(GuardrailError::TooLong {
                what: denial.lists.to_owned(),
                characters: alone,
            });
        }
        statements.push(denial.statement(spared));
        if text(&statements).chars().count() > MOST_CHARACTERS {
            let last = statements.pop();
            documents.push(text(&statements));
            statements = last.into_iter().collect();
        }
    }
    if !statements.is_empty() {
        documents.push(text(&statements));
    }
    Ok(documents)
}

fn text(statement: &[Statement<'_>]) -> String {
    let document = Document {
        version: "2012-10-17",
        statement,
    };
    // Texts alone: this cannot fail.
    serde_json::to_string(&document).unwrap_or_default()
}
