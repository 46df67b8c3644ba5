//! What can be known to be missing before anything is started.

use std::path::Path;

use anyhow::{Result, bail};

/// The first kernel with TCX links.
const TCX: (u32, u32) = (6, 6);
/// The kernel's types, in BTF.
const TYPES: &str = "/sys/kernel/btf/vmlinux";

/// Makes sure that this build and this kernel can enforce at all.
///
/// # Errors
/// What is missing, and how to get it.
pub fn check() -> Result<()> {
    #[cfg(not(feature = "kernel"))]
    if true {
        bail!(super::enforcer::NO_KERNEL);
    }
    check_types(Path::new(TYPES))?;
    let release = nix::sys::utsname::uname().map(|name| name.release().to_string_lossy().into_owned());
    check_release(&release.unwrap_or_default())
}

/// A program that goes through the kernel's tables is loaded by the kernel's own types.
fn check_types(path: &Path) -> Result<()> {
    if !path.exists() {
        bail!(
            "this kernel does not tell its types ({} is missing), which programs are loaded by: boot one that was built with \
             CONFIG_DEBUG_INFO_BTF, as distributions' kernels are",
            path.display()
        );
    }
    Ok(())
}

/// A kernel whose release cannot be understood is given the benefit of the doubt: loading will tell.
fn check_release(release: &str) -> Result<()> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else { return Ok(()) };
    if (major, minor) < TCX {
        bail!(
            "this kernel ({release}) has no TCX, which programs are attached with: Linux {}.{} or newer is needed; \
             on Debian 12 install `linux-image-amd64` from bookworm-backports",
            TCX.0,
            TCX.1
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{check_release, check_types};

    #[test]
    fn kernels_before_tcx_are_refused_by_name() {
        for release in ["6.6.0", "6.12.9-amd64", "7.0.0-rc1", "unheard-of"] {
            assert!(check_release(release).is_ok(), "{release}");
        }
        for release in ["6.5.13", "5.10.0-33-amd64"] {
            let error = check_release(release).unwrap_err().to_string();
            assert!(error.contains(release) && error.contains("6.6"), "{error}");
        }
    }

    #[test]
    fn kernels_without_types_are_refused_with_a_way_out() {
        let error = check_types(Path::new("/nonexistent/vmlinux")).unwrap_err().to_string();
        assert!(error.contains("/nonexistent/vmlinux") && error.contains("CONFIG_DEBUG_INFO_BTF"), "{error}");
        assert!(check_types(Path::new("/")).is_ok());
    }
}
