//! [`Report`]: one command's section of `benchmarks.md`. Writing it keeps the sections of other commands.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::machine;
use crate::options::Options;

/// The sections, in their order in the document.
const SECTIONS: [&str; 5] = ["verify", "frameworks", "tcp", "cache", "sessions"];

const HEAD: &str = "\
# Benchmarks

Each section is the output of one command; nothing here is edited by hand. In each round, every contender takes one \
turn. The figures to compare are ratios within a round: the median over all rounds, with the tenth and the ninetieth \
percentile in brackets. Times only describe the machine that the section names.
";

/// A section under construction. Everything added to it is also printed.
pub struct Report<'a> {
    options: &'a Options,
    command: &'static str,
    text: String,
}

impl<'a> Report<'a> {
    /// Starts the section of this command. `versions` names the packages that its figures depend on.
    pub fn new(options: &'a Options, command: &'static str, title: &str, versions: &str) -> Self {
        let mut report = Self { options, command, text: String::new() };
        let revision = machine::ask("git", &["rev-parse", "--short=10", "HEAD"]);
        let compiler = machine::ask("rustc", &["--version"]);
        report.add(&format!("## {title}"));
        report.add(&format!(
            "`cargo run --release --manifest-path benches/Cargo.toml --bin {command}{}`\n\n\
             {} · {} · revision {} · {}\n\n{versions}",
            if options.quick { " -- --quick" } else { "" },
            machine::processor(),
            machine::date(),
            revision.as_deref().unwrap_or("unknown"),
            compiler.as_deref().unwrap_or("an unknown compiler"),
        ));
        report
    }

    /// Adds a paragraph, or any other Markdown.
    pub fn add(&mut self, text: &str) {
        println!("{text}\n");
        self.text.push_str(text);
        self.text.push_str("\n\n");
    }

    /// Adds a table. The first column is left-aligned, all others are right-aligned.
    pub fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        let width = |column: usize| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.chain([head[column].chars().count(), 3]).max().unwrap_or(3)
        };
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        let line = |cells: Vec<&str>| {
            let mut line = String::from("|");
            for (column, (cell, width)) in cells.iter().zip(&widths).enumerate() {
                let _ = match column {
                    0 => write!(line, " {cell:<width$} |"),
                    _ => write!(line, " {cell:>width$} |"),
                };
            }
            line
        };
        let rule = widths.iter().enumerate().map(|(column, width)| match column {
            0 => "-".repeat(width + 2),
            _ => "-".repeat(width + 1) + ":",
        });
        let mut lines = vec![line(head.to_vec()), format!("|{}|", rule.collect::<Vec<_>>().join("|"))];
        lines.extend(rows.iter().map(|row| line(row.iter().map(String::as_str).collect())));
        self.add(&lines.join("\n"));
    }

    /// Writes a chart to its own file and adds a link to it.
    pub fn chart(&mut self, file: &str, alternative: &str, svg: &str) {
        let directory = self.options.out.join("benchmarks");
        let written = fs::create_dir_all(&directory).and_then(|()| fs::write(directory.join(file), svg));
        written.unwrap_or_else(|error| panic!("{file}: {error}"));
        self.add(&format!("![{alternative}](benchmarks/{file})"));
    }

    /// Writes the section into the document.
    pub fn finish(self) {
        let path = self.options.out.join("benchmarks.md");
        let old = fs::read_to_string(&path).unwrap_or_default();
        let mut document = String::from(HEAD);
        for section in SECTIONS {
            let text = if section == self.command { Some(self.text.trim()) } else { kept(&old, section) };
            if let Some(text) = text {
                let _ = write!(document, "\n{}\n{text}\n{}\n", begin(section), end(section));
            }
        }
        write(&path, &document);
        println!("written to {}", path.display());
    }
}

fn begin(section: &str) -> String {
    format!("<!-- {section}: written by its command -->")
}

fn end(section: &str) -> String {
    format!("<!-- end of {section} -->")
}

fn kept<'a>(document: &'a str, section: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&begin(section))?;
    let (text, _) = rest.split_once(&end(section))?;
    Some(text.trim())
}

fn write(path: &Path, text: &str) {
    let directory = path.parent().unwrap_or(Path::new("."));
    let written = fs::create_dir_all(directory).and_then(|()| fs::write(path, text));
    written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
