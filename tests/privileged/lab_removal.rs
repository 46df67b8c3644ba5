//! Nothing that a lab makes outlives its removal, also after a crash half-way, and removal can be repeated.

use sg_userspace::lab::cleanup::{Removed, tear_down};
use sg_userspace::lab::hosts;
use sg_userspace::lab::link::{LinkSpec, Links};
use sg_userspace::lab::manifest::{Made, Manifest};
use sg_userspace::lab::namespace::{self, Namespace};
use sg_userspace::lab::process::{self, Inside};

#[tokio::test]
async fn tear_down_leaves_nothing_and_can_be_repeated() {
    crate::require_root();
    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("state/made");
    let mut manifest = Manifest::open(&list).unwrap();
    let links = Links::open().unwrap();
    let data = directory.path().join("data");
    let mut names = Vec::new();
    for n in 0..3_u32 {
        let name = format!("sgt-down-{}-{n}", std::process::id());
        let index = crate::host_index(20 + n);
        let link = LinkSpec {
            host_name: format!("sgt{index}"),
            index,
            alias: format!("eni-down-{index}"),
            mtu: 1500,
            name: "eth0".into(),
            mac: [2, 0, 0, 0, 9, n as u8],
        };
        let host_end = Made::Link { name: link.host_name.clone(), alias: link.alias.clone() };
        manifest.record(&[Made::Namespace(name.clone()), host_end]).unwrap();
        manifest.record(&[Made::Directory(data.clone())]).unwrap();
        // The last one "crashes" before anything is made.
        if n < 2 {
            let instance = Namespace::create(&name).await.unwrap();
            links.create(&link, &instance).await.unwrap();
            hosts::write(&name, "web", &[]).unwrap();
            std::fs::create_dir_all(&data).unwrap();
            let argv = ["sleep", "60"].map(std::ffi::OsString::from);
            process::spawn(&Inside::new(&name), &argv, &directory.path().join("log")).unwrap();
        }
        names.push(name);
    }
    let removed = tear_down(&list).await.unwrap();
    assert_eq!(removed, Removed { processes: 2, links: 2, namespaces: 2 });
    let left = namespace::list().unwrap();
    for name in &names {
        assert!(!left.contains(name), "{left:?}");
        assert!(!hosts::directory(name).exists());
    }
    assert_eq!(
        links.with_alias_prefix(&format!("eni-down-{}", crate::host_index(0) / 1000)).await.unwrap(),
        []
    );
    assert!(!data.exists() && !list.exists());
    assert_eq!(tear_down(&list).await.unwrap(), Removed::default());
}
