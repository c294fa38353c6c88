//! The console: a page that shows an operator what the API tells, and asks it for changes.
//!
//! Its files have no secret. What is shown comes from the API, which the page asks with the token that the operator types in.

use crate::request::{OWN_PATHS, RequestHead};

/// A file of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsoleFile {
    /// The page.
    Page,
    /// How it looks.
    Style,
    /// What it does.
    Script,
}

impl ConsoleFile {
    /// Its name, which is the end of its address. The page's address has nothing after the last slash.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Page => "",
            Self::Style => "console.css",
            Self::Script => "console.js",
        }
    }

    /// Which file a request asks for, if it asks for one.
    pub(crate) fn asked_by(head: &RequestHead<'_>) -> Option<Self> {
        let name = head.url.path.strip_prefix(OWN_PATHS).filter(|_| matches!(head.method, "GET" | "HEAD"))?;
        [Self::Page, Self::Style, Self::Script].into_iter().find(|file| file.name() == name)
    }

    /// The response's headers.
    pub const fn headers(self) -> [(&'static str, &'static str); 7] {
        let media_type = match self {
            Self::Page => "text/html; charset=utf-8",
            Self::Style => "text/css; charset=utf-8",
            Self::Script => "text/javascript; charset=utf-8",
        };
        [
            ("content-type", media_type),
            ("content-security-policy", POLICY),
            // The API behind the gate may serve pages at the same address, whose scripts are strangers here: they must not reach into
            // the page from a window that has opened it.
            ("cross-origin-opener-policy", "noopener-allow-popups"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            // A new version of the Worker has a new console.
            ("cache-control", "no-store"),
        ]
    }
}

/// What the page may do: load its own two files, ask its own address, and nothing else. No text may become markup
/// (`trusted-types`): what is in records may have been chosen by an attacker.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'; \
    base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
