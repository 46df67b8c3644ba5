//! `cargo xtask aws-clients`: the AWS CLI and boto3 from PyPI, unmodified, in an environment below the target directory.

use std::fs;
use std::process::Command;

use anyhow::Result;

use crate::exec;
use crate::packages;
use crate::repo::Repo;
use crate::say;

/// What is installed; raised together, since both bring a botocore.
const PACKAGES: [&str; 5] =
    ["awscli==1.46.3", "boto3==1.44.5", "moto[ec2]==5.2.5", "pytest==9.2.0", "freezegun==1.5.5"];
/// Whose tests are run as an outside client; only the source distribution has them.
const MOTO: &str = "5.2.5";

pub(crate) fn execute(repo: &Repo) -> Result<()> {
    let place = repo.aws_clients();
    // Written last, so that a half-made environment is made again.
    let stamp = place.join("installed");
    let wanted = PACKAGES.join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        say::found("aws-clients", PACKAGES.join(", "));
        return Ok(());
    }
    let doing = format!("installing {}", PACKAGES.join(" and "));
    if exec::capture(Command::new("python3").args(["-c", "import ensurepip, venv"])).is_err() {
        let names = packages::PYTHON.iter().map(|package| package.name).collect::<Vec<_>>();
        packages::ensure(repo, &names)?;
    }
    exec::capture(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place))?;
    let mut pip = Command::new(place.join("bin/python3"));
    pip.args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input"]).args(PACKAGES);
    exec::into_log(repo, "aws-clients", &doing, &mut pip)?;
    let mut pip = Command::new(place.join("bin/python3"));
    let moto = format!("moto=={MOTO}");
    pip.args(["-m", "pip", "download", "--no-deps", "--no-binary", ":all:", &moto, "--dest"]).arg(&place);
    exec::into_log(repo, "aws-clients", "fetching moto's tests", &mut pip)?;
    let archive = place.join(format!("moto-{MOTO}.tar.gz"));
    exec::capture(Command::new("tar").arg("-xzf").arg(archive).arg("-C").arg(&place))?;
    fs::write(stamp, wanted)?;
    say::found("aws-clients", PACKAGES.join(", "));
    Ok(())
}
