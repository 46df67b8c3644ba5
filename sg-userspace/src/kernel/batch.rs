//! Whole hash tables in few system calls: `BPF_MAP_LOOKUP_BATCH` (Linux 5.6), for which aya has no function.

use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::ptr;

use aya::Pod;
use aya::maps::{HashMap, IterableMap, MapData};

/// The command's number in linux/bpf.h.
const LOOKUP_BATCH: libc::c_int = 24;
/// Elements that one system call may give: keys and values stay in a processor's own cache.
const ELEMENTS: usize = 1024;

/// The member `batch` of linux/bpf.h's `union bpf_attr`.
#[repr(C)]
struct Batch {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}

const _: () = assert!(size_of::<Batch>() == 56);

/// Reads a table while programs change it, bucket by bucket: an element that is there all the time is seen once, whatever
/// comes and goes beside it. The place from one call to the next is a bucket, so the reading always ends.
///
/// # Errors
/// Where the kernel refuses.
pub(super) fn read<K: Pod, V: Pod>(
    table: &HashMap<MapData, K, V>,
    mut visit: impl FnMut(K, V),
) -> io::Result<()> {
    let (mut keys, mut values) = (Vec::<K>::new(), Vec::<V>::new());
    let mut room = ELEMENTS;
    let mut place: Option<u32> = None;
    loop {
        keys.reserve_exact(room);
        values.reserve_exact(room);
        let mut next = 0u32;
        let mut batch = Batch {
            in_batch: place.as_ref().map_or(0, |place| ptr::from_ref(place) as u64),
            out_batch: ptr::from_mut(&mut next) as u64,
            keys: keys.as_mut_ptr() as u64,
            values: values.as_mut_ptr() as u64,
            count: u32::try_from(room).unwrap_or(u32::MAX),
            map_fd: table.map().fd().as_fd().as_raw_fd().cast_unsigned(),
            elem_flags: 0,
            flags: 0,
        };
        // SAFETY: `Batch` is what the command reads and writes. It writes at most `count` elements, for which there is room:
        // aya has compared the sizes of `K` and `V` with the table's. The place of a hash table is a `u32`.
        let done = unsafe {
            libc::syscall(libc::SYS_bpf, LOOKUP_BATCH, ptr::from_mut(&mut batch), size_of::<Batch>())
        };
        let is_last = match (done, io::Error::last_os_error()) {
            (0, _) => false,
            // That was the last bucket; there may be elements all the same.
            (_, error) if error.raw_os_error() == Some(libc::ENOENT) => true,
            // More elements in one bucket than there is room for.
            (_, error) if error.raw_os_error() == Some(libc::ENOSPC) => {
                room *= 2;
                continue;
            }
            (_, error) => return Err(error),
        };
        let count = batch.count as usize;
        // SAFETY: the kernel has written so many, and any bytes are a `K`.
        unsafe { keys.set_len(count) };
        // SAFETY: as above, of `V`.
        unsafe { values.set_len(count) };
        keys.drain(..).zip(values.drain(..)).for_each(|(key, value)| visit(key, value));
        if is_last {
            return Ok(());
        }
        place = Some(next);
    }
}
