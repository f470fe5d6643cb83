//! The rules file that `rules init` prints.

/// A first rules file: approves nothing, explains everything.
pub(crate) const FIRST: &str = include_str!("first.yaml");

#[cfg(test)]
mod tests {
    use super::super::yaml::parse;
    use super::*;

    #[test]
    fn the_first_file_is_right_and_so_are_its_examples() {
        let file = parse(FIRST).unwrap();
        assert_eq!(file.problems(None), []);
        assert!(file.vendors.is_empty(), "nothing is approved by default");

        // Taken out of their comments, the examples are rules, too.
        let uncommented: String = FIRST
            .lines()
            // A comment has one space, the inside of an example at least two.
            .filter(|line| !line.starts_with("# ") || line.starts_with("#  "))
            .map(|line| format!("{}\n", line.strip_prefix('#').unwrap_or(line)))
            .collect();
        let file = parse(&uncommented)
            .map_err(|problem| problem.message)
            .unwrap();
        assert_eq!(file.problems(None), []);
        assert_eq!(file.vendors.len(), 1);
        assert_eq!(file.identity_providers.len(), 2);
        assert_eq!(file.exemptions.len(), 1);
    }
}
