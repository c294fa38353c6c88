//! A request that a person asks about, as the platform would hand it to the Worker.

use anyhow::{Context, Result, bail};
use url::Url;

/// The parts of `--request`, `--header` and `--body`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AskedFlags {
    /// A method and an address, or a path.
    pub(crate) request: String,
    pub(crate) headers: Vec<String>,
    /// Its text, or `@` and the name of a file.
    pub(crate) body: Option<String>,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) url: String,
    /// Names in lower case; the values of one that was given several times are joined, as the platform does it.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    pub(crate) fn read(flags: &AskedFlags) -> Result<Self> {
        let Some((method, address)) = flags.request.trim().split_once(' ') else {
            bail!(
                "--request {:?}: it is a method and an address or a path, such as 'POST /v1/payments'",
                flags.request
            );
        };
        let mut headers: Vec<(String, String)> = Vec::new();
        for header in &flags.headers {
            let (name, value) = read_header(header)?;
            match headers.iter_mut().find(|(other, _)| *other == name) {
                Some((_, joined)) => *joined = format!("{joined}, {value}"),
                None => headers.push((name, value)),
            }
        }
        let body = match flags.body.as_deref().map(|body| (body, body.strip_prefix('@'))) {
            None => Vec::new(),
            Some((_, Some(file))) => std::fs::read(file).with_context(|| format!("--body @{file}"))?,
            Some((text, None)) => text.as_bytes().to_vec(),
        };
        if flags.body.is_some() && !headers.iter().any(|(name, _)| name == "content-length") {
            headers.push(("content-length".to_owned(), body.len().to_string()));
        }
        let url = address_of(address.trim(), &headers)?;
        Ok(Self { method: method.to_owned(), url, headers, body })
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| value.clone())
    }
}

fn read_header(text: &str) -> Result<(String, String)> {
    let header = text.split_once(':').filter(|(name, _)| !name.is_empty() && !name.contains(char::is_whitespace));
    let (name, value) = header.with_context(|| format!("--header {text:?}: it is written 'Name: value'"))?;
    Ok((name.to_ascii_lowercase(), value.trim_matches([' ', '\t']).to_owned()))
}

/// The address as the platform has it: absolute, and in the form of the URL standard.
fn address_of(address: &str, headers: &[(String, String)]) -> Result<String> {
    let host = headers.iter().find(|(name, _)| name == "host").map_or("localhost", |(_, host)| host.as_str());
    let absolute = if address.starts_with('/') { format!("https://{host}{address}") } else { address.to_owned() };
    let url = Url::parse(&absolute).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.with_context(|| {
        format!("--request: {address:?} is no address: it is a path such as /v1/payments, or https://host/path")
    })?;
    Ok(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(request: &str, headers: &[&str], body: Option<&str>) -> Result<Asked> {
        let headers = headers.iter().map(|header| (*header).to_owned()).collect();
        Asked::read(&AskedFlags { request: request.to_owned(), headers, body: body.map(str::to_owned) })
    }

    #[test]
    fn a_request_is_as_the_platform_would_have_it() {
        let asked = read("POST /v1/x/../pay?a=b c", &["X-A: 1 ", "x-a:2", "Host: Shop.example"], Some("{}")).unwrap();
        assert_eq!((asked.method.as_str(), asked.url.as_str()), ("POST", "https://shop.example/v1/pay?a=b%20c"));
        assert_eq!(asked.header("x-a").as_deref(), Some("1, 2"));
        assert_eq!(asked.header("content-length").as_deref(), Some("2"));
        assert_eq!(asked.body, b"{}");
        assert_eq!(read("GET https://a.example:443", &[], None).unwrap().url, "https://a.example/");
        assert_eq!(read("GET /", &[], None).unwrap().header("content-length"), None);
    }

    #[test]
    fn a_body_may_be_in_a_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), [1, 2, 255]).unwrap();
        let asked = read("POST /", &[], Some(&format!("@{}", file.path().display()))).unwrap();
        assert_eq!(asked.body, [1, 2, 255]);
        assert!(read("POST /", &[], Some("@/nowhere/body")).unwrap_err().to_string().contains("@/nowhere/body"));
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for (request, header) in [("/v1", "A: b"), ("POST ftp://a/", "A: b"), ("POST x", "A: b"), ("POST /", "A b")] {
            assert!(read(request, &[header], None).is_err(), "{request} {header}");
        }
    }
}
