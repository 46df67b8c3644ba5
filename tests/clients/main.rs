//! The API driven by the unmodified AWS CLI and by boto3, against a controller whose data plane is in memory. Needs what
//! `cargo xtask aws-clients` installs, and fails without.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a failed test is the only error there is here")]

mod awscli;
mod boto3;
mod describe_files;
mod moto;
mod signature;

const LAB: &str = "\
vpcs:
  lab:
    cidr: 10.0.0.0/16
    subnets: {public: {cidr: 10.0.1.0/24}}
    security-groups: {web: {inbound: [HTTP from anywhere]}}
    instances: {web-1: {subnet: public, groups: [web]}}
";
