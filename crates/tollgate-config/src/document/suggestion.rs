//! Finds the name that a misspelled name was meant to be.

/// Returns the name that differs from `word` in at most a third of its characters, and at most three.
pub(crate) fn nearest<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    let most = word.chars().count().div_ceil(3).min(3);
    let with_distances = names.iter().map(|name| (distance(word, name), *name));
    let (found, name) = with_distances.min_by_key(|(distance, _)| *distance)?;
    (found <= most).then_some(name)
}

/// Counts the characters to insert, remove or replace (Levenshtein distance). Case and `-` instead of `_` do not
/// count.
fn distance(one: &str, other: &str) -> usize {
    let fold = |symbol: char| if symbol == '-' { '_' } else { symbol.to_ascii_lowercase() };
    let other: Vec<char> = other.chars().map(fold).collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, symbol) in one.chars().map(fold).enumerate() {
        let mut diagonal = line;
        let mut left = line.saturating_add(1);
        if let Some(first) = row.first_mut() {
            *first = left;
        }
        for (above, expected) in row.iter_mut().skip(1).zip(&other) {
            let replaced = diagonal.saturating_add(usize::from(symbol != *expected));
            diagonal = *above;
            left = replaced.min(above.saturating_add(1)).min(left.saturating_add(1));
            *above = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_changes() {
        for (one, other, expected) in [
            ("", "", 0),
            ("realm", "realm", 0),
            ("relm", "realm", 1),
            ("kitten", "sitting", 3),
            ("abc", "", 3),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }

    #[test]
    fn nearest_name_is_close() {
        let names = ["realm", "sources", "policy"];
        assert_eq!(nearest("relm", &names), Some("realm"));
        assert_eq!(nearest("Sources", &names), Some("sources"));
        assert_eq!(nearest("source", &names), Some("sources"));
        assert_eq!(nearest("cache", &names), None);
        assert_eq!(nearest("x", &[]), None);
    }
}
