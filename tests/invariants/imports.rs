//! No file and no folder of a crate imports in a circle.
//!
//! Arrows are `use` declarations and inline paths in code that is not a test. A path counts as an arrow to the
//! file that defines the name, also if it leads through a re-export. A parent's declarations and re-exports of its
//! own descendants are no arrows, and neither are those from and to `lib.rs`.
//!
//! In the graph of files, an arrow from a module to its direct child does not count. The file of a module is made
//! of its children and calls them, while they implement methods of its type, so nearly every module would be such
//! a circle. The arrow from the child still counts: it may use its parent, but nothing that leads back to the
//! child on another path.
//!
//! A room is a folder or a file directly below `src`.

mod graph;
mod source;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use graph::{Graph, circles};
use source::Source;

/// Two files of a crate that may import each other.
struct AllowedPair {
    package: &'static str,
    files: [&'static str; 2],
}

const ALLOWED_PAIRS: [AllowedPair; 1] = [
    // A type and its builder: `RemoteKeySet::builder` returns the builder, and its `connect` returns the type.
    AllowedPair { package: "tollgate-jwks", files: ["builder.rs", "remote.rs"] },
];

/// The path of a module from the root of its crate.
type Module = Vec<String>;

/// The modules of a crate that are not tests.
struct Crate {
    name: String,
    modules: BTreeMap<Module, (String, Source)>,
}

/// An import from one file in another.
struct Arrow {
    from: Module,
    to: Module,
    line: usize,
}

impl Crate {
    /// Reads a crate from the paths of its files, from `src`, and their texts.
    fn parse(name: &str, files: Vec<(String, String)>) -> Self {
        let parsed = files.into_iter().map(|(path, text)| (module_of(&path), (path, Source::parse(&text))));
        let mut modules: BTreeMap<Module, (String, Source)> = parsed.collect();

        let mut tests = Vec::new();
        for (module, (_, source)) in &modules {
            tests.extend(source.test_modules.iter().map(|name| child(module, name)));
        }
        modules.retain(|module, _| {
            let declared_as_test = tests.iter().any(|test| module.starts_with(test));
            let named_as_test = module.last().is_some_and(|name| is_test_name(name));
            !declared_as_test && !named_as_test
        });
        Self { name: name.to_owned(), modules }
    }

    fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for (module, (_, source)) in &self.modules {
            let mut add = |to: Module, line| {
                if to != *module && !to.is_empty() && !module.is_empty() {
                    arrows.push(Arrow { from: module.clone(), to, line });
                }
            };
            for import in &source.imports {
                let Some(path) = self.absolute(module, &import.path, false) else { continue };
                let target = self.resolve(&path, MAX_HOPS);
                let re_exports_its_own =
                    import.is_public && path.starts_with(module) && target.starts_with(module);
                if !re_exports_its_own {
                    add(target, import.line);
                }
            }
            for (path, line) in source.inline_paths() {
                if let Some(path) = self.absolute(module, &path, true) {
                    add(self.resolve(&path, MAX_HOPS), line);
                }
            }
        }
        arrows
    }

    /// Returns the path from the root of the crate, or `None` for a path in another crate. The first segment of an
    /// inline path may also be an imported name.
    fn absolute(&self, module: &Module, path: &[String], is_inline: bool) -> Option<Module> {
        let (first, rest) = path.split_first()?;
        let (mut base, rest) = match first.as_str() {
            "crate" => (Module::new(), rest),
            "self" => (module.clone(), rest),
            "super" => {
                let steps = path.iter().take_while(|segment| *segment == "super").count();
                (module[..module.len().checked_sub(steps)?].to_vec(), &path[steps..])
            }
            name if self.modules.contains_key(&child(module, name)) => (child(module, name), rest),
            name if is_inline => {
                let (_, source) = self.modules.get(module)?;
                let import = source.imports.iter().find(|import| import.name == name)?;
                (self.absolute(module, &import.path, false)?, rest)
            }
            _ => return None,
        };
        base.extend_from_slice(rest);
        Some(base)
    }

    /// Returns the module whose file defines what the path names.
    fn resolve(&self, path: &[String], hops: usize) -> Module {
        let mut module = Module::new();
        for (at, segment) in path.iter().enumerate() {
            let next = child(&module, segment);
            if !self.modules.contains_key(&next) {
                return self.follow(&module, &path[at..], hops).unwrap_or(module);
            }
            module = next;
        }
        module
    }

