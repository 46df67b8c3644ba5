//! The API driven by the unmodified AWS CLI and by boto3, against a controller whose data plane is in memory. Needs what
//! `cargo xtask aws-clients` installs, and fails without.

#![forbid(unsafe_code)]

mod awscli;
mod boto3;

const LAB: &str = "\
vpcs:
  lab:
    cidr: 10.0.0.0/16
    subnets: {public: {cidr: 10.0.1.0/24}}
    security-groups: {web: {inbound: [HTTP from anywhere]}}
    instances: {web-1: {subnet: public, groups: [web]}}
";
