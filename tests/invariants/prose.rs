//! The mechanical part of the rules for prose: phrases without an actor, empty doc comments, wide lines.

use std::fs;
use std::path::Path;

/// The maximum width of comment lines and Markdown lines, in characters.
const WIDTH: usize = 120;

/// Phrases that hide who acts. They are assembled from parts, because this file is checked too.
const PHRASES: [&str; 7] = [
    concat!("who", "ever"),
    concat!("whom", "ever"),
    concat!("no", "body"),
    concat!("some", "body"),
    concat!("every", "body"),
    concat!("any", "body"),
    concat!("those", " who"),
];

/// Phrases for what has ended or expired. They count only before a space, punctuation or the end of a line.
const ENDINGS: [&str; 4] =
    [concat!("is", " over"), concat!("are", " over"), concat!("was", " over"), concat!("were", " over")];

const EXTENSIONS: [&str; 12] =
    ["rs", "md", "toml", "lua", "sh", "mjs", "py", "js", "html", "css", "sql", "yml"];

/// A text file of the workspace.
struct File {
    /// The path from the root of the workspace.
    path: String,
    text: String,
}

/// A line number, and what is wrong with the line.
type Finding = (usize, String);

impl File {
    fn extension(&self) -> &str {
        Path::new(&self.path).extension().and_then(|extension| extension.to_str()).unwrap_or_default()
    }

    /// Returns what starts a comment line in this language.
    fn comment_marker(&self) -> Option<&'static str> {
        match self.extension() {
            "rs" | "js" | "mjs" => Some("//"),
            // Scripts named `run` have no extension.
            "toml" | "sh" | "py" | "" => Some("#"),
            "lua" | "sql" => Some("--"),
            _ => None,
        }
    }
}

fn files() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    collect(&root, "", &mut files);
    for expected in ["README.md", ".ci/run", "tests/invariants/prose.rs", "crates/tollgate/src/lib.rs"] {
        assert!(files.iter().any(|file| file.path == expected), "{expected} was found");
    }
    files
}

/// Collects the text files of a folder, without build output, installed packages and hidden folders.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("a directory") {
        let entry = entry.expect("an entry");
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().expect("a type");
        let is_skipped = ["target", "node_modules"].contains(&name.as_str());
        let is_hidden = name.starts_with('.') && name != ".ci";
        if kind.is_dir() && !is_skipped && !is_hidden {
            collect(&entry.path(), &format!("{path}/"), files);
        }
        let extension = Path::new(&name).extension().and_then(|extension| extension.to_str());
        let is_text = extension.is_some_and(|extension| EXTENSIONS.contains(&extension));
        if kind.is_file() && (is_text || name == "run") {
            files.push(File { path, text: fs::read_to_string(entry.path()).expect("UTF-8") });
        }
    }
}

/// Applies a rule to every file, and lists what it finds as `path:line: text`.
fn assert_rule(rule: impl Fn(&File) -> Vec<Finding>, meaning: &str) {
    let mut findings = Vec::new();
    for file in files() {
        let found = rule(&file).into_iter().map(|(line, text)| format!("{}:{line}: {text}", file.path));
        findings.extend(found);
    }
    findings.sort();
    assert!(findings.is_empty(), "{} lines {meaning}:\n{}", findings.len(), findings.join("\n"));
}

/// Finds [`PHRASES`] and [`ENDINGS`], also inside identifiers. Text in backticks is exempt.
fn phrases(file: &File) -> Vec<Finding> {
    let lines = file.text.lines().zip(1..).filter(|(line, _)| has_phrase(line));
    lines.map(|(line, number)| (number, line.trim().to_owned())).collect()
}

fn has_phrase(line: &str) -> bool {
    let text = without_backticks(line).replace('_', " ").to_ascii_lowercase();
    let ends_word = |rest: &str| !rest.starts_with(|symbol: char| symbol.is_ascii_alphabetic());
    let ends_clause = |rest: &str| {
        rest.is_empty()
            || rest.starts_with(|symbol: char| symbol.is_whitespace() || ".,;:)!?`\"]".contains(symbol))
    };
    PHRASES.iter().any(|phrase| occurs(&text, phrase, ends_word))
        || ENDINGS.iter().any(|phrase| occurs(&text, phrase, ends_clause))
}

/// Returns whether a phrase occurs at the start of a word, before text that the condition accepts.
fn occurs(text: &str, phrase: &str, is_before: impl Fn(&str) -> bool) -> bool {
    text.match_indices(phrase).any(|(at, _)| {
        let starts_word = !text[..at].ends_with(|symbol: char| symbol.is_ascii_alphabetic());
        starts_word && is_before(&text[at + phrase.len()..])
    })
}

/// Removes what is between pairs of backticks. An unpaired backtick stays.
fn without_backticks(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once('`') {
        let Some((_, outside)) = after.split_once('`') else { break };
        text.push_str(before);
        rest = outside;
    }
    text + rest
}

