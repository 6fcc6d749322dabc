//! Names of claims that say that something does not belong into a token.

use serde_json::Value;

/// What a name contains when it means a secret; letters and digits only, in lower case.
const WORDS: [&str; 11] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "apikey",
    "privatekey",
    "creditcard",
    "cardnumber",
    "refreshtoken",
    "accesstoken",
];
/// Names that mean one, but are part of harmless ones.
const NAMES: [&str; 6] = ["pass", "pin", "cvv", "cvc", "ssn", "pan"];

/// The first name that reads like that of a secret: that of the claim, or of a member inside.
pub(crate) fn find<'a>(name: &'a str, value: &'a Value) -> Option<&'a str> {
    if means_a_secret(name) {
        return Some(name);
    }
    match value {
        Value::Object(members) => members.iter().find_map(|(name, value)| find(name, value)),
        Value::Array(elements) => elements.iter().find_map(|element| find("", element)),
        _ => None,
    }
}

fn means_a_secret(name: &str) -> bool {
    let plain: String =
        name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    NAMES.contains(&plain.as_str()) || WORDS.iter().any(|word| plain.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_any_spelling() {
        for name in
            ["password", "Password", "user_password", "newPassword", "pwd", "client-secret", "API_KEY", "cvv"]
        {
            assert!(means_a_secret(name), "{name}");
        }
        for name in [
            "email",
            "tenant",
            "pinned",
            "passport_country",
            "company",
            "card_brand",
            "https://x.example/plan",
        ] {
            assert!(!means_a_secret(name), "{name}");
        }
    }
}
