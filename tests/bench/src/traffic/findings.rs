//! What the rounds come to: sections of the report, and the goals.

use super::contender::Kind;
use super::measure::{Measure, P50, PROCESSOR, RATE};
use super::processors::Quiet;
use super::rounds::{LEAST_BARE, Rounds};
use crate::goals::Outcome;
use crate::report::{Bars, Row, Section};
use crate::stats::Spread;

/// What all measurements have in common, for the reader.
const LAYOUT: &str = "A client, a host and a server are network namespaces in a row, three for each configuration, with links of 1500 \
    bytes and the client on the first processor, the server on the second. All that judge have the same estate: 1000 interfaces in \
    200 sets of five groups, of 200 groups with 60 rules in each direction; what is under test is allowed by the last rules of the \
    last group of the client and of the server, and both are judged. `iptables+ipset` finds a port by going through all of them: the \
    two under test are in the middle of the others, as the average port is, or last, as in the peers' generator that the goals' figures \
    come from; of the others' rules, which no packet meets, it has eleven for each group, which makes 115 000 rules. Bare and empty \
    TCX forward by the host's routing table, as the peers do; sgsim delivers by `bpf_redirect_peer`, as it does in a lab.";

/// A section for each measurement.
pub(super) fn sections(rounds: &Rounds, quiet: &Quiet) -> Vec<Section> {
    let mut sections = Measure::ALL.map(|measure| section(rounds, measure));
    if let Some(first) = sections.first_mut() {
        first.method = format!("{LAYOUT}\n\n{}", first.method);
        first.remarks.push(quiet.sentence());
    }
    sections.into()
}

fn section(rounds: &Rounds, measure: Measure) -> Section {
    let mut section = Section::new(measure.name(), measure.method());
    for (place, figure) in measure.figures().iter().enumerate() {
        for kind in Kind::ALL {
            let rivals = match kind {
                Kind::Sgsim => &[Kind::Bare, Kind::Nftables, Kind::Iptables, Kind::IptablesLast][..],
                Kind::Bare => &[],
                _ => &[Kind::Bare],
            };
            let against =
                |rival: &Kind| (rival.name().to_owned(), rounds.ratio(measure, place, kind, *rival));
            section.rows.push(Row {
                name: format!("{}, {}", kind.name(), figure.name),
                unit: figure.unit,
                value: rounds.values(measure, place, kind),
                against: rivals.iter().map(against).collect(),
            });
        }
    }
    section.bars.push(Bars {
        title: measure.name().to_owned(),
        up: "rate, × bare".to_owned(),
        bars: Kind::ALL
            .map(|kind| (kind.name().to_owned(), rounds.ratio(measure, RATE, kind, Kind::Bare)))
            .into(),
    });
    let (kept, all) = rounds.kept(measure);
    section.remarks.push(format!(
        "{kept} of {all} rounds count; in the others `bare` had less than {:.0} % of its best rate.",
        LEAST_BARE * 100.0
    ));
    section
}

/// What the goals that are about traffic got.
pub(super) fn goals(rounds: &Rounds) -> Vec<Outcome> {
    let rate = |measure, other| rounds.ratio(measure, RATE, Kind::Sgsim, other);
    let mut goals = Vec::new();
    for measure in [Measure::OneStream, Measure::FourStreams] {
        let what = format!("{}: at least 0.97 of bare", measure.name());
        goals.push(at_least("G6", what, &rate(measure, Kind::Bare), 0.97, ""));
    }
    for (other, least) in [(Kind::Bare, 0.93), (Kind::Nftables, 1.5), (Kind::IptablesLast, 3.5)] {
        let measure = Measure::Datagrams;
        let processor = rounds.ratio(measure, PROCESSOR, Kind::Sgsim, other);
        let cost = format!("; processor time of a packet {:.2} of its", processor.median);
        let what = format!("{}: at least {least} × {}", measure.name(), other.name());
        goals.push(at_least("G7", what, &rate(measure, other), least, &cost));
    }
    let later = rounds.difference(Measure::RequestResponse, P50, Kind::Sgsim, Kind::Bare);
    goals.push(Outcome {
        id: "G8",
        goal: "TCP request and response, p50: at most 1.5 µs over bare".to_owned(),
        found: format!("{:+.2} µs ({:+.2} – {:+.2})", later.median, later.p25, later.p75),
        is_met: later.samples > 0 && later.median <= 1.5,
    });
    for (other, least) in [(Kind::Bare, 0.93), (Kind::Nftables, 1.1), (Kind::IptablesLast, 1.25)] {
        let measure = Measure::ConnectRequestResponse;
        let what = format!("{}: at least {least} × {}", measure.name(), other.name());
        let latency = rounds.ratio(measure, P50, Kind::Sgsim, other);
        let also = format!("; p50 {:.2} of its", latency.median);
        goals.push(at_least("G9", what, &rate(measure, other), least, &also));
    }
    goals
}

fn at_least(id: &'static str, goal: String, ratio: &Spread, least: f64, also: &str) -> Outcome {
    let found = format!("{:.2} ({:.2} – {:.2}){also}", ratio.median, ratio.p25, ratio.p75);
    Outcome { id, goal, found, is_met: ratio.samples > 0 && ratio.median >= least }
}
