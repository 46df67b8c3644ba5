//! Running an iterator program over a map (Linux 5.8). aya starts no iterator that is for one map.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

use anyhow::{Context, Result, ensure};
use aya::maps::MapData;
use aya::programs::Iter;

/// Commands of linux/bpf.h.
const LINK_CREATE: libc::c_int = 28;
const ITER_CREATE: libc::c_int = 33;
/// `BPF_TRACE_ITER`.
const TRACE_ITER: u32 = 28;

/// The member `link_create` of linux/bpf.h's `union bpf_attr`, for an iterator.
#[repr(C)]
struct LinkCreate {
    program: u32,
    target: u32,
    attach_type: u32,
    flags: u32,
    information: u64,
    information_length: u32,
    reserved: u32,
}

/// The member `iter_create`.
#[repr(C)]
struct IterCreate {
    link: u32,
    flags: u32,
}

/// The member `map` of `union bpf_iter_link_info`.
#[repr(C)]
struct LinkInformation {
    map: u32,
}

const _: () = assert!(size_of::<LinkCreate>() == 32);

/// Runs a program that writes nothing on every element of a map.
///
/// # Errors
/// Where the kernel refuses.
pub(super) fn run(program: &Iter, map: &MapData) -> Result<()> {
    let mut file = open(program, map)?;
    let mut byte = [0];
    let read = loop {
        match file.read(&mut byte) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => break read.context("the kernel has not finished an iterator")?,
        }
    };
    ensure!(read == 0, "an iterator has written something");
    Ok(())
}

/// A file whose reading runs the program. It holds the program and the map by itself.
fn open(program: &Iter, map: &MapData) -> Result<File> {
    let information = LinkInformation { map: map.fd().as_fd().as_raw_fd().cast_unsigned() };
    let mut link = LinkCreate {
        program: program.fd()?.as_fd().as_raw_fd().cast_unsigned(),
        target: 0,
        attach_type: TRACE_ITER,
        flags: 0,
        information: ptr::from_ref(&information) as u64,
        information_length: size_of::<LinkInformation>() as u32,
        reserved: 0,
    };
    // SAFETY: `LinkCreate` is what the command reads, with what it points to.
    let link = unsafe { descriptor(LINK_CREATE, &mut link) }.context("the kernel refused an iterator")?;
    let mut iterator = IterCreate { link: link.as_raw_fd().cast_unsigned(), flags: 0 };
    // SAFETY: `IterCreate` is what the command reads.
    let file = unsafe { descriptor(ITER_CREATE, &mut iterator) }.context("the kernel opens no iterator")?;
    Ok(file.into())
}

/// A command that returns a descriptor.
///
/// # Safety
/// The command reads a `T`, and returns a new descriptor.
unsafe fn descriptor<T>(command: libc::c_int, attributes: &mut T) -> io::Result<OwnedFd> {
    let size = size_of::<T>();
    // SAFETY: the caller's promise.
    let done = unsafe { libc::syscall(libc::SYS_bpf, command, ptr::from_mut(attributes), size) };
    let Ok(raw @ 0..) = i32::try_from(done) else { return Err(io::Error::last_os_error()) };
    // SAFETY: the caller's promise.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}
