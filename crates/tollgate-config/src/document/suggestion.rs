//! Finds the name that a misspelled name was meant to be.

/// Returns the question for the names that `word` could mean, such as "did you mean `clients`?".
pub(crate) fn did_you_mean(word: &str, names: &[&str]) -> Option<String> {
    let found = meant(word, names);
    if found.is_empty() { None } else { Some(format!("did you mean `{}`?", found.join("` or `"))) }
}

/// Returns the names that `word` could mean: those that begin with it, else the nearest, else those with the same
/// meaning, else those that end with it.
fn meant<'a>(word: &str, names: &[&'a str]) -> Vec<&'a str> {
    let all = |is_meant: &dyn Fn(&str) -> bool| -> Vec<&'a str> {
        names.iter().copied().filter(|name| is_meant(name)).collect()
    };
    let same = all(&|name| distance(word, name) == 0);
    if !same.is_empty() {
        return same;
    }
    let longer = all(&|name| name.strip_prefix(word).is_some_and(|rest| rest.starts_with(['_', '-'])));
    if !longer.is_empty() {
        return longer;
    }
    if let Some(name) = nearest(word, names) {
        return vec![name];
    }
    let synonyms = all(&|name| SYNONYMS.contains(&(word, name)));
    if !synonyms.is_empty() {
        return synonyms;
    }
    all(&|name| name.strip_suffix(word).is_some_and(|rest| rest.ends_with(['_', '-'])))
}

/// Names that are used elsewhere, and members that they could mean.
const SYNONYMS: [(&str, &str); 13] = [
    ("api", "audience"),
    ("aud", "audience"),
    ("audience", "client"),
    ("audience", "clients"),
    ("iss", "issuer"),
    ("jwks", "keys"),
    ("jwks_uri", "keys"),
    ("jwks_url", "keys"),
    ("organization", "owner"),
    ("repository", "owner"),
    ("roles", "roles_at"),
    ("scopes", "scopes_at"),
    ("url", "base_url"),
];

/// Returns the name that differs from `word` in at most a third of its characters, and at most three.
fn nearest<'a>(word: &str, names: &[&'a str]) -> Option<&'a str> {
    let most = word.chars().count().div_ceil(3).min(3);
    let with_distances = names.iter().map(|name| (distance(word, name), *name));
    let (found, name) = with_distances.min_by_key(|(distance, _)| *distance)?;
    (found <= most).then_some(name)
}

/// Counts the characters to insert, remove or replace (Levenshtein distance). Ignores case, and takes `-` for `_`.
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
    fn names_that_begin_with_the_word_come_first() {
        let names = ["clients", "audience", "base_url", "cognito-access", "cognito-id"];
        for (word, expected) in [
            ("client", Some("did you mean `clients`?")),
            ("api", Some("did you mean `audience`?")),
            ("base", Some("did you mean `base_url`?")),
            ("url", Some("did you mean `base_url`?")),
            ("cognito", Some("did you mean `cognito-access` or `cognito-id`?")),
            ("Cognito_ID", Some("did you mean `cognito-id`?")),
            ("color", None),
        ] {
            assert_eq!(did_you_mean(word, &names).as_deref(), expected, "{word}");
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