    /// Follows an import or re-export in a module. Returns `None` if the module itself defines the first name.
    fn follow(&self, module: &Module, names: &[String], hops: usize) -> Option<Module> {
        let hops = hops.checked_sub(1)?;
        let (name, rest) = names.split_first()?;
        let (_, source) = self.modules.get(module)?;
        if let Some(import) = source.imports.iter().find(|import| import.name == *name) {
            let path = self.absolute(module, &import.path, false)?;
            return Some(self.resolve(&[path.as_slice(), rest].concat(), hops));
        }
        if source.defines(name) {
            return None;
        }
        let globs = source.imports.iter().filter(|import| import.name == "*");
        let targets = globs.filter_map(|glob| self.absolute(module, &glob.path, false));
        let mut found = targets.map(|path| self.resolve(&[path.as_slice(), names].concat(), hops));
        found.find(|target| self.modules.get(target).is_some_and(|(_, source)| source.defines(name)))
    }

    fn file(&self, module: &Module) -> &str {
        &self.modules[module].0
    }

    fn is_allowed(&self, arrow: &Arrow) -> bool {
        let files = [self.file(&arrow.from), self.file(&arrow.to)];
        ALLOWED_PAIRS.iter().any(|pair| {
            let [first, second] = pair.files;
            pair.package == self.name && (files == [first, second] || files == [second, first])
        })
    }

    /// Builds the graph of arrows that pass the filter, between nodes named by a function of the module.
    fn graph(&self, counts: impl Fn(&Arrow) -> bool, node: impl Fn(&Module) -> String) -> Graph {
        let mut graph = Graph::new();
        for arrow in self.arrows().into_iter().filter(counts) {
            let place = format!("{}:{} -> {}", self.file(&arrow.from), arrow.line, self.file(&arrow.to));
            graph.entry((node(&arrow.from), node(&arrow.to))).or_default().push(place);
        }
        graph
    }

    fn graph_of_files(&self) -> Graph {
        let is_parent = |arrow: &Arrow| arrow.to.split_last().is_some_and(|(_, parent)| arrow.from == parent);
        self.graph(
            |arrow| !is_parent(arrow) && !self.is_allowed(arrow),
            |module| self.file(module).to_owned(),
        )
    }

    fn graph_of_rooms(&self) -> Graph {
        self.graph(
            |arrow| arrow.from[0] != arrow.to[0] && !self.is_allowed(arrow),
            |module| module[0].clone(),
        )
    }
}

/// The number of re-exports to follow. The bound guards against imports that name each other.
const MAX_HOPS: usize = 8;

fn child(module: &[String], name: &str) -> Module {
    let mut child = module.to_vec();
    child.push(name.to_owned());
    child
}

fn module_of(file: &str) -> Module {
    let path = file.strip_suffix(".rs").unwrap_or(file);
    let mut module: Module = path.split('/').map(str::to_owned).collect();
    module.pop_if(|name| name == "mod" || name == "lib");
    module
}

fn is_test_name(name: &str) -> bool {
    ["tests", "testing"].contains(&name) || name.ends_with("_tests")
}

/// Describes the circles of a graph with the arrows that form them.
fn describe(package: &str, graph: &Graph) -> Vec<String> {
    let show = |circle: Vec<String>| {
        let mut text = format!("{package}: {}", circle.join(" -> "));
        for pair in circle.windows(2) {
            for place in &graph[&(pair[0].clone(), pair[1].clone())] {
                text.push_str("\n    ");
                text.push_str(place);
            }
        }
        text
    };
    circles(graph).into_iter().map(show).collect()
}

fn crates() -> Vec<Crate> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let packages = fs::read_dir(folder).expect("a directory").map(|entry| entry.expect("an entry").path());
    let mut crates = Vec::new();
    for source in packages.map(|package| package.join("src")).filter(|source| source.is_dir()) {
        let package = source.parent().and_then(Path::file_name).expect("a name").to_string_lossy();
        let mut files = Vec::new();
        collect(&source, &source, &mut files);
        crates.push(Crate::parse(&package, files));
    }
    assert!(crates.len() > 7, "the crates were found");
    crates.sort_by(|one, other| one.name.cmp(&other.name));
    crates
}

/// Collects the Rust files below a folder: their paths from `root`, and their texts.
fn collect(folder: &Path, root: &Path, files: &mut Vec<(String, String)>) {
    let entries = fs::read_dir(folder).expect("a directory").map(|entry| entry.expect("an entry").path());
    let (folders, entries): (Vec<PathBuf>, Vec<PathBuf>) = entries.partition(|path| path.is_dir());
    for path in entries.iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs")) {
        let name = path.strip_prefix(root).expect("below the root").to_string_lossy().replace('\\', "/");
        files.push((name, fs::read_to_string(path).expect("UTF-8")));
    }
    folders.iter().for_each(|folder| collect(folder, root, files));
}

