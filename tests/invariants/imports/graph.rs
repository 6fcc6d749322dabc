//! Finds circles in a graph.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Arrows between nodes, with the places in the source that cause them.
pub(super) type Graph = BTreeMap<(String, String), Vec<String>>;

/// Returns a shortest circle of each group of nodes that reach each other. The first node is repeated at the end.
pub(super) fn circles(graph: &Graph) -> Vec<Vec<String>> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut circles = Vec::new();
    for (node, _) in graph.keys() {
        if seen.contains(node.as_str()) {
            continue;
        }
        let reached = reachable(graph, node).into_keys();
        let group: Vec<&str> =
            reached.filter(|other| reachable(graph, other).contains_key(node.as_str())).collect();
        let shortest = group.iter().filter_map(|member| circle_through(graph, member)).min_by_key(Vec::len);
        circles.extend(shortest);
        seen.extend(group);
    }
    circles
}

/// Returns a shortest circle through a node.
fn circle_through(graph: &Graph, node: &str) -> Option<Vec<String>> {
    let before = reachable(graph, node);
    let mut circle = vec![node.to_owned()];
    let mut at = *before.get(node)?;
    while at != node {
        circle.push(at.to_owned());
        at = *before.get(at)?;
    }
    circle.push(node.to_owned());
    circle.reverse();
    Some(circle)
}

/// Returns the nodes that can be reached from a node, each with its predecessor on a shortest path.
fn reachable<'a>(graph: &'a Graph, from: &'a str) -> BTreeMap<&'a str, &'a str> {
    let mut before = BTreeMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(node) = queue.pop_front() {
        for (_, next) in graph.keys().filter(|(start, _)| start == node) {
            if !before.contains_key(next.as_str()) {
                before.insert(next.as_str(), node);
                queue.push_back(next.as_str());
            }
        }
    }
    before
}

#[test]
fn search_finds_the_shortest_circle_of_each_group() {
    let arrows = [("a", "b"), ("b", "c"), ("c", "a"), ("c", "b"), ("c", "x"), ("x", "y"), ("y", "y")];
    let graph = Graph::from(arrows.map(|(from, to)| ((from.to_owned(), to.to_owned()), Vec::new())));

    assert_eq!(circles(&graph), [vec!["b", "c", "b"], vec!["y", "y"]]);
}

#[test]
fn search_finds_no_circle_in_a_tree() {
    let arrows = [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")];
    let graph = Graph::from(arrows.map(|(from, to)| ((from.to_owned(), to.to_owned()), Vec::new())));

    assert!(circles(&graph).is_empty());
}
