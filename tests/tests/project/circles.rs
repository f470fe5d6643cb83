//! No two modules of a crate import each other in a circle. Each file is a module here; `use` and
//! paths in the code are followed to the file that defines what they name, re-exports included.
//! Tests inside the files do not count, and paths inside a macro's arguments are not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use syn::visit::Visit;
use trustwarden_tests::root;

/// A module's path from the crate's root.
type Module = Vec<String>;

/// One file's paths, absolute.
struct Reader<'a> {
    modules: &'a BTreeSet<Module>,
    /// Where the walk stands: the file's module, and inline modules in it.
    here: Module,
    /// What the code names.
    named: Vec<Module>,
    /// Public name in this file → what it stands for.
    exports: Vec<(String, Module)>,
    /// Modules of which everything is re-exported.
    globs: Vec<Module>,
}

fn test_only(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && matches!(&attribute.meta, syn::Meta::List(list) if list.tokens.to_string() == "test")
    })
}

impl Reader<'_> {
    /// The path from the crate's root, if it leads into this crate.
    fn absolute(&self, segments: &[String]) -> Option<Module> {
        let mut at = self.here.clone();
        let mut rest = segments;
        match segments.first()?.as_str() {
            "crate" => {
                at.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    at.pop();
                    rest = &rest[1..];
                }
            }
            first => {
                let mut child = at.clone();
                child.push(first.to_owned());
                if !self.modules.contains(&child) {
                    return None;
                }
            }
        }
        at.extend_from_slice(rest);
        Some(at)
    }

    fn import(&mut self, tree: &syn::UseTree, before: &mut Vec<String>, public: bool) {
        match tree {
            syn::UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(&path.tree, before, public);
                before.pop();
            }
            syn::UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, before, public);
                }
            }
            syn::UseTree::Glob(_) => {
                let Some(path) = self.absolute(before) else {
                    return;
                };
                if public {
                    self.globs.push(path);
                } else {
                    self.named.push(path);
                }
            }
            syn::UseTree::Name(name) => self.name(&name.ident, &name.ident, before, public),
            syn::UseTree::Rename(name) => self.name(&name.ident, &name.rename, before, public),
        }
    }

    fn name(&mut self, name: &syn::Ident, known_as: &syn::Ident, before: &[String], public: bool) {
        let mut path = before.to_vec();
        if name != "self" {
            path.push(name.to_string());
        }
        let Some(path) = self.absolute(&path) else {
            return;
        };
        if public {
            self.exports.push((known_as.to_string(), path));
        } else {
            self.named.push(path);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !test_only(&item.attrs) {
            let public = !matches!(item.vis, syn::Visibility::Inherited);
            self.import(&item.tree, &mut Vec::new(), public);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !test_only(&item.attrs) {
            self.here.push(item.ident.to_string());
            syn::visit::visit_item_mod(self, item);
            self.here.pop();
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path
            .segments
            .iter()
            .map(|segment| segment.ident.to_string())
            .collect();
        if segments.len() > 1 && segments.first().is_some_and(|first| first != "Self") {
            self.named.extend(self.absolute(&segments));
        }
        syn::visit::visit_path(self, path);
    }
}

/// Who names whom, file by file.
fn edges(files: &BTreeMap<Module, String>) -> BTreeMap<Module, BTreeSet<Module>> {
    let modules: BTreeSet<Module> = files.keys().cloned().collect();
    let mut named = BTreeMap::new();
    let mut exports: BTreeMap<(Module, String), Module> = BTreeMap::new();
    let mut globs: BTreeMap<Module, Vec<Module>> = BTreeMap::new();
    for (module, text) in files {
        let mut reader = Reader {
            modules: &modules,
            here: module.clone(),
            named: Vec::new(),
            exports: Vec::new(),
            globs: Vec::new(),
        };
        reader.visit_file(&syn::parse_file(text).unwrap());
        for (name, path) in reader.exports {
            exports.insert((module.clone(), name), path);
        }
        globs.insert(module.clone(), reader.globs);
        named.insert(module.clone(), reader.named);
    }
    let defined_in = |path: &Module| -> Module {
        let mut path = path.clone();
        // No chain of re-exports is that long.
        for _ in 0..16 {
            let length = (0..=path.len())
                .rev()
                .find(|length| modules.contains(&path[..*length]))
                .unwrap_or(0);
            let (module, rest) = path.split_at(length);
            let Some(name) = rest.first() else { break };
            let Some(target) = exports.get(&(module.to_vec(), name.clone())) else {
                break;
            };
            let mut next = target.clone();
            next.extend_from_slice(&rest[1..]);
            path = next;
        }
        while !modules.contains(&path) {
            path.pop();
        }
        path
    };
    named
        .into_iter()
        .map(|(module, paths)| {
            let targets = paths.iter().map(defined_in);
            let others = targets.filter(|target| *target != module).collect();
            (module, others)
        })
        .collect()
}

/// The sets of modules that reach each other, as lines of text.
fn rings(files: &BTreeMap<Module, String>) -> BTreeSet<String> {
    let edges = edges(files);
    let reach = |from: &Module| {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(module) = open.pop() {
            for next in edges.get(module).into_iter().flatten() {
                if seen.insert(next) {
                    open.push(next);
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<&Module>> =
        files.keys().map(|module| (module, reach(module))).collect();
    let together = |module: &Module| {
        let others = reached[module]
            .iter()
            .filter(|other| reached[**other].contains(module));
        others
            .map(|other| {
                if other.is_empty() {
                    "crate".to_owned()
                } else {
                    other.join("::")
                }
            })
            .collect::<Vec<_>>()
    };
    let all = files.keys().map(together);
    all.filter(|ring| ring.len() > 1)
        .map(|ring| ring.join(" "))
        .collect()
}

fn read(directory: &Path, module: &Module, files: &mut BTreeMap<Module, String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut inner = module.clone();
        if path.is_dir() {
            inner.push(stem);
            read(&path, &inner, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            if !["lib", "mod"].contains(&stem.as_str()) {
                inner.push(stem);
            }
            files.insert(inner, std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn no_crate_has_a_circle() {
    let mut found = BTreeSet::new();
    let mut crates = 0;
    for group in ["crates", "functions"] {
        for entry in std::fs::read_dir(root().join(group)).unwrap() {
            let source = entry.unwrap().path().join("src");
            if !source.is_dir() {
                continue;
            }
            crates += 1;
            let name = source.parent().unwrap().file_name().unwrap();
            let mut files = BTreeMap::new();
            read(&source, &Vec::new(), &mut files);
            // A program without a library: its main file is the root.
            if !files.contains_key(&Vec::new()) {
                let main = files.remove(&vec!["main".to_owned()]).unwrap();
                files.insert(Vec::new(), main);
            }
            let name = name.to_str().unwrap();
            found.extend(
                rings(&files)
                    .into_iter()
                    .map(|ring| format!("{name}: {ring}")),
            );
        }
    }
    assert!(crates >= 14, "{crates}");
    assert!(
        found.is_empty(),
        "modules that import each other: {found:#?}"
    );
}

fn small(files: &[(&str, &str)]) -> BTreeSet<String> {
    let files = files.iter().map(|(module, text)| {
        let module = module.split("::").filter(|part| !part.is_empty());
        (module.map(str::to_owned).collect(), (*text).to_owned())
    });
    rings(&files.collect())
}

#[test]
fn a_ring_is_seen_by_import_by_path_and_through_a_re_export() {
    let root = ("", "mod one; mod two; pub use one::One; pub use two::Two;");
    let one = ("one", "pub struct One(crate::two::Two);");
    let ring = BTreeSet::from(["one two".to_owned()]);
    for two in [
        "use crate::one::One; pub struct Two;",
        "use super::{one::One as Other}; pub struct Two;",
        "use crate::One; pub struct Two;",
        "pub struct Two; fn f() { super::one::One::new() }",
    ] {
        assert_eq!(small(&[root, one, ("two", two)]), ring, "{two}");
    }
}

#[test]
fn tests_and_re_exports_alone_make_no_ring() {
    let root = ("", "mod one; mod two; pub use one::One; pub use two::Two;");
    let one = ("one", "use crate::Two; pub struct One;");
    let two = (
        "two",
        "pub struct Two; #[cfg(test)] mod tests { use crate::one::One; }",
    );
    assert!(small(&[root, one, two]).is_empty());
}