#[test]
fn files_do_not_import_in_a_circle() {
    let found: Vec<_> =
        crates().iter().flat_map(|each| describe(&each.name, &each.graph_of_files())).collect();

    assert!(found.is_empty(), "files import in a circle:\n{}", found.join("\n"));
}

#[test]
fn rooms_do_not_import_in_a_circle() {
    let found: Vec<_> =
        crates().iter().flat_map(|each| describe(&each.name, &each.graph_of_rooms())).collect();

    assert!(found.is_empty(), "folders below src import in a circle:\n{}", found.join("\n"));
}

#[test]
fn allowed_pairs_still_import_each_other() {
    let crates = crates();
    for pair in ALLOWED_PAIRS {
        let package = crates.iter().find(|each| each.name == pair.package).expect("the package exists");
        let arrows = package.arrows();
        let imports = |from: &str, to: &str| {
            arrows.iter().any(|arrow| package.file(&arrow.from) == from && package.file(&arrow.to) == to)
        };
        let [first, second] = pair.files;
        assert!(imports(first, second) && imports(second, first), "{first} and {second} need no exception");
    }
}

/// Parses a crate for a test.
fn example(files: &[(&str, &str)]) -> Crate {
    Crate::parse("example", files.iter().map(|(path, text)| ((*path).into(), (*text).into())).collect())
}

/// Returns the arrows as `from -> to`, sorted.
fn arrows_of(files: &[(&str, &str)]) -> Vec<String> {
    let package = example(files);
    let show = |arrow: Arrow| format!("{} -> {}", package.file(&arrow.from), package.file(&arrow.to));
    let mut arrows: Vec<String> = package.arrows().into_iter().map(show).collect();
    arrows.sort();
    arrows.dedup();
    arrows
}

#[test]
fn import_through_a_re_export_leads_to_the_defining_file() {
    let arrows = arrows_of(&[
        ("lib.rs", "mod a; mod b; pub use b::Thing;"),
        ("a.rs", "use crate::Thing; use crate::b::{Other, Third};"),
        ("b/mod.rs", "mod c; mod d; pub use c::{Other, Thing}; pub use d::*;"),
        ("b/c.rs", "pub struct Thing; pub enum Other {}"),
        ("b/d.rs", "pub struct Third;"),
    ]);

    // The re-exports are arrows from a parent to its children, which no circle counts.
    assert_eq!(arrows, ["a.rs -> b/c.rs", "a.rs -> b/d.rs", "b/mod.rs -> b/c.rs", "b/mod.rs -> b/d.rs"]);
}

#[test]
fn inline_paths_are_arrows() {
    let arrows = arrows_of(&[
        ("lib.rs", "mod a; mod b; mod c; mod tests;"),
        ("a.rs", "fn f() { crate::b::g(); }"),
        ("b.rs", "use crate::c; fn g() { c::d::h(); std::mem::drop(1); }"),
        ("c/mod.rs", "mod d; fn i() { d::h(); super::a::f(); }"),
        ("c/d.rs", "pub fn h() {}"),
        ("tests.rs", "use crate::a;"),
    ]);

    let expected =
        ["a.rs -> b.rs", "b.rs -> c/d.rs", "b.rs -> c/mod.rs", "c/mod.rs -> a.rs", "c/mod.rs -> c/d.rs"];
    assert_eq!(arrows, expected);
}

#[test]
fn circle_of_files_is_described_with_its_lines() {
    let package = example(&[
        ("lib.rs", "mod a; mod b;"),
        ("a.rs", "\nuse crate::b::B;\npub struct A;"),
        ("b.rs", "use crate::a::A; pub struct B;"),
    ]);

    let found = describe("example", &package.graph_of_files());

    assert_eq!(found, ["example: a.rs -> b.rs -> a.rs\n    a.rs:2 -> b.rs\n    b.rs:1 -> a.rs"]);
}

#[test]
fn circle_of_rooms_is_found_without_a_circle_of_files() {
    let package = example(&[
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "mod x; mod y;"),
        ("a/x.rs", "use crate::b::B;"),
        ("a/y.rs", "pub struct Y;"),
        ("b.rs", "use crate::a::y::Y; pub struct B;"),
    ]);

    assert!(circles(&package.graph_of_files()).is_empty());
    assert_eq!(circles(&package.graph_of_rooms()), [["a", "b", "a"]]);
}

#[test]
fn parent_and_child_form_no_circle() {
    let package = example(&[
        ("lib.rs", "mod a; mod b;"),
        ("a/mod.rs", "mod x; pub struct A; fn f() { x::g(); }"),
        ("a/x.rs", "use super::A; pub fn g() {}"),
        ("b.rs", ""),
    ]);

    assert!(circles(&package.graph_of_files()).is_empty());
}
