//! Addresses of the internet in ranges that rules and ACL entries do not tell apart.
