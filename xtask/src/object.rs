//! What an ELF file of BPF programs holds: the names that the loader will look for.

use anyhow::{Context, Result};
use object::read::elf::ElfFile64;
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

/// Names of programs and maps, sorted.
#[derive(Default, Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    /// Function and the section that says its program type.
    pub(crate) programs: Vec<(String, String)>,
    pub(crate) maps: Vec<String>,
    /// Whether there is type information, which the loader and the verifier's log need.
    pub(crate) btf: bool,
}

/// Reads the symbols of a BPF object.
pub(crate) fn contents(bytes: &[u8]) -> Result<Contents> {
    let elf: ElfFile64 = ElfFile64::parse(bytes).context("not a 64-bit ELF file")?;
    let mut contents = Contents { btf: elf.section_by_name(".BTF").is_some(), ..Contents::default() };
    for symbol in elf.symbols() {
        let Some(section) = symbol.section_index() else { continue };
        let section = elf.section_by_index(section)?.name()?;
        let name = symbol.name()?.to_owned();
        match (symbol.kind(), section) {
            // Global functions in `.text` are subprograms, which are verified once but not loaded by name.
            (SymbolKind::Text, section) if symbol.is_global() && section != ".text" => {
                contents.programs.push((name, section.to_owned()));
            }
            (SymbolKind::Data, "maps" | ".maps") => contents.maps.push(name),
            _ => {}
        }
    }
    contents.programs.sort();
    contents.maps.sort();
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_files_are_refused() {
        assert!(contents(b"#!/bin/sh\n").is_err());
    }
}
