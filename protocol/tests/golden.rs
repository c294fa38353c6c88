//! Files that are reviewed as a diff: what they hold is what the code says today.

use std::path::Path;

/// An answer as clients get it: the status, the headers, and behind an empty line the body.
pub(crate) fn answer(status: u16, headers: &[(String, String)], body: &str) -> String {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    format!("{status}\n{headers}\n{body}\n")
}

/// Fails unless the file `tests/data/NAME` has these lines. With `UPDATE_TABLES=1` it is written anew; what has changed in it
/// then is what the change does.
pub(crate) fn assert_same(name: &str, now: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    if std::env::var_os("UPDATE_TABLES").is_some() {
        std::fs::write(&path, now).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap();
    let differing: Vec<(&str, &str)> = kept.lines().zip(now.lines()).filter(|(kept, now)| kept != now).collect();
    assert_eq!(kept.lines().count(), now.lines().count(), "lines of {name}; UPDATE_TABLES=1 writes it anew");
    assert!(differing.is_empty(), "{name}, kept, and now; UPDATE_TABLES=1 writes it anew: {differing:#?}");
}
