//! The values of `dev`'s flags that are more than a word.

use std::net::{TcpStream, ToSocketAddrs};
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, Error, Result, anyhow, bail};
use oncegate_protocol::config;
use ureq::http::Uri;

use crate::variables::without_user;

/// How long an origin may take to accept a connection before it counts as unreachable.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The origin to guard, by its URL.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Origin {
    url: String,
    host: String,
    port: u16,
}

impl Origin {
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Connects once, and sends nothing.
    pub(crate) fn check_reachable(&self) -> Result<()> {
        let unreachable = || format!("the origin {} cannot be reached", self.url);
        let addresses = (self.host.as_str(), self.port).to_socket_addrs().with_context(unreachable)?;
        let mut last = anyhow!("{} has no address", self.host);
        for address in addresses {
            match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
                Ok(_) => return Ok(()),
                Err(error) => last = anyhow!("{address}: {error}"),
            }
        }
        Err(last).with_context(unreachable)
    }
}

impl FromStr for Origin {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self> {
        let wanted = || {
            let shown = without_user(url);
            format!(
                "--origin {shown}: an origin is a URL such as http://127.0.0.1:9000, with no user, query or fragment"
            )
        };
        let uri: Uri = url.parse().with_context(wanted)?;
        let default_port = match uri.scheme_str() {
            Some("http") => 80,
            Some("https") => 443,
            _ => bail!("{}; its scheme is http or https", wanted()),
        };
        let variables = config::Variables { origin: Some(url.to_owned()), ..Default::default() };
        // Of these variables, the origin is not all that is wrong.
        let refused = config::Config::parse(&variables).err();
        if refused.is_some_and(|refused| refused.errors().iter().any(|error| error.field() == "ORIGIN")) {
            bail!(wanted());
        }
        let host = uri.host().filter(|host| !host.is_empty()).with_context(wanted)?;
        Ok(Self {
            url: url.to_owned(),
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: uri.port_u16().unwrap_or(default_port),
        })
    }
}

/// A text variable of the Worker.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl FromStr for Variable {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (name, value) =
            text.split_once('=').with_context(|| format!("--var {text}: it has the form NAME=VALUE"))?;
        let allowed = |character: char| character.is_ascii_alphanumeric() || character == '_';
        if name.is_empty() || !name.chars().all(allowed) {
            bail!("--var {name}: a name consists of ASCII letters, digits and _");
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_an_http_url() {
        let origin: Origin = "https://api.example.com/base".parse().unwrap();
        assert_eq!((origin.host.as_str(), origin.port), ("api.example.com", 443));
        let origin: Origin = "http://[::1]:9000".parse().unwrap();
        assert_eq!((origin.host.as_str(), origin.port), ("::1", 9000));
        for wrong in ["", "localhost", "localhost:80", "ftp://a", "http://", "http://a b", "http://a?b", "http://a:0"] {
            assert!(wrong.parse::<Origin>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_origin_is_refused_without_its_password() {
        for wrong in ["http://user:pass@host", "http://user:pa/ss@host/", "user:pa ss@host"] {
            let refused = format!("{:#}", wrong.parse::<Origin>().unwrap_err());
            assert!(refused.starts_with("--origin ") && refused.contains("no user"), "{refused}");
            assert!(!refused.contains("user:") && !refused.contains("ss@"), "{refused}");
        }
    }

    #[test]
    fn an_origin_nobody_listens_at_is_unreachable() {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let origin: Origin = format!("http://127.0.0.1:{port}").parse().unwrap();
        assert!(origin.check_reachable().unwrap_err().to_string().contains("cannot be reached"));
    }

    #[test]
    fn a_variable_has_a_name_and_any_value() {
        let variable: Variable = "A_1=x=\"y\"\n".parse().unwrap();
        assert_eq!((variable.name.as_str(), variable.value.as_str()), ("A_1", "x=\"y\"\n"));
        assert_eq!("A=".parse::<Variable>().unwrap().value, "");
        for wrong in ["A", "=x", "A B=x", "é=1"] {
            assert!(wrong.parse::<Variable>().is_err(), "{wrong}");
        }
    }
}
