use proptest::prelude::*;

use super::*;
use crate::request::testing::FakeRequest;

const FIELD: ForwardedHeader = ForwardedHeader::Forwarded;
const LIST: ForwardedHeader = ForwardedHeader::XForwardedFor;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn request(header: ForwardedHeader, lines: &[impl AsRef<[u8]>]) -> FakeRequest {
    lines.iter().fold(FakeRequest::get("/"), |request, line| request.header(header.name(), line.as_ref()))
}

/// Returns the address of the client of a request from 10.0.0.1, behind proxies in 10.0.0.0/8.
fn found(header: ForwardedHeader, lines: &[&str]) -> String {
    let proxies = TrustedProxies::networks(header, ["10.0.0.0/8"]).unwrap();
    proxies.client_address(&request(header, lines), ip("10.0.0.1")).to_string()
}

#[test]
fn networks_are_checked() {
    let check = |text: &str| Network::parse(text);
    for good in ["10.0.0.0/8", "10.1.2.3", "10.1.2.3/32", "128.0.0.0/1", "::1", "2001:db8::/32", "fe80::/10"]
    {
        assert!(check(good).is_ok(), "{good}");
    }
    for bad in [
        "",
        " ",
        "10",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/+8",
        "10.0.0.0/8 ",
        "10.0.0.1/8",
        "010.0.0.0/8",
        "0.0.0.0/0",
        "::/0",
        "::ffff:0:0/96",
        "::ffff:10.0.0.0/8",
        "2001:db8::1/32",
        "::1/129",
        "[::1]",
        "a/8",
        "10.0.0.0/8/8",
        "10.0.0.0-10.0.0.9",
        "fe80::1%eth0",
    ] {
        let error = check(bad).unwrap_err();
        assert!(matches!(&error, ConfigError::Network { text, .. } if &**text == bad), "{bad}: {error}");
    }
    assert_eq!(check("::ffff:10.0.0.0/104"), check("10.0.0.0/8"), "a network of IPv4-mapped addresses");
    let error = TrustedProxies::networks(FIELD, Vec::<&str>::new()).unwrap_err();
    assert_eq!(error, ConfigError::Empty { what: "network of proxies" });
    assert_eq!(
        check("10.0.0.1/8").unwrap_err().to_string(),
        r#""10.0.0.1/8" is not a network of proxies, such as 10.0.0.0/8: bits after the prefix must be zero"#
    );
}

#[test]
fn hops_are_checked() {
    for good in [1, 2, TrustedProxies::MAX_HOPS] {
        assert!(TrustedProxies::hops(FIELD, good).is_ok(), "{good}");
    }
    for bad in [0, TrustedProxies::MAX_HOPS + 1, usize::MAX] {
        assert_eq!(TrustedProxies::hops(FIELD, bad), Err(ConfigError::Hops { hops: bad }));
    }
    let error = ConfigError::Hops { hops: 0 }.to_string();
    assert!(error.ends_with(&format!("1 and {}", TrustedProxies::MAX_HOPS)), "{error}");
}

#[test]
fn network_contains_its_addresses_of_either_form() {
    let contains = |network: &str, address: &str| {
        let proxies = TrustedProxies::networks(LIST, [network]).unwrap();
        let client = proxies.client_address(&request(LIST, &["192.0.2.7"]), ip(address));
        client == ip("192.0.2.7")
    };
    for (network, address) in [
        ("10.0.0.0/8", "10.255.255.255"),
        ("10.0.0.0/8", "::ffff:10.1.2.3"),
        ("::ffff:10.0.0.0/104", "10.1.2.3"),
        ("2001:db8::/33", "2001:db8:7fff::1"),
        ("::1", "::1"),
    ] {
        assert!(contains(network, address), "{network} {address}");
    }
    for (network, address) in [
        ("10.0.0.0/8", "11.0.0.0"),
        ("10.0.0.0/8", "::10.0.0.1"),
        ("2001:db8::/33", "2001:db8:8000::1"),
        ("::/1", "10.0.0.1"),
        ("::1", "127.0.0.1"),
    ] {
        assert!(!contains(network, address), "{network} {address}");
    }
}

