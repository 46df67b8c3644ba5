//! Judgements as the programs report them, read from the ring.

use sg_common::abi::event::VerdictRecord;

use super::maps::Maps;

impl Maps {
    /// Takes every record that is waiting.
    pub fn drain_events(&mut self) -> Vec<VerdictRecord> {
        let mut records = Vec::new();
        while let Some(item) = self.events.next() {
            if let Ok(bytes) = <&[u8; size_of::<VerdictRecord>()]>::try_from(&*item) {
                // SAFETY: any bytes are a valid `VerdictRecord`; the read is unaligned.
                records.push(unsafe { std::ptr::read_unaligned(bytes.as_ptr().cast()) });
            }
        }
        records
    }
}
