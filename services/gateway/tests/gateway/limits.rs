//! What every answer carries, and what is refused before anybody works for it.

use crate::{
    feeds::{PATIENCE, connect, hear, say},
    world::{DATASET, World, problem},
};
use reqwest::{Method, StatusCode, header};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

#[tokio::test]
async fn long_urls_and_headers_are_refused() {
    let world = World::start().await;
    let url = format!("/api/v1/datasets?q={}", "x".repeat(8 << 10));
    assert_eq!(problem(world.get(&url).await, 414, "INVALID_FIELD").await["errors"][0]["field"], "url");
    let ask =
        |bytes: usize| world.request(Method::GET, "/api/v1/datasets").header("x-filler", "x".repeat(bytes)).send();
    let answer = problem(ask(33 << 10).await.unwrap(), 431, "INVALID_FIELD").await;
    assert_eq!(answer["errors"][0]["field"], "headers");
    assert_eq!(ask(16 << 10).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let world = World::start_with(|config| {
        config.gateway.requests_per_second = 0.5;
        config.gateway.costly_per_second = 0.1;
    })
    .await;
    // Five are worth ten seconds of the one, and one of the other.
    let inspect = "/api/v1/hub/datasets/org/rows";
    assert_ne!(world.get(inspect).await.status(), StatusCode::TOO_MANY_REQUESTS);
    let refused = world.get(inspect).await;
    assert_eq!(refused.headers()["retry-after"], "10");
    assert_eq!(problem(refused, 429, "RATE_LIMITED").await["retryable"], true);
    for _ in 0..3 {
        assert_eq!(world.get("/api/v1/datasets").await.status(), StatusCode::OK);
    }
    problem(world.get(&format!("/api/v1/datasets/{DATASET}")).await, 429, "RATE_LIMITED").await;
    problem(world.get("/api/v1/ws").await, 429, "RATE_LIMITED").await;
    // Probes and pages are none of it.
    for path in ["/livez", "/readyz", "/", "/api/docs"] {
        assert_eq!(world.get(path).await.status(), StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_proxy_tells_its_clients_apart_only_when_it_is_trusted() {
    for trusted in [false, true] {
        let world = World::start_with(|config| {
            config.gateway.requests_per_second = 0.1;
            config.gateway.trust_forwarded_for = trusted;
        })
        .await;
        let ask = async |client: &str| {
            let request = world.request(Method::GET, "/api/v1/datasets").header("x-forwarded-for", client);
            request.send().await.unwrap().status()
        };
        assert_eq!(ask("10.0.0.1").await, StatusCode::OK);
        let other = if trusted { StatusCode::OK } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!((ask("10.0.0.2").await, ask("10.0.0.1").await), (other, StatusCode::TOO_MANY_REQUESTS));
    }
}

#[tokio::test]
async fn a_request_whose_head_does_not_come_is_cut_off_and_a_feed_is_not() {
    let world = World::start_with(|config| config.gateway.stall_seconds = 0.2).await;
    let mut socket = connect(&world).await;
    for said in ["", "GET /livez HTTP/1.1\r\nhost: x\r\n", "GET /livez HTTP/1.1\r\nhost: x\r\n\r\nGET"] {
        let mut stream = TcpStream::connect(world.base.trim_start_matches("http://")).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let end = timeout(PATIENCE, stream.read_to_string(&mut answer)).await;
        end.expect("the connection ends").unwrap();
        assert_eq!(answer.contains("alive"), said.ends_with("GET"), "{said:?}: {answer}");
    }
    say(&mut socket, &json!({"type": "ping"})).await;
    assert_eq!(hear(&mut socket).await, Ok(json!({"type": "pong"})));
}

#[tokio::test]
async fn every_answer_says_what_a_browser_may_do_with_it() {
    let world = World::start().await;
    for path in ["/", "/api/docs", "/api/v1/datasets", "/api/v1/nowhere", "/nowhere", "/livez"] {
        let answer = world.get(path).await;
        let value = |name: &str| answer.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        let policy = value("content-security-policy");
        for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part) && !policy.contains("unsafe"), "{path}: {policy}");
        }
        assert_eq!(value("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(value("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(value("cross-origin-opener-policy"), "same-origin", "{path}");
        assert!(value("permissions-policy").contains("camera=()"), "{path}");
        assert_eq!(value("server-timing").starts_with("app;dur="), path == "/api/v1/datasets", "{path}");
    }
}

#[tokio::test]
async fn the_root_is_the_ui_or_says_how_to_get_it() {
    let world = World::start().await;
    let page = world.get("/").await;
    assert_eq!(
        (page.status(), page.headers()["content-type"].to_str().unwrap()),
        (StatusCode::OK, "text/html; charset=utf-8")
    );
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("script-src 'self'"), "{policy}");
    let head = world.request(Method::HEAD, "/").send().await.unwrap();
    assert_eq!((head.status(), head.headers().get(header::CONTENT_LENGTH).is_some()), (StatusCode::OK, true));
    assert_eq!(head.bytes().await.unwrap().len(), 0);
    let navigate = |path: &str| world.request(Method::GET, path).header(header::ACCEPT, "text/html").send();
    problem(navigate("/api/v1/nowhere").await.unwrap(), 404, "NOT_FOUND").await;
    problem(navigate("/assets/none.js").await.unwrap(), 404, "NOT_FOUND").await;
}

#[tokio::test]
async fn it_says_where_readers_go() {
    let world = World::start_with(|config| {
        config.gateway.flight_url = Some("https://flight.example:443".to_owned());
        config.gateway.catalog_url = Some("http://catalog.example:50051".to_owned());
    })
    .await;
    let version = env!("CARGO_PKG_VERSION");
    let about = json!({"version": version, "flight": "grpc+tls://flight.example:443", "catalog": "http://catalog.example:50051"});
    assert_eq!(world.show("/api/v1/about").await, about);
    let plain = World::start().await.show("/api/v1/about").await;
    assert!(plain["flight"].as_str().unwrap().starts_with("grpc://127.0.0.1:"), "{plain}");
}