#[test]
fn client_is_the_first_untrusted_address_from_the_right() {
    for (lines, expected) in [
        (&["192.0.2.7"][..], "192.0.2.7"),
        (&["198.51.100.1, 192.0.2.7"], "192.0.2.7"),
        (&["198.51.100.1, 192.0.2.7, 10.0.0.2"], "192.0.2.7"),
        (&["198.51.100.1", "192.0.2.7", "10.0.0.2,10.0.0.3"], "192.0.2.7"),
        (&["192.0.2.7:4711"], "192.0.2.7"),
        (&["2001:db8::1"], "2001:db8::1"),
        (&["[2001:db8::1]"], "2001:db8::1"),
        (&["[2001:db8::1]:4711, 10.0.0.2:80"], "2001:db8::1"),
        (&["192.0.2.7, ::ffff:10.0.0.2"], "192.0.2.7"),
        (&["::ffff:192.0.2.7"], "192.0.2.7"),
        // An empty element ends the search, as an unusable one does.
        (&["192.0.2.7, , 10.0.0.2"], "10.0.0.2"),
        (&["192.0.2.7, 10.0.0.2, "], "10.0.0.1"),
        (&["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (&[], "10.0.0.1"),
        (&[""], "10.0.0.1"),
    ] {
        assert_eq!(found(LIST, lines), expected, "{lines:?}");
    }
}

#[test]
fn unusable_element_ends_the_search_at_the_nearest_proxy() {
    for bad in [
        "unknown",
        "_hidden",
        "x",
        "192.0.2.7:",
        "192.0.2.7:123456",
        "192.0.2.7:8a",
        "[::1",
        "::1]",
        "[::1]x",
        "[192.0.2.7]",
        "192.0.2",
        "192.0.2.07",
        "192.0.2.7 x",
        "fe80::1%eth0",
        "\"192.0.2.7\"",
        "for=192.0.2.7",
        "192.0.2.7;192.0.2.8",
        "\u{e4}",
    ] {
        assert_eq!(found(LIST, &[&format!("198.51.100.1, {bad}, 10.0.0.2")]), "10.0.0.2", "{bad}");
        assert_eq!(found(LIST, &["198.51.100.1", bad]), "10.0.0.1", "{bad}");
    }
}

#[test]
fn forwarded_elements_have_the_grammar_of_rfc_7239() {
    for (element, expected) in [
        ("for=192.0.2.43", "192.0.2.43"),
        ("For=\"192.0.2.43\"", "192.0.2.43"),
        ("FOR=\"192.0.2.43:47011\"", "192.0.2.43"),
        ("for=\"192.0.2.43:_port\"", "192.0.2.43"),
        ("for=\"[2001:db8:cafe::17]\"", "2001:db8:cafe::17"),
        ("for=\"[2001:db8::1]:4711\"", "2001:db8::1"),
        ("for=\"[::ffff:192.0.2.43]\"", "192.0.2.43"),
        ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
        ("proto=http; by=203.0.113.43; for=192.0.2.60", "192.0.2.60"),
        (";;for=192.0.2.60;", "192.0.2.60"),
        (r#"host="a,\"b\\";for=192.0.2.60;x="\\\"""#, "192.0.2.60"),
        (r#"for="192\.0.2.60""#, "192.0.2.60"),
    ] {
        let line = format!("for=198.51.100.1, {element}, for=10.0.0.2;by=\"_x\"");
        assert_eq!(found(FIELD, &[&line]), expected, "{line}");
        assert_eq!(found(FIELD, &["for=\"", element, "for=10.0.0.2"]), expected, "{line}");
    }
    for bad in [
        "for=unknown",
        "for=_hidden",
        "for=\"_SEVKISEK\"",
        "for=",
        "for",
        "for =192.0.2.7",
        "for= 192.0.2.7",
        "192.0.2.7",
        "proto=http",
        "for=192.0.2.7:80",
        "for=[2001:db8::1]",
        "for=2001:db8::1",
        "for=\"2001:db8::1\"",
        "for=192.0.2.7;for=192.0.2.7",
        "for=192.0.2.7 proto=http",
        "for=\"192.0.2.7",
        "for=192.0.2.7\"",
        "for=\"192.0.2.7\\\"",
        "for=\"192.0.2.7\"x",
        "for=\"192.0.2.7:999999\"",
        "for=\"192.0.2.7:_\"",
        "=x;for=192.0.2.7",
    ] {
        // A quote that the proxy did not close takes the elements to its left with it, never those to its right.
        assert_eq!(found(FIELD, &[&format!("for=198.51.100.1, {bad}"), "for=10.0.0.2"]), "10.0.0.2", "{bad}");
    }
}

#[test]
fn open_quote_of_the_client_does_not_swallow_the_elements_of_proxies() {
    for sent in
        ["for=\"198.51.100.1", "for=198.51.100.1\"", "\"", "x=\"\\", "for=198.51.100.1;x=\"", "\"\\\"", ",\""]
    {
        assert_eq!(found(FIELD, &[&format!("{sent}, for=192.0.2.7")]), "192.0.2.7", "{sent}");
        let line = format!("{sent}, for=\"192.0.2.7:1\";host=\"a,b\", for=10.0.0.2");
        assert_eq!(found(FIELD, &[&line]), "192.0.2.7", "{sent}");
    }
}

#[test]
fn field_is_ignored_when_the_peer_is_not_trusted() {
    let proxies = TrustedProxies::networks(LIST, ["10.0.0.0/8"]).unwrap();
    let request = request(LIST, &["198.51.100.1"]);
    assert_eq!(proxies.client_address(&request, ip("192.0.2.7")), ip("192.0.2.7"));
    assert_eq!(proxies.client_address(&request, ip("::ffff:192.0.2.7")), ip("192.0.2.7"));
}

#[test]
fn only_the_named_field_is_read() {
    let request = FakeRequest::get("/")
        .header("forwarded", b"for=192.0.2.1")
        .header("x-forwarded-for", b"192.0.2.2")
        .header("x-real-ip", b"192.0.2.3");
    for (header, expected) in [(FIELD, "192.0.2.1"), (LIST, "192.0.2.2")] {
        let proxies = TrustedProxies::hops(header, 1).unwrap();
        assert_eq!(proxies.client_address(&request, ip("10.0.0.1")), ip(expected));
    }
}

#[test]
fn hops_count_from_the_right() {
    let at = |hops, lines: &[&str]| {
        let proxies = TrustedProxies::hops(LIST, hops).unwrap();
        proxies.client_address(&request(LIST, lines), ip("10.0.0.1")).to_string()
    };
    let lines = ["198.51.100.1, 192.0.2.3", "192.0.2.2 , 192.0.2.1"];
    assert_eq!(at(1, &lines), "192.0.2.1");
    assert_eq!(at(2, &lines), "192.0.2.2");
    assert_eq!(at(3, &lines), "192.0.2.3");
    assert_eq!(at(5, &lines), "10.0.0.1", "the request did not pass all proxies");
    assert_eq!(at(1, &[]), "10.0.0.1");
    assert_eq!(at(1, &["unknown"]), "10.0.0.1");
    assert_eq!(at(2, &["6.6.6.6, , 192.0.2.1"]), "192.0.2.1", "an empty element counts as a hop");
    assert_eq!(at(3, &["198.51.100.1, _hidden, 192.0.2.1"]), "192.0.2.1");
}

#[test]
fn work_is_bounded_from_the_right() {
    let long = format!("198.51.100.1{}", ", 10.0.0.9".repeat(2_000));
    assert_eq!(found(LIST, &[&long]), "10.0.0.9");
    assert_eq!(found(LIST, &[&format!("{long}, 192.0.2.7, 10.0.0.2")]), "192.0.2.7");
    assert_eq!(found(FIELD, &[&format!("for={}", "\"".repeat(20_000)), "for=192.0.2.7"]), "192.0.2.7");
    assert_eq!(found(FIELD, &[&format!("for=192.0.2.7;x={}", "y".repeat(20_000))]), "10.0.0.1");
    let lines: Vec<_> = std::iter::once("198.51.100.1").chain(std::iter::repeat_n("10.0.0.9", 64)).collect();
    assert_eq!(found(LIST, &lines), "10.0.0.9");
}

/// An element of a proxy for a request from `address`, with other parameters around it.
fn forwarded_element(address: IpAddr, style: u8) -> String {
    let node = match address {
        IpAddr::V4(address) => format!("{address}"),
        IpAddr::V6(address) => format!("\"[{address}]\""),
    };
    match style % 4 {
        0 => format!("for={node}"),
        1 => format!("by=_x;for={node};proto=https"),
        2 => format!(r#"host="a,\"for=1.1.1.1, \\";for={node}"#),
        _ => format!(r#"For={node};host="\\\"\\,""#),
    }
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(bits.into())),
        any::<u128>().prop_map(|bits| IpAddr::V6(bits.into()))
    ]
}

/// Appends what each proxy appends, to the last line or as a new one.
fn through(
    header: ForwardedHeader,
    mut lines: Vec<Vec<u8>>,
    addresses: &[IpAddr],
    styles: &[u8],
) -> FakeRequest {
    for (address, style) in addresses.iter().zip(styles) {
        let element = match header {
            FIELD => forwarded_element(*address, *style),
            LIST => address.to_string(),
        };
        match lines.last_mut() {
            Some(line) if style & 0x80 == 0 => {
                line.extend_from_slice(b", ");
                line.extend_from_slice(element.as_bytes());
            }
            _ => lines.push(element.into_bytes()),
        }
    }
    request(header, &lines)
}

proptest! {
    /// A client that sends anything through `hops` proxies cannot choose its address.
    #[test]
    fn client_behind_proxies_cannot_choose_its_address(
        sent in prop::collection::vec(
            prop_oneof![
                prop::collection::vec(any::<u8>(), 0..40),
                r#"[for=,;":\\. 0-9\[\]_]{0,40}"#.prop_map(String::into_bytes),
            ],
            0..4,
        ),
        client in address(),
        styles in prop::collection::vec(any::<u8>(), 1..6),
        is_list in any::<bool>(),
    ) {
        let client = client.to_canonical();
        prop_assume!(!matches!(client, IpAddr::V4(client) if client.octets()[0] == 10));
        let header = if is_list { LIST } else { FIELD };
        let proxies = (1..styles.len()).map(|number| IpAddr::from([10, 0, 0, u8::try_from(number).unwrap()]));
        let addresses: Vec<_> = std::iter::once(client).chain(proxies).collect();
        let request = through(header, sent, &addresses, &styles);
        let peer = ip("10.9.9.9");
        let by_network = TrustedProxies::networks(header, ["10.0.0.0/8"]).unwrap();
        prop_assert_eq!(by_network.client_address(&request, peer), client);
        let by_number = TrustedProxies::hops(header, styles.len()).unwrap();
        prop_assert_eq!(by_number.client_address(&request, peer), client);
        // A client that is not behind the proxies.
        if !matches!(client, IpAddr::V4(_)) {
            prop_assert_eq!(by_network.client_address(&request, client), client);
        }
    }

    #[test]
    fn arbitrary_lines_are_read_without_a_panic(
        lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..70),
        peer in address(),
        hops in 1..=TrustedProxies::MAX_HOPS,
    ) {
        for header in [FIELD, LIST] {
            let request = request(header, &lines);
            let by_network = TrustedProxies::networks(header, ["0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"]).unwrap();
            for proxies in [by_network, TrustedProxies::hops(header, hops).unwrap()] {
                let client = proxies.client_address(&request, peer);
                prop_assert_eq!(client, client.to_canonical());
            }
        }
    }
}
