//! [`Items`]: the protected resource of the example.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use crate::answer::Answer;

const MAX_ITEMS: usize = 1000;
const MAX_NAME_CHARS: usize = 100;

/// A list of names in memory. Cheap to clone; clones share the list.
#[derive(Clone, Debug)]
pub struct Items(Arc<Mutex<Vec<String>>>);

impl Default for Items {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(vec!["lantern".to_owned(), "rope".to_owned()])))
    }
}

impl Items {
    /// Responds to `GET /items` with all items.
    #[must_use]
    pub fn list(&self) -> Answer {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let items: Vec<Value> = (1..).zip(names.iter()).map(|(id, name)| item(id, name)).collect();
        Answer::json(200, &json!({"items": items}))
    }

    /// Responds to `POST /items` with body `{"name": "…"}`: adds an item.
    #[must_use]
    pub fn add(&self, body: &[u8]) -> Answer {
        let parsed: Option<Value> = serde_json::from_slice(body).ok();
        let name = parsed.as_ref().and_then(|body| body.get("name")).and_then(Value::as_str).map(str::trim);
        let Some(name) = name.filter(|name| !name.is_empty() && name.chars().count() <= MAX_NAME_CHARS)
        else {
            return Answer::problem(
                400,
                "Bad Request",
                "a JSON object with a `name` of 1 to 100 characters is expected",
            );
        };
        let mut names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= MAX_ITEMS {
            return Answer::problem(409, "Conflict", "the list is full");
        }
        names.push(name.to_owned());
        Answer::json(201, &item(names.len(), name))
    }
}

fn item(id: usize, name: &str) -> Value {
    json!({"id": id, "name": name})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_name_is_added() {
        let items = Items::default();
        for bad in [&b""[..], b"{}", b"[]", br#"{"name":1}"#, br#"{"name":"  "}"#, b"\xff"] {
            assert_eq!(items.add(bad).status, 400);
        }
        let added = items.add(br#"{"name":"map","other":1}"#);
        assert_eq!((added.status, added.body.as_str()), (201, r#"{"id":3,"name":"map"}"#));
        assert!(items.list().body.ends_with(r#"{"id":3,"name":"map"}]}"#));
    }
}
