//! The paths that a Rust file names: its `use` trees spelled out, and the paths in expressions.

/// A path as segments, `crate` first where it starts in this crate, and the byte offset it was found at.
pub(super) struct Path {
    pub(super) segments: Vec<String>,
    pub(super) at: usize,
}

/// Every path of `code` (blanked of comments and literals) in the file of module `module`: one that begins with
/// `self` or `super` is made to begin with `crate`. A `use` tree gives one path per leaf.
pub(super) fn paths(code: &str, module: &[&str]) -> Vec<Path> {
    let mut paths = Vec::new();
    let tokens = tokens(code);
    let mut i = 0;
    while i < tokens.len() {
        i = if is_name(tokens[i].1) { tree(&tokens, i, &[], &mut paths) } else { i + 1 };
    }
    for path in &mut paths {
        path.segments = absolute(&path.segments, module);
    }
    paths
}

/// The module path of a file, without `crate`: `src/oracle/tracking.rs` is `["oracle", "tracking"]`.
pub(super) fn module_of(path: &str) -> Vec<&str> {
    let inside = path.split_once("src/").map_or(path, |(_, inside)| inside);
    let mut module: Vec<&str> = inside.trim_end_matches(".rs").split('/').collect();
    if matches!(module.last(), Some(&("mod" | "lib" | "main"))) {
        module.pop();
    }
    module
}

/// Reads the path or tree that begins at token `i` and returns the token after it.
fn tree(tokens: &[(usize, &str)], mut i: usize, prefix: &[String], paths: &mut Vec<Path>) -> usize {
    let start = tokens[i].0;
    let mut segments = prefix.to_vec();
    loop {
        match tokens.get(i) {
            Some((_, "{")) if segments.len() > prefix.len() || !prefix.is_empty() => {
                i += 1;
                while let Some(&(_, token)) = tokens.get(i) {
                    match token {
                        "}" => return i + 1,
                        "{" => i = tree(tokens, i, &segments, paths),
                        token if is_name(token) || token == "*" => i = tree(tokens, i, &segments, paths),
                        _ => i += 1,
                    }
                }
                return i;
            }
            Some(&(_, token)) if is_name(token) || token == "*" => segments.push(token.to_owned()),
            _ => break,
        }
        i += 1;
        if tokens.get(i).map(|token| token.1) != Some("::") {
            break;
        }
        let next = tokens.get(i + 1).map(|token| token.1);
        // `Vec::<u8>` and `crate::{…}` both go on after the colons; only the latter is part of the path.
        if !next.is_some_and(|next| is_name(next) || next == "*" || next == "{") {
            break;
        }
        i += 1;
    }
    paths.push(Path { segments, at: start });
    i
}

fn absolute(segments: &[String], module: &[&str]) -> Vec<String> {
    let mut depth = module.len();
    let mut rest = segments;
    let mut relative = false;
    while let Some((first, tail)) = rest.split_first() {
        match first.as_str() {
            "self" => {}
            "super" => depth = depth.saturating_sub(1),
            _ => break,
        }
        (relative, rest) = (true, tail);
    }
    if !relative {
        return segments.to_vec();
    }
    let base = std::iter::once("crate").chain(module[..depth].iter().copied()).map(str::to_owned);
    base.chain(rest.iter().cloned()).collect()
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Names, `::` and single other characters, with their offsets.
fn tokens(code: &str) -> Vec<(usize, &str)> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(c) = code[at..].chars().next() {
        let rest = &code[at..];
        let length = if word(c) {
            rest.find(|c| !word(c)).unwrap_or(rest.len())
        } else if rest.starts_with("::") {
            2
        } else {
            c.len_utf8()
        };
        if !c.is_whitespace() {
            tokens.push((at, &rest[..length]));
        }
        at += length;
    }
    tokens
}
