//! Flows that come and go: what is left once all have ended.

use std::time::Duration;

use anyhow::{Result, bail};
use sg_common::abi::MAX_FLOWS;
use sg_userspace::dataplane::Dataplane;
use sg_userspace::packet::spec::TcpFlags;

use crate::cli::Effort;
use crate::report::Section;
use crate::worlds::{CLIENT, SERVER};

use super::counted;
use super::field::{By, Crowd, Field, Flow};

/// Flows of a round: several rounds have more than the table holds.
const FLOWS: u32 = 40_000;
/// The longest timeout among these flows: of UDP after two exchanges.
const ENDED: Duration = Duration::from_secs(180);

/// Rounds of flows.
pub(super) fn section(field: &mut Field) -> Result<Section> {
    let rounds = if field.meter.effort == Effort::Full { 25 } else { 4 };
    let mut section = Section::new(
        "Churn",
        &format!(
            "{rounds} rounds of {FLOWS} flows, so more in all than the table's {MAX_FLOWS}: of each interface connections \
             that are opened and closed by FINs both ways, connections that are reset, SYNs without an answer, and \
             exchanges by UDP. After each round the data plane's clock is set forward by {} s, and the tables are swept.",
            ENDED.as_secs()
        ),
    );
    field.clear(None)?;
    let (mut present, mut live, mut entries, mut accounts) = (0, 0, 0, 0);
    for round in 0..rounds {
        for n in 0..FLOWS {
            comes_and_goes(field, round * FLOWS + n)?;
        }
        present += field.entries();
        field.kernel().advance(ENDED)?;
        live += field.kernel().live_flows()?.len();
        entries += field.entries();
        accounts += field.tracked(SERVER) + field.tracked(CLIENT);
    }
    section.rows = vec![
        counted("flows opened and ended", "flows", f64::from(rounds * FLOWS)),
        counted("entries before the clock moved, all rounds", "entries", present as f64),
        counted("live flows left after the sweeps", "flows", live as f64),
        counted("entries left in the tables", "entries", entries as f64),
        counted("connections left on the accounts", "connections", accounts as f64),
    ];
    if live as u64 + entries + accounts > 0 {
        section.remarks.push("Something is left of flows that have all ended: that is a fault.".to_owned());
    }
    Ok(section)
}

/// One flow from its first packet to its last.
fn comes_and_goes(field: &mut Field, n: u32) -> Result<()> {
    let is_udp = n % 8 == 7;
    let flow = if n.is_multiple_of(2) {
        Flow::to_server(is_udp, Crowd::Friends, n)
    } else {
        Flow::of_client(is_udp, Crowd::Friends, n)
    };
    let mut sends = |by, flags| {
        if field.passes(&flow, by, flags)? { Ok(()) } else { bail!("flow {n} was denied a packet") }
    };
    sends(By::Opener, TcpFlags::SYN)?;
    if n % 8 == 6 {
        return Ok(());
    }
    sends(By::Answerer, TcpFlags::SYN_ACK)?;
    sends(By::Opener, TcpFlags::ACK)?;
    if n % 8 == 5 {
        return sends(By::Answerer, TcpFlags::RST);
    }
    sends(By::Answerer, TcpFlags::FIN_ACK)?;
    sends(By::Opener, TcpFlags::FIN_ACK)?;
    sends(By::Answerer, TcpFlags::ACK)
}
