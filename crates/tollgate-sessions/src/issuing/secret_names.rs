//! Claim names that suggest a secret, which does not belong in a token.

use serde_json::Value;

/// Words that suggest a secret anywhere in a name: letters and digits only, in lower case.
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
/// Names that suggest a secret only as a whole, because harmless names contain them.
const NAMES: [&str; 6] = ["pass", "pin", "cvv", "cvc", "ssn", "pan"];

/// Returns the first name that suggests a secret: the name of the claim, or of a member inside it.
pub(crate) fn find<'a>(name: &'a str, value: &'a Value) -> Option<&'a str> {
    if suggests_a_secret(name) {
        return Some(name);
    }
    match value {
        Value::Object(members) => members.iter().find_map(|(name, value)| find(name, value)),
        Value::Array(elements) => elements.iter().find_map(|element| find("", element)),
        _ => None,
    }
}

fn suggests_a_secret(name: &str) -> bool {
    let plain: String =
        name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    NAMES.contains(&plain.as_str()) || WORDS.iter().any(|word| plain.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_names_are_found_in_any_spelling() {
        for name in
            ["password", "Password", "user_password", "newPassword", "pwd", "client-secret", "API_KEY", "cvv"]
        {
            assert!(suggests_a_secret(name), "{name}");
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
            assert!(!suggests_a_secret(name), "{name}");
        }
    }
}
