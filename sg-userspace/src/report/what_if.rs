//! What a change would do: paths that open and close, and the fate of live flows.

use std::fmt::Write as _;

use serde::Serialize;

use crate::analysis::row;
use crate::analysis::what_if::{Cut, Fate, WhatIf};
use crate::aws::world::World;

use super::flow::{FlowView, endpoint};
use super::reach::ReachView;
use super::{ALLOWED, ASIDE, DENIED, styled};

/// What a change would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WhatIfView {
    /// Paths that would open.
    pub opened: Vec<ReachView>,
    /// Paths that would close to new flows; untracked ones to those that are open, too.
    pub closed: Vec<ReachView>,
    /// Live flows that would be cut, or live on although none like them could be opened.
    pub flows: Vec<FateView>,
}

/// What would become of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FateView {
    /// The entry.
    #[serde(flatten)]
    pub flow: FlowView,
    /// `cut` or `lingers`.
    pub fate: &'static str,
    /// For how long it lives on without packets, at most.
    pub lingers_seconds: Option<u64>,
    /// Why.
    pub text: String,
}

impl WhatIfView {
    /// The view of an answer; `flows` are the live ones that were asked about.
    pub fn new(before: &World, after: &World, answer: &WhatIf, flows: &[FlowView]) -> Self {
        let rows = |paths, worlds: &[&World]| super::reach::views(worlds, &row::rows(paths));
        let fates =
            answer.fates.iter().filter_map(|(index, fate)| Some(FateView::new(flows.get(*index)?, fate)));
        Self {
            opened: rows(&answer.opened, &[after, before]),
            closed: rows(&answer.closed, &[before, after]),
            flows: fates.collect(),
        }
    }

    /// The answer as text, with styles.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut paths = |title: String, rows: &[ReachView]| {
            if !rows.is_empty() {
                let _ = writeln!(text, "{title}");
                for line in super::render(&super::reach::table(rows)).lines() {
                    let _ = writeln!(text, "  {line}");
                }
            }
        };
        paths(styled(ALLOWED, "would open"), &self.opened);
        paths(styled(DENIED, "would close"), &self.closed);
        if self.closed.iter().any(|row| !row.tracked) {
            let _ = writeln!(
                text,
                "  {}",
                styled(ASIDE, "what is untracked stops at once, open connections included")
            );
        }
        if !self.flows.is_empty() {
            text.push_str("live flows\n");
        }
        for fate in &self.flows {
            let style = if fate.lingers_seconds.is_some() { ALLOWED } else { DENIED };
            let FlowView { interface, protocol, local, local_port, remote, remote_port, .. } = &fate.flow;
            let (local, remote) = (endpoint(local, *local_port), endpoint(remote, *remote_port));
            let fated = styled(style, fate.fate);
            let _ = writeln!(text, "  {interface} {protocol} {local} {remote}: {fated}, {}", fate.text);
        }
        if text.is_empty() {
            text.push_str("nothing would open or close\n");
        }
        text
    }
}

impl FateView {
    fn new(flow: &FlowView, fate: &Fate) -> Self {
        let (word, lingers_seconds, text) = match fate {
            Fate::Lingers(seconds) => {
                let left = super::duration(*seconds);
                ("lingers", Some(*seconds), format!("until it closes, or {left} from now without packets"))
            }
            Fate::Cut(cut) => ("cut", None, cut_words(cut)),
        };
        Self { flow: flow.clone(), fate: word, lingers_seconds, text }
    }
}

fn cut_words(cut: &Cut) -> String {
    match cut {
        Cut::Gone => "its interface or address is gone".to_owned(),
        Cut::NoRoute => "the other end is not reached any more".to_owned(),
        Cut::Acl(decision) => format!("{} {} denies its packets", decision.acl_id, decision.rule_number),
        Cut::Untracked => {
            "the other end does not track it, and its rules do not allow it any more".to_owned()
        }
    }
}
