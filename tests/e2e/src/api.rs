//! The REST surface as a client sees it: a status, a body, and what a refusal says.

use anyhow::{Context, Result, ensure};
use dataset_model::Reason;
use reqwest::{Client, Method, StatusCode, header::HeaderMap};
use serde_json::Value;
use std::time::Duration;

/// A client of one gateway.
#[derive(Debug, Clone)]
pub struct Api {
    base: String,
    client: Client,
}

/// What came back. An empty body is `Null`.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

impl Api {
    pub fn new(base: &str) -> Result<Self> {
        // A second installation in the same process says so, and is the same one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Every call of a client has a deadline.
        let client = Client::builder().timeout(Duration::from_secs(20)).build()?;
        Ok(Self { base: base.to_owned(), client })
    }

    /// Asks; `path` is below `/api/v1`.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Result<Answer> {
        let mut request = self.client.request(method, format!("{}/api/v1{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        Self::answer(path, request).await
    }

    /// Sends a form of files.
    pub async fn upload(&self, body: impl Into<reqwest::Body>) -> Result<Answer> {
        let path = "/datasets/upload";
        let kind = format!("multipart/form-data; boundary={}", crate::form::BOUNDARY);
        let request = self.client.post(format!("{}/api/v1{path}", self.base)).header("content-type", kind).body(body);
        Self::answer(path, request).await
    }

    async fn answer(path: &str, request: reqwest::RequestBuilder) -> Result<Answer> {
        let response = request.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.bytes().await?;
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).with_context(|| format!("{path}: {}", String::from_utf8_lossy(&bytes)))?
        };
        Ok(Answer { status, headers, body })
    }

    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.call(Method::GET, path, None, &[]).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.call(Method::POST, path, Some(body), &[]).await
    }

    pub async fn delete(&self, path: &str) -> Result<Answer> {
        self.call(Method::DELETE, path, None, &[]).await
    }

    /// The body of a successful read.
    pub async fn show(&self, path: &str) -> Result<Value> {
        self.get(path).await?.expect(StatusCode::OK)
    }

    /// The lines of a stream that does not end, such as server-sent events.
    pub async fn stream(&self, path: &str, headers: &[(&str, &str)]) -> Result<reqwest::Response> {
        let mut request = self.client.get(format!("{}/api/v1{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Ok(request.send().await?)
    }

    pub async fn is_ready(&self) -> bool {
        let answer = self.client.get(format!("{}/readyz", self.base)).send().await;
        answer.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }

    /// Address of the WebSocket.
    pub fn socket(&self) -> String {
        format!("{}/api/v1/ws", self.base.replace("http://", "ws://"))
    }
}

impl Answer {
    /// The body, if the status is this one.
    pub fn expect(self, status: StatusCode) -> Result<Value> {
        ensure!(self.status == status, "{status} was expected, and came: {} {}", self.status, self.body);
        Ok(self.body)
    }

    /// Asserts a refusal: reason, the status that belongs to it, and what every problem must carry.
    #[track_caller]
    pub fn refused(&self, reason: Reason) -> &Self {
        assert_eq!(self.body["reason"], reason.as_str(), "{self:?}");
        assert_eq!(self.status.as_u16(), reason.http_status(), "{self:?}");
        assert_eq!(self.headers["content-type"], "application/problem+json", "{self:?}");
        for field in ["type", "title", "detail", "instance", "trace_id"] {
            assert!(self.body[field].is_string(), "`{field}` is missing: {self:?}");
        }
        assert_eq!(self.body["status"], self.status.as_u16(), "{self:?}");
        self
    }
}
