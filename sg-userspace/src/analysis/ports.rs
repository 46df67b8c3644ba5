//! Ranges of ports that rules do not tell apart: asked about one port of each, all are known.

use crate::aws::protocol::PortRange;

/// First and last port, both inclusive.
pub(super) type Ports = (u16, u16);

/// Every port.
pub(super) const EVERY_PORT: Ports = (0, u16::MAX);

/// Cuts `whole` wherever one of `ranges` begins or ends.
pub(super) fn cut(whole: Ports, ranges: impl IntoIterator<Item = PortRange>) -> Vec<Ports> {
    let (first, last) = whole;
    let mut begins = vec![first];
    for PortRange { from_port, to_port } in ranges {
        let edges = [from_port, to_port.saturating_add(1)];
        let inside = edges.into_iter().filter_map(|edge| u16::try_from(edge).ok());
        begins.extend(inside.filter(|edge| (first..=last).contains(edge)));
    }
    begins.sort_unstable();
    begins.dedup();
    let ends = begins.iter().skip(1).map(|next| next - 1).chain([last]);
    begins.iter().copied().zip(ends).collect()
}

/// What is in `of` and not in `without`; both sorted, each without overlaps.
pub(super) fn subtract(of: &[Ports], without: &[Ports]) -> Vec<Ports> {
    let mut left = Vec::new();
    for &(first, last) in of {
        let mut next = u32::from(first);
        for &(from, to) in without.iter().filter(|(from, to)| *from <= last && *to >= first) {
            if u32::from(from) > next {
                left.push((next, u32::from(from) - 1));
            }
            next = next.max(u32::from(to) + 1);
        }
        if next <= u32::from(last) {
            left.push((next, u32::from(last)));
        }
    }
    let port = |port: u32| u16::try_from(port).unwrap_or(u16::MAX);
    left.into_iter().map(|(from, to)| (port(from), port(to))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_begins_at_first_port_and_after_last_port_of_each_range() {
        let range = |from_port, to_port| PortRange { from_port, to_port };
        assert_eq!(cut(EVERY_PORT, []), [EVERY_PORT]);
        assert_eq!(
            cut(EVERY_PORT, [range(80, 443), range(443, 443), PortRange::ALL]),
            [(0, 79), (80, 442), (443, 443), (444, 65_535)]
        );
        assert_eq!(
            cut((100, 200), [range(0, 150), range(200, 65_535)]),
            [(100, 150), (151, 199), (200, 200)]
        );
        assert_eq!(cut(EVERY_PORT, [range(0, 65_535)]), [EVERY_PORT]);
    }

    #[test]
    fn subtract_leaves_what_is_outside() {
        assert_eq!(subtract(&[EVERY_PORT], &[]), [EVERY_PORT]);
        assert_eq!(subtract(&[EVERY_PORT], &[EVERY_PORT]), []);
        assert_eq!(subtract(&[EVERY_PORT], &[(0, 0), (80, 80), (65_535, 65_535)]), [(1, 79), (81, 65_534)]);
        assert_eq!(subtract(&[(10, 20), (30, 40)], &[(15, 35)]), [(10, 14), (36, 40)]);
    }
}
