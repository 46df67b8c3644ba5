//! Two namespaces joined by one veth pair, with addresses of both families: the smallest network to try things on.

use sg_userspace::lab::address::{self, AddressSpec};
use sg_userspace::lab::link::{LinkSpec, Links};
use sg_userspace::lab::namespace::{self, Namespace};

/// Names of one test's namespaces, removed however it ends.
pub(crate) struct Names(pub(crate) Vec<String>);

impl Names {
    pub(crate) fn new(test: &str, count: usize) -> Self {
        crate::require_root();
        Self((0..count).map(|n| format!("sgt-{test}-{}-{n}", std::process::id())).collect())
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        let _ = sg_userspace::lab::process::kill(&self.0, std::time::Duration::ZERO);
        for name in &self.0 {
            let _ = namespace::delete(name);
        }
    }
}

/// A link of this index.
pub(crate) fn spec(index: u32) -> LinkSpec {
    LinkSpec {
        host_name: format!("sgt{index}"),
        index,
        alias: format!("eni-test-{index}"),
        mtu: 9001,
        name: "eth0".into(),
        mac: [2, 0, 0, 0, (index >> 8) as u8, index as u8],
    }
}

/// Makes them: 10.NET.0.10 and fdNET::10 in the first, .11 and ::11 in the second.
pub(crate) async fn joined(test: &str, index: u32, net: u8) -> Names {
    let names = Names::new(test, 2);
    let one = Namespace::create(&names.0[0]).await.unwrap();
    let two = Namespace::create(&names.0[1]).await.unwrap();
    let inner = names.0[1].clone();
    namespace::run_async_in(&names.0[0], move || async move {
        let two = Namespace::open(&inner)?;
        Links::open()?.create(&spec(index), &two).await
    })
    .await
    .unwrap();
    // The host end was made silent; here it has to speak.
    let quiet = format!("/proc/sys/net/ipv6/conf/sgt{index}/disable_ipv6");
    let state = namespace::run_in(&names.0[0], || {
        let state = std::fs::read_to_string(&quiet)?;
        std::fs::write(&quiet, "0")?;
        std::fs::write(format!("/proc/sys/net/ipv4/conf/sgt{index}/arp_ignore"), "0")?;
        Ok(state)
    })
    .unwrap();
    assert_eq!(state.trim(), "1");
    let addresses = |n: u8| {
        vec![format!("10.{net}.0.{n}/24").parse().unwrap(), format!("fd{net:02}::{n}/64").parse().unwrap()]
    };
    address::configure(&one, &AddressSpec::new(index, addresses(10), 0, 1)).await.unwrap();
    address::configure(&two, &AddressSpec::new(index, addresses(11), 0, 2)).await.unwrap();
    names
}
