//! Reads Rust sources as far as the analysis of imports needs it: without comments, literals and tests.

/// The text of a source file without comments, literals, tests and imports, and its imports.
#[derive(Debug)]
pub(super) struct Source {
    text: String,
    pub(super) imports: Vec<Import>,
    /// The names of the modules that are declared under `#[cfg(test)]`.
    pub(super) test_modules: Vec<String>,
}

/// One path of a `use` declaration.
#[derive(Debug)]
pub(super) struct Import {
    /// The segments as written, so the first one may be `crate`, `self` or `super`.
    pub(super) path: Vec<String>,
    /// The name that the path is bound to, or `*` for a glob.
    pub(super) name: String,
    /// Whether the declaration has a visibility, which makes it a re-export.
    pub(super) is_public: bool,
    /// The line of the declaration.
    pub(super) line: usize,
}

impl Source {
    pub(super) fn parse(source: &str) -> Self {
        let (source, test_modules) = without_tests(&without_comments_and_literals(source));
        let (text, imports) = split_imports(&source);
        Self { text, imports, test_modules }
    }

    /// Returns the paths in the code, other than imports, with their lines.
    pub(super) fn inline_paths(&self) -> Vec<(Vec<String>, usize)> {
        let mut paths = Vec::new();
        for (line, number) in self.text.lines().zip(1..) {
            // The path of `pub(in path)` names a scope and imports nothing.
            let scope = line.split_once("pub(in ").and_then(|(_, scope)| scope.split_once(')'));
            let code = scope.map_or(line, |(_, code)| code);
            for run in code.split(|symbol: char| !is_word(symbol) && symbol != ':') {
                let segments = run.trim_end_matches(':').split("::");
                let path: Vec<String> =
                    segments.take_while(|segment| !segment.is_empty()).map(str::to_owned).collect();
                if path.len() > 1 {
                    paths.push((path, number));
                }
            }
        }
        paths
    }

    /// Returns whether the file defines an item of this name, at any depth.
    pub(super) fn defines(&self, name: &str) -> bool {
        ITEMS.iter().any(|item| {
            let definition = format!("{item} {name}");
            let mut found = self.text.match_indices(&definition);
            found.any(|(at, _)| !self.text[at + definition.len()..].starts_with(is_word))
        })
    }
}

const ITEMS: [&str; 10] =
    ["struct", "enum", "trait", "fn", "const", "static", "type", "union", "mod", "macro_rules!"];

fn is_word(symbol: char) -> bool {
    symbol.is_alphanumeric() || symbol == '_'
}

/// Replaces everything but line breaks by spaces.
fn blank(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|symbol| if symbol == '\n' { '\n' } else { ' ' })
}

fn without_comments_and_literals(source: &str) -> String {
    let mut output = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(symbol) = rest.chars().next() {
        let follows_word = output.ends_with(is_word);
        match comment_length(rest).or_else(|| literal_length(rest, follows_word)) {
            Some(length) => {
                output.extend(blank(&rest[..length]));
                rest = &rest[length..];
            }
            None => {
                output.push(symbol);
                rest = &rest[symbol.len_utf8()..];
            }
        }
    }
    output
}

/// Returns the length of a comment at the start of the text.
fn comment_length(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
    Some(bytes.len())
}

/// Returns the length of a string or character literal at the start of the text.
fn literal_length(text: &str, follows_word: bool) -> Option<usize> {
    if let Some(raw) = text.strip_prefix('b').unwrap_or(text).strip_prefix('r')
        && !follows_word
    {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        if raw[hashes..].starts_with('"') {
            let start = text.len() - raw.len() + hashes + 1;
            let end = format!("\"{}", "#".repeat(hashes));
            return Some(text[start..].find(&end).map_or(text.len(), |at| start + at + end.len()));
        }
    }
    if text.starts_with('"') {
        return Some(string_length(text));
    }
    let content = text.strip_prefix('\'')?;
    let length = match content.chars().next()? {
        // The symbol after the backslash may be a quote.
        '\\' => 2 + content.get(2..)?.find('\'')?,
        '\'' | '\n' => return None,
        symbol => symbol.len_utf8(),
    };
    // Without the second quote it is a lifetime.
    content[length..].starts_with('\'').then_some(length + 2)
}

