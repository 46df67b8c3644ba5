//! Flow logs' records: what each covered interface carried in a window, as lines in files (section 7 of AWS's semantics).
//!
//! The data plane counts (`sg_common::datapath::flow_log`); the controller closes a window and says who was covered in it
//! (`window`), and keeps what the next one would not know (`owed`); a thread of its own reads the counts, makes records of them (`record`) and appends these to files (`writer`,
//! by way of `journal`), so that neither a slow disk nor a full one holds up anything else.

pub mod journal;
pub mod owed;
pub mod record;
pub mod window;
pub mod writer;
