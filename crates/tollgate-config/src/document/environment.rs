//! Puts environment variables into a document.

use std::ffi::OsString;
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
    // Shorter paths first, so that a variable can set a member of a list that another variable sets. Positions count
    // as numbers.
    ours.sort_by_cached_key(|(path, name, _)| (path.len(), sortable(path), name.clone()));
    for (path, name, value) in ours {
        set(root, &path, &name, value).map_err(|fault| fault.at(&Origin::Variable(Arc::clone(&name))))?;
    }
    Ok(())
}

fn sortable(path: &[Box<str>]) -> Vec<(Option<usize>, Box<str>)> {
    path.iter().map(|part| (part.parse().ok(), part.clone())).collect()
}

fn set(root: &mut Node, path: &[Box<str>], name: &Arc<str>, value: OsString) -> Result<(), Fault> {
    let value = value.into_string().map_err(|_value| Fault::new("is not UTF-8"))?;
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
                Fault::new(format!("has `{part}` where a list has {length} elements"))
                    .with_mend(format!("write a position from 0 to {length}"))
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

fn is_position(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}
