//! Fuzzes `Forwarded` and `X-Forwarded-For`: whatever a client sends to a proxy, the address is what the proxy
//! appended.

#![no_main]

use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use tollgate::{ForwardedHeader, TrustedProxies};
use tollgate_fuzz::Request;

fuzz_target!(|value: &[u8]| {
    let peer: IpAddr = "10.0.7.1".parse().expect("an address");
    let client: IpAddr = "192.0.2.7".parse().expect("an address");
    for (header, appended) in [
        (ForwardedHeader::Forwarded, &b", for=192.0.2.7"[..]),
        (ForwardedHeader::XForwardedFor, b", 192.0.2.7"),
    ] {
        let value = [value, appended].concat();
        let request = Request { name: header.name(), value: &value };
        let networks = TrustedProxies::networks(header, ["10.0.7.0/29"]).expect("a network");
        let hops = TrustedProxies::hops(header, 1).expect("a number of hops");
        for proxies in [networks, hops] {
            assert_eq!(proxies.client_address(&request, peer), client);
        }
    }
});