/// Finds doc comments of one or two words.
fn short_docs(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    let mut start = None;
    if file.extension() != "rs" {
        return findings;
    }
    for (line, number) in file.text.lines().chain([""]).zip(1..) {
        let doc = line.trim().strip_prefix("///").filter(|doc| !doc.starts_with('/'));
        if let Some(doc) = doc {
            start.get_or_insert(number);
            words.extend(doc.split_whitespace());
        } else if let Some(start) = start.take() {
            if words.len() <= 2 {
                findings.push((start, words.join(" ")));
            }
            words.clear();
        }
    }
    findings
}

/// Finds lines that hold only a comment and are wider than [`WIDTH`].
fn wide_comments(file: &File) -> Vec<Finding> {
    let Some(marker) = file.comment_marker() else { return Vec::new() };
    let lines = file.text.lines().zip(1..).filter(|(line, _)| line.trim_start().starts_with(marker));
    lines.filter_map(|(line, number)| width_finding(line, number)).collect()
}

/// Finds lines of Markdown that are wider than [`WIDTH`], outside of tables, code and lines with links. The table of
/// benchmarks is generated.
fn wide_markdown(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut is_code = false;
    if file.extension() != "md" || file.path == "docs/benchmarks.md" {
        return findings;
    }
    for (line, number) in file.text.lines().zip(1..) {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        let is_exempt = line.starts_with('|') || line.contains("](") || line.contains("<img");
        if !is_code && !is_exempt {
            findings.extend(width_finding(line, number));
        }
    }
    findings
}

fn width_finding(line: &str, number: usize) -> Option<Finding> {
    let width = line.chars().count();
    (width > WIDTH).then(|| (number, format!("{width} columns")))
}

#[test]
fn text_names_who_acts() {
    assert_rule(phrases, "hide who acts, or say that something has ended without the word for it");
}

#[test]
fn doc_comments_have_more_than_two_words() {
    assert_rule(short_docs, "are doc comments of one or two words");
}

#[test]
fn comment_lines_fit_the_width() {
    assert_rule(wide_comments, "are comments wider than 120 columns");
}

#[test]
fn markdown_lines_fit_the_width() {
    assert_rule(wide_markdown, "of Markdown are wider than 120 columns");
}

fn file(path: &str, text: impl Into<String>) -> File {
    File { path: path.to_owned(), text: text.into() }
}

fn lines_of(findings: Vec<Finding>) -> Vec<usize> {
    findings.into_iter().map(|(line, _)| line).collect()
}

#[test]
fn phrase_rule_finds_each_phrase_in_text_and_identifiers() {
    for phrase in PHRASES.into_iter().chain(ENDINGS) {
        let identifier = phrase.replace(' ', "_");
        let text = format!("It {phrase}.\nfine\n{}\nfn a_{identifier}_b() {{}}", phrase.to_uppercase());
        assert_eq!(lines_of(phrases(&file("a.rs", text))), [1, 3, 4], "{phrase}");
    }
}

#[test]
fn phrase_rule_accepts_backticks_and_longer_words() {
    for phrase in PHRASES.into_iter().chain(ENDINGS) {
        let text = format!("the user `{phrase}`, `{phrase}`\nx{phrase}\n{phrase}x");
        assert!(phrases(&file("a.md", text)).is_empty(), "{phrase}");

        let unpaired = format!("a ` and {phrase}");
        assert_eq!(lines_of(phrases(&file("a.md", unpaired))), [1], "{phrase}");
    }
}

#[test]
fn short_doc_rule_counts_the_words_of_the_whole_comment() {
    let text = "/// One.\nfn a() {}\n    /// Two words.\n    fn b() {}\n/// Three short words.\nfn c() {}\n\
                ///\n/// Split over\n/// lines.\nfn d() {}\n//// no doc\n/// Last.";

    assert_eq!(lines_of(short_docs(&file("a.rs", text))), [1, 3, 12]);
    assert!(short_docs(&file("a.md", text)).is_empty());
}

#[test]
fn wide_comment_rule_depends_on_the_language() {
    let (long, fitting) = ("x".repeat(WIDTH), "x".repeat(WIDTH - 4));
    let text = format!("// {fitting}\n    // {long}\n# {long}\n-- {long}\nlet x = {long}; // code");

    for (path, expected) in [("a.rs", 2), ("a.mjs", 2), ("a.toml", 3), ("run", 3), ("a.sql", 4), ("a.lua", 4)]
    {
        assert_eq!(lines_of(wide_comments(&file(path, text.as_str()))), [expected], "{path}");
    }
    assert!(wide_comments(&file("a.css", text)).is_empty());
}

#[test]
fn markdown_rule_exempts_tables_code_and_links() {
    let long = "ü".repeat(WIDTH + 1);
    let text = format!("{long}\n| {long} |\n[a]({long})\n```\n{long}\n```\n{}\n{long}", "ü".repeat(WIDTH));

    assert_eq!(lines_of(wide_markdown(&file("a.md", text.as_str()))), [1, 8]);
    assert!(wide_markdown(&file("docs/benchmarks.md", text.as_str())).is_empty());
    assert!(wide_markdown(&file("a.rs", text)).is_empty());
}