fn string_length(text: &str) -> usize {
    let mut is_escaped = false;
    for (at, symbol) in text.char_indices().skip(1) {
        match symbol {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Blanks the items under `#[cfg(test)]`, and returns the names of modules declared under it.
fn without_tests(source: &str) -> (String, Vec<String>) {
    const ATTRIBUTE: &str = "#[cfg(";

    let (mut output, mut modules) = (String::with_capacity(source.len()), Vec::new());
    let mut rest = source;
    while let Some(at) = rest.find(ATTRIBUTE) {
        output.push_str(&rest[..at]);
        rest = &rest[at..];
        let condition = rest[ATTRIBUTE.len()..].trim_start_matches("all(");
        if condition.strip_prefix("test").is_some_and(|after| after.starts_with([')', ','])) {
            let attributes = attributes_length(rest);
            modules.extend(declared_module(&rest[attributes..]));
            let end = attributes + item_length(&rest[attributes..]);
            output.extend(blank(&rest[..end]));
            rest = &rest[end..];
        } else {
            output.push_str(ATTRIBUTE);
            rest = &rest[ATTRIBUTE.len()..];
        }
    }
    output.push_str(rest);
    (output, modules)
}

/// Returns the length of all attributes at the start of the text.
fn attributes_length(text: &str) -> usize {
    let mut length = 0;
    loop {
        let rest = &text[length..];
        let start = rest.len() - rest.trim_start().len();
        if !rest[start..].starts_with("#[") {
            return length;
        }
        length += start + 1 + group_length(&rest[start + 1..]);
    }
}

/// Returns the length of the bracketed group at the start of the text.
fn group_length(text: &str) -> usize {
    let mut depth = 0_i32;
    let end = text.find(|symbol: char| {
        depth += nesting(symbol);
        depth == 0
    });
    end.map_or(text.len(), |at| at + 1)
}

/// Returns the length of the item at the start of the text: to its semicolon, comma or closing brace.
fn item_length(text: &str) -> usize {
    let mut depth = 0_i32;
    for (at, symbol) in text.char_indices() {
        depth += nesting(symbol);
        match symbol {
            _ if depth < 0 => return at,
            ';' | ',' | '}' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    text.len()
}

fn nesting(symbol: char) -> i32 {
    match symbol {
        '(' | '[' | '{' => 1,
        ')' | ']' | '}' => -1,
        _ => 0,
    }
}

fn declared_module(item: &str) -> Option<String> {
    let (declaration, _) = item.split_once(';')?;
    let mut words = declaration.split_whitespace().rev();
    let name = words.next()?;
    (words.next()? == "mod").then(|| name.to_owned())
}

/// Blanks the `use` declarations and returns their paths.
fn split_imports(source: &str) -> (String, Vec<Import>) {
    const KEYWORD: &str = "use ";

    let (mut output, mut imports) = (String::with_capacity(source.len()), Vec::new());
    let mut rest = source;
    while let Some(at) = rest.find(KEYWORD) {
        output.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = match rest.find(';') {
            Some(end) if !output.ends_with(is_word) => end,
            _ => {
                output.push_str(KEYWORD);
                rest = &rest[KEYWORD.len()..];
                continue;
            }
        };
        let line = output.matches('\n').count() + 1;
        let is_public = output.rsplit('\n').next().is_some_and(|line| line.trim_start().starts_with("pub"));
        let mut paths = Vec::new();
        expand(&rest[KEYWORD.len()..end], &[], &mut paths);
        imports.extend(paths.into_iter().map(|(path, name)| Import { path, name, is_public, line }));
        output.extend(blank(&rest[..end]));
        rest = &rest[end..];
    }
    output.push_str(rest);
    (output, imports)
}

/// Collects the paths of a use tree, with the names that they are bound to.
fn expand(tree: &str, prefix: &[String], paths: &mut Vec<(Vec<String>, String)>) {
    let tree = tree.trim();
    if tree.is_empty() {
        return;
    }
    let (head, inner) = tree.split_once('{').map_or((tree, None), |(head, inner)| (head, Some(inner)));
    let (head, alias) = head.split_once(" as ").map_or((head, None), |(head, alias)| (head, Some(alias)));
    let mut path = prefix.to_vec();
    path.extend(
        head.split(|symbol: char| !is_word(symbol)).filter(|word| !word.is_empty()).map(str::to_owned),
    );
    if let Some(inner) = inner {
        let mut depth = 0_i32;
        let trees = inner.strip_suffix('}').unwrap_or(inner).split(|symbol: char| {
            depth += nesting(symbol);
            symbol == ',' && depth == 0
        });
        trees.for_each(|tree| expand(tree, &path, paths));
        return;
    }
    // The path `a::{self}` is `a`.
    if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
        path.pop();
    }
    let last = path.last().map_or("", String::as_str);
    let name = if head.trim_end().ends_with('*') { "*" } else { alias.map_or(last, str::trim) }.to_owned();
    paths.push((path, name));
}

#[test]
fn parser_skips_comments_literals_and_tests() {
    let source = r##"
        // crate::comment::line
        /* crate::comment::block /* nested */ crate::still::comment */
        const TEXT: &str = "crate::in::string \" crate::after::quote";
        const RAW: &str = r#"crate::in::raw " string"#;
        const SYMBOLS: [char; 3] = ['"', '\'', '\u{1b}'];
        fn real<'a>(value: &'a str) -> crate::real::Type<'a> { crate::real::call::<u8>(value) }
        pub(in crate::scope) fn scoped() {}
        #[cfg(test)]
        #[expect(unused, reason = "an example")]
        mod tests;
        #[cfg(all(test, unix))]
        mod inner { fn f() { crate::in_test::f(); } }
        #[cfg(unix)]
        fn on_unix() { crate::unix::f(); }
    "##;

    let parsed = Source::parse(source);

    let paths: Vec<String> = parsed.inline_paths().iter().map(|(path, _)| path.join("::")).collect();
    assert_eq!(paths, ["crate::real::Type", "crate::real::call", "crate::unix::f"]);
    assert_eq!(parsed.inline_paths()[0].1, 7, "lines are kept");
    assert_eq!(parsed.test_modules, ["tests"]);
    assert!(parsed.defines("on_unix") && parsed.defines("TEXT") && !parsed.defines("on"));
}

#[test]
fn parser_expands_use_trees() {
    let parsed = Source::parse(
        "use a::{self, b::{C, D as E}, f::*};\npub(crate) use super::g;\nfn reuse () {}\nuse {h::i as _};",
    );

    let found: Vec<_> = parsed
        .imports
        .iter()
        .map(|import| (import.path.join("::"), import.name.as_str(), import.is_public, import.line))
        .collect();
    let expected = [
        ("a", "a", false, 1),
        ("a::b::C", "C", false, 1),
        ("a::b::D", "E", false, 1),
        ("a::f", "*", false, 1),
        ("super::g", "g", true, 2),
        ("h::i", "_", false, 4),
    ];
    assert_eq!(found, expected.map(|(path, name, public, line)| (path.to_owned(), name, public, line)));
}
