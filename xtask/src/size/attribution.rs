//! Which crate a function's code is counted for, and of our own crates which module.
//!
//! The rule: for the first crate that the function's name mentions, the standard library left aside. So
//!
//! - `<T as Trait>::f` counts for the crate of `T`, and where that is a type of the standard library or a parameter,
//!   for the crate of the trait;
//! - `<Vec<T> as Trait>::f` and `drop_in_place<T>` count for the crate of `T`;
//! - what mentions no other crate counts for the standard library.
//!
//! It is no more than an estimate. A function that was inlined counts for whoever called it. Symbols must be those of Rust's newer
//! mangling (`.cargo/config.toml`): the older ones, which begin with `_ZN`, do not tell what a generic function was made for, so that
//! `BTreeMap<K, V>::insert` counts for the standard library, whoever's `K` and `V` they are.

use rustc_demangle::try_demangle;

/// Whom a function's code is counted for.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Owner {
    /// A crate, named as in Rust, with the module where it is our own.
    Crate(String),
    /// `core`, `alloc`, `std` and what they are made from.
    StandardLibrary,
    /// Nobody: the symbol is not mangled. Exports to JavaScript are so, and helpers of the compiler such as `memcmp`.
    Unmangled,
}

/// What Rust itself brings. None of these reaches the Worker in any other way.
const STANDARD_LIBRARY: &[&str] =
    &["core", "alloc", "std", "__rustc", "compiler_builtins", "dlmalloc", "hashbrown", "panic_abort", "panic_unwind"];

/// Our own crates.
const OWN: &[&str] = &["oncegate", "oncegate_protocol"];

/// Whom the function called `symbol` is counted for; `None` if it is not part of the final module.
pub(crate) fn owner(symbol: &str) -> Option<Owner> {
    let Ok(name) = try_demangle(symbol) else {
        return (!symbol.starts_with("__wbindgen_describe_")).then_some(Owner::Unmangled);
    };
    // The alternate form leaves out the hashes.
    let name = format!("{name:#}");
    if is_description(&name) {
        return None;
    }
    let other = crates(&name).find(|name| !STANDARD_LIBRARY.contains(name));
    Some(other.map_or(Owner::StandardLibrary, |found| Owner::Crate(with_module(&name, found))))
}

/// Whether the function only tells the types of an import or export to the program `wasm-bindgen`, which runs it while
/// building and then removes it.
fn is_description(name: &str) -> bool {
    name.contains("wasm_bindgen::describe::")
}

/// The crate that was `found` in a function's `name`, with its module if it is our own.
fn with_module(name: &str, found: &str) -> String {
    let path = format!("{found}::");
    let module = name.split(&path).nth(1).filter(|_| OWN.contains(&found));
    let module = module.map(|rest| rest.split(|letter: char| letter != '_' && !letter.is_alphanumeric()).next());
    match module.flatten() {
        Some(module) if module.starts_with(char::is_lowercase) => format!("{path}{module}"),
        _ => found.to_owned(),
    }
}

/// The crates that `name` mentions: what stands before a `::` and after none.
fn crates(name: &str) -> impl Iterator<Item = &str> {
    let is_word = |letter: char| letter == '_' || letter.is_alphanumeric();
    let mut pieces: Vec<&str> = name.split("::").collect();
    pieces.pop();
    pieces.into_iter().enumerate().filter_map(move |(position, piece)| {
        let word = piece.rsplit(|letter| !is_word(letter)).next()?;
        let follows_another = position > 0 && word.len() == piece.len();
        // `T::f` is of a type parameter.
        let is_crate = word.starts_with(|first: char| first == '_' || first.is_lowercase());
        (is_crate && !follows_another).then_some(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(name: &str) -> Vec<&str> {
        crates(name).collect()
    }

    #[test]
    fn crates_begin_a_path() {
        assert_eq!(found("a::b::C::f"), ["a"]);
        assert_eq!(found("<a::T as b::Trait<c::U>>::f::{{closure}}"), ["a", "b", "c"]);
        assert_eq!(found("a::de::<impl b::Deserialize for a::Value>::deserialize"), ["a", "b", "a"]);
        assert_eq!(found("<&mut [T] as core::fmt::Debug>::fmt"), ["core"]);
        assert_eq!(found("core::ptr::drop_in_place::<alloc::vec::Vec<a_b::T>>"), ["core", "alloc", "a_b"]);
        assert_eq!(found("T::f"), [""; 0]);
        assert_eq!(found("f"), [""; 0]);
    }

    #[test]
    fn symbols_of_either_mangling_are_read() {
        let crate_named = |name: &str| Some(Owner::Crate(name.to_owned()));
        let legacy = "_ZN10serde_json5error10make_error17hd6a04c54d3f2aa16E";
        assert_eq!(owner(legacy), crate_named("serde_json"));
        let of_a_type = "_ZN45_$LT$f64$u20$as$u20$zmij..private..Sealed$GT$20write_to_zmij_buffer17h8b693ec57d97fefdE";
        assert_eq!(owner(of_a_type), crate_named("zmij"));
        let of_a_foreign_trait =
            "_ZN66_$LT$serde_json..error..Error$u20$as$u20$serde_core..de..Error$GT$6custom17haef8a271fb5a2bb5E";
        assert_eq!(owner(of_a_foreign_trait), crate_named("serde_json"));
        let of_parameters = "_ZN44_$LT$$RF$T$u20$as$u20$core..fmt..Display$GT$3fmt17h03c74df3bd450e8eE";
        assert_eq!(owner(of_parameters), Some(Owner::StandardLibrary));
        let newer =
            "_RNvMs0_NtCsjqx8TIyZbP9_8dlmalloc8dlmallocINtB5_8DlmallocNtNtB7_3sys6SystemE6mallocCsebHcaeoSrxy_3std";
        assert_eq!(owner(newer), Some(Owner::StandardLibrary));
        assert_eq!(owner("_RNvNtCs1234_7mycrate3foo3bar"), crate_named("mycrate"));
    }

    #[test]
    fn our_own_crates_are_told_apart_by_module() {
        let of = |name: &str| with_module(name, crates(name).find(|name| *name != "alloc").unwrap());
        assert_eq!(of("alloc::vec::Vec::<oncegate_protocol::config::route::Route>::push"), "oncegate_protocol::config");
        assert_eq!(of("<oncegate::Shard>::answer"), "oncegate");
        assert_eq!(of("oncegate::gateway::{impl#0}::f"), "oncegate::gateway");
        assert_eq!(of("serde_json::de::from_str"), "serde_json");
    }

    #[test]
    fn descriptions_for_wasm_bindgen_are_left_out() {
        assert_eq!(owner("__wbindgen_describe___wbg_bind_ce4df64ba0bed30a"), None);
        let described = "_ZN94_$LT$worker_sys..types..r2..range..R2Range$u20$as$u20$wasm_bindgen..describe..WasmDescribe\
                         $GT$8describe17hbc905b55a99ddccfE";
        assert_eq!(owner(described), None);
        assert_eq!(owner("memcmp"), Some(Owner::Unmangled));
    }
}
