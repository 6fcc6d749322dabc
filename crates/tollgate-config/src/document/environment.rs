//! Puts environment variables into a document.

use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::fault::Fault;
use super::parse;
use super::tree::{Entry, Node, Origin, Structured, Text, Value};

/// Between the prefix, the members and the positions in the name of a variable.
const SEPARATOR: &str = "__";

/// Sets the members that the variables name. Variables without the prefix and the separator are not for the document.
pub(crate) fn overlay(
    root: &mut Node,
    prefix: &str,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(), Fault> {
    let mut ours: Vec<(Vec<Box<str>>, Arc<str>, OsString)> = Vec::new();
    for (name, value) in variables {
        let Some(name) = name.to_str() else { continue };
        // `TOLLGATE_GATE__REALM`: the first member follows the prefix and one underscore.
        let Some(rest) = name.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')) else { continue };
        if !rest.contains(SEPARATOR) {
            continue;
        }
        let path = rest.split(SEPARATOR).map(|part| part.to_ascii_lowercase().into()).collect();
        ours.push((path, name.into(), value));
    }
    // A list is set before its elements, and these in the order of their positions, so that one variable can set a
    // member inside the value of another.
    ours.sort_by_cached_key(|(path, name, _)| (sortable(path), name.clone()));
    let mut before: Option<(Vec<Box<str>>, Arc<str>)> = None;
    for (path, name, value) in ours {
        let at = |fault: Fault| fault.at(&Origin::Variable(Arc::clone(&name)));
        if let Some((_, other)) = before.filter(|(before, _)| *before == path) {
            return Err(at(Fault::new(format!("sets the same member as {other}")).with_mend("unset one")));
        }
        let value = value.into_string().map_err(|_value| at(Fault::new("is not UTF-8")))?;
        set(root, &path, &name, value).map_err(at)?;
        before = Some((path, name));
    }
    Ok(())
}

/// Sets one member, unless `is_default` and it has a value.
pub(crate) fn set_member(root: &mut Node, given: Override<'_>, is_default: bool) -> Result<(), Fault> {
    let path: Vec<Box<str>> = given.member.split('.').map(Into::into).collect();
    if is_default && root.get(&path).is_some() {
        return Ok(());
    }
    let name: Arc<str> = given.variable.into();
    set(root, &path, &name, given.value.to_owned()).map_err(|fault| fault.at(&Origin::Variable(name)))
}

/// A member that a variable of the application sets. See
/// [`Document::with_override`](crate::Document::with_override).
#[derive(Clone, Copy)]
#[expect(clippy::exhaustive_structs, reason = "callers name the fields")]
pub struct Override<'a> {
    /// The path of the member, such as `issuers.0.issuer`.
    pub member: &'a str,
    /// The name of the variable, or of another setting, for errors.
    pub variable: &'a str,
    /// The text of the value, as in an environment variable.
    pub value: &'a str,
}

/// Hides the value, which can be a secret.
impl fmt::Debug for Override<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Override")
            .field("member", &self.member)
            .field("variable", &self.variable)
            .finish_non_exhaustive()
    }
}

fn sortable(path: &[Box<str>]) -> Vec<(Option<usize>, Box<str>)> {
    path.iter().map(|part| (part.parse().ok(), part.clone())).collect()
}

fn set(root: &mut Node, path: &[Box<str>], name: &Arc<str>, value: String) -> Result<(), Fault> {
    if value.trim().is_empty() {
        return Err(Fault::new("is empty").with_mend("unset it, or give it a value"));
    }
    if path.iter().any(|part| part.is_empty()) {
        return Err(Fault::new("names no member")
            .with_mend("write each member once, between two underscores, as in GATE__REALM"));
    }
    let origin = Origin::Variable(Arc::clone(name));
    let mut node = root;
    for (at, part) in path.iter().enumerate() {
        let is_list_below = path.get(at.saturating_add(1)).is_some_and(|next| is_position(next));
        node = child(node, part, &origin, is_list_below)?;
    }
    let structured = match value.trim_start().starts_with(['[', '{']) {
        false => Structured::None,
        true => match parse::variable(value.trim(), name) {
            Ok(node) => Structured::Is(Box::new(node)),
            Err(fault) => Structured::Broken(fault.problem),
        },
    };
    *node = Node { value: Value::Variable(Text { text: Zeroizing::new(value), structured }), origin };
    Ok(())
}

/// Returns the member or element below `node`, which is created if it does not exist.
fn child<'a>(
    node: &'a mut Node,
    part: &str,
    origin: &Origin,
    is_list_below: bool,
) -> Result<&'a mut Node, Fault> {
    let fresh = || Node {
        value: if is_list_below { Value::Array(Vec::new()) } else { Value::Table(Vec::new()) },
        origin: origin.clone(),
    };
    let value = match &mut node.value {
        Value::Variable(Text { structured: Structured::Is(node), .. }) => &mut node.value,
        value => value,
    };
    match value {
        Value::Array(nodes) => {
            let length = nodes.len();
            let at = part.parse::<usize>().ok().filter(|at| *at <= length).ok_or_else(|| {
                let positions = positions(length);
                Fault::new(format!("names the entry `{part}` of a list"))
                    .with_mend(format!("the document has {positions}; the position {length} adds an entry"))
            })?;
            if at == length {
                nodes.push(fresh());
            }
            nodes.get_mut(at).ok_or_else(|| Fault::new("names no element"))
        }
        Value::Table(entries) => {
            let known = entries.iter().position(|entry| entry.key.eq_ignore_ascii_case(part));
            let at = known.unwrap_or_else(|| {
                entries.push(Entry { key: part.into(), origin: origin.clone(), node: fresh() });
                entries.len().saturating_sub(1)
            });
            entries.get_mut(at).map(|entry| &mut entry.node).ok_or_else(|| Fault::new("names no member"))
        }
        _ => Err(Fault::new(format!("sets `{part}` inside of a value that is no table and no list"))
            .with_mend("set the value itself")),
    }
}

/// Returns the positions of a list as text.
pub(crate) fn positions(length: usize) -> String {
    match length {
        0 => "no entries".to_owned(),
        1 => "the entry 0".to_owned(),
        _ => format!("the entries 0 to {}", length.saturating_sub(1)),
    }
}

fn is_position(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}
