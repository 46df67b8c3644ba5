//! Rules whose peer is a prefix list.

use super::check;

#[test]
fn r31_a_list_is_a_source_and_a_destination() {
    check(
        "
        blocks list: 203.0.113.0/24 198.51.100.7/32
        + in: web in tcp 443 list
        + out: web out udp 53 list
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        internet: tcp 198.51.100.7:1 > WEB:443 S => in rule in
        internet: tcp 198.51.100.8:1 > WEB:443 S => in no-rule
        internet: tcp OUTSIDER:1 > WEB:80 S => in no-rule
        web: udp WEB:9 > OUTSIDER:53 => out rule out
        web: udp WEB:9 > 198.51.100.8:53 => out no-rule
        ",
    );
}

#[test]
fn r31_the_lists_family_is_the_family_that_it_matches() {
    check(
        "
        blocks list: 0.0.0.0/1 128.0.0.0/1
        blocks list6: 2001:db8::/32
        + four: web in -1 list
        internet: tcp [OUTSIDER6]:1 > [WEB6]:443 S => in no-rule
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule four
        + six: web in -1 list6
        internet: tcp [OUTSIDER6]:1 > [WEB6]:443 S => in rule six
        internet: tcp [2001:db9::1]:1 > [WEB6]:443 S => in no-rule
        ",
    );
}

#[test]
fn r32_rules_follow_the_current_version() {
    check(
        "
        + in: web in tcp 443 list
        internet: tcp OUTSIDER:1 > WEB:443 S => in no-rule
        blocks list: 203.0.113.0/24
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        blocks list: 198.51.100.0/24
        # As with any rule, tracked flows live on (C-11).
        internet: tcp OUTSIDER:1 > WEB:443 S => in flow in
        internet: tcp OUTSIDER:2 > WEB:443 S => in no-rule
        internet: tcp 198.51.100.7:2 > WEB:443 S => in rule in
        blocks list:
        internet: tcp 198.51.100.7:3 > WEB:443 S => in no-rule
        ",
    );
}

#[test]
fn r36_c05_a_list_is_never_open() {
    check(
        "
        blocks list: 0.0.0.0/0
        + in: web in tcp 443 list
        + out: web out -1 0.0.0.0/0
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule in
        # Nor does it let an open rule's flows return untracked.
        - out
        + back: web out -1 list
        + open: web in tcp 80 0.0.0.0/0
        internet: tcp OUTSIDER:1 > WEB:80 S => in rule open
        ",
    );
}

#[test]
fn c06_a_list_decides_by_age_among_narrow_rules_and_after_open_ones() {
    check(
        "
        blocks list: 0.0.0.0/0
        + list: web in tcp 443 list
        + narrow: web in tcp 443 OUTSIDER/32
        internet: tcp OUTSIDER:1 > WEB:443 S => in rule list
        + open: web in tcp 443 0.0.0.0/0
        internet: tcp OUTSIDER:2 > WEB:443 S => in rule open
        - list
        - open
        internet: tcp OUTSIDER:3 > WEB:443 S => in rule narrow
        ",
    );
}
