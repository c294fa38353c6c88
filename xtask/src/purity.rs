//! Proving that `protocol/` is pure: its Wasm imports nothing, and nothing it depends on reaches for a clock, randomness
//! or JavaScript.
//!
//! A Wasm module can do nothing to the world but by its imports, so a module without any is the proof. The list of
//! dependencies says the same earlier and by name.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use wasmparser::{KnownCustom, Parser, Payload};

use crate::project::Project;
use crate::setup::rust_target::{TARGET, WasmToolchain};
use crate::size::functions::function_names;

const PACKAGE: &str = "oncegate-protocol";

/// What gives access to a clock, to randomness or to JavaScript.
const IMPURE: &[&str] = &[
    "chrono",
    "fastrand",
    "getrandom",
    "instant",
    "jiff",
    "js-sys",
    "rand",
    "rand_core",
    "time",
    "tokio",
    "uuid",
    "wasm-bindgen",
    "wasm-bindgen-futures",
    "web-sys",
    "web-time",
    "worker",
];

/// Fewer functions of the package than this in the module mean that its code was not linked in, so that the module would
/// prove nothing.
const FEWEST_FUNCTIONS: usize = 100;

/// Fails if a dependency of the package, direct or not, is one of [`IMPURE`].
pub(crate) fn check_dependencies(project: &Project, toolchain: &WasmToolchain) -> Result<()> {
    let mut command = crate::run::command(project, "cargo");
    toolchain.select(&mut command);
    // What runs while compiling, as procedural macros do, is not part of what is compiled.
    command
        .args(["tree", "--quiet", "--package", PACKAGE, "--edges", "normal,no-proc-macro", "--target", TARGET])
        .args(["--prefix", "none", "--format", "{lib}"]);
    let tree = crate::run::output(&mut command)?;
    let found: Vec<&str> = tree.lines().map(str::trim).filter(|name| is_impure(name)).collect();
    if !found.is_empty() {
        bail!("{PACKAGE} depends on {}; `cargo tree -p {PACKAGE} -i NAME` shows why", found.join(", "));
    }
    Ok(())
}

/// Libraries are named as in Rust, with `_`, packages often with `-`.
fn is_impure(library: &str) -> bool {
    IMPURE.iter().any(|impure| impure.replace('-', "_") == library)
}

/// Fails if the package's Wasm has an import.
pub(crate) fn check_imports(project: &Project, toolchain: &WasmToolchain) -> Result<()> {
    let module = compile(project, toolchain)?;
    let bytes = fs::read(&module).with_context(|| format!("reading {}", module.display()))?;
    let contents = Contents::of(&bytes, &PACKAGE.replace('-', "_"))?;
    contents.verdict()
}

/// Compiles the package, with all of its functions, into a module.
fn compile(project: &Project, toolchain: &WasmToolchain) -> Result<std::path::PathBuf> {
    // A folder of its own: with other settings, each build would undo the other's work.
    let target = project.target().join("purity");
    let mut command = crate::run::command(project, "cargo");
    toolchain.select(&mut command);
    command
        .args(["rustc", "--quiet", "--package", PACKAGE, "--lib", "--release", "--target", TARGET])
        // Link-time optimisation would leave out what nobody calls, which here is everything.
        .args(["--crate-type", "cdylib", "--config", "profile.release.lto=false"])
        // So would the compiler and the linker.
        .args(["--", "-C", "link-dead-code", "-C", "link-arg=--no-gc-sections"])
        .env("CARGO_TARGET_DIR", &target);
    crate::run::to_the_end(&mut command)?;
    Ok(target.join(TARGET).join("release").join(Path::new("oncegate_protocol.wasm")))
}

/// What of a module decides whether it is pure.
#[derive(Debug, Default, PartialEq)]
struct Contents {
    /// Its imports, as `module.name`.
    imports: Vec<String>,
    /// How many of its functions are the package's own.
    functions: usize,
}

impl Contents {
    /// Reads the module `bytes`, counting the functions whose name has `library` in it.
    fn of(bytes: &[u8], library: &str) -> Result<Self> {
        let mut contents = Self::default();
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.context("the module is not valid Wasm")? {
                Payload::ImportSection(imports) => {
                    for import in imports.into_imports() {
                        let import = import?;
                        contents.imports.push(format!("{}.{}", import.module, import.name));
                    }
                }
                Payload::CustomSection(section) => {
                    if let KnownCustom::Name(names) = section.as_known() {
                        let names = function_names(names)?;
                        contents.functions = names.values().filter(|name| name.contains(library)).count();
                    }
                }
                _ => {}
            }
        }
        Ok(contents)
    }

    fn verdict(&self) -> Result<()> {
        if !self.imports.is_empty() {
            bail!("the Wasm of {PACKAGE} imports {}", self.imports.join(", "));
        }
        if self.functions < FEWEST_FUNCTIONS {
            bail!(
                "the module that should hold {PACKAGE} has {} of its functions, fewer than {FEWEST_FUNCTIONS}: it \
                 would prove nothing",
                self.functions
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"\0asm\x01\0\0\0";
    /// A type section with the type of functions without parameters and results.
    const TYPE: &[u8] = &[1, 4, 1, 0x60, 0, 0];
    /// An import section with the function `env.now` of this type.
    const IMPORT: &[u8] = &[2, 11, 1, 3, b'e', b'n', b'v', 3, b'n', b'o', b'w', 0, 0];
    /// A name section: function 0 is called `lib::f`.
    const NAMES: &[u8] = b"\0\x10\x04name\x01\x09\x01\0\x06lib::f";

    #[test]
    fn an_import_is_found() {
        let contents = Contents::of(&[HEADER, TYPE, IMPORT, NAMES].concat(), "lib").unwrap();
        assert_eq!(contents, Contents { imports: vec!["env.now".to_owned()], functions: 1 });
        let pure = Contents { imports: Vec::new(), functions: FEWEST_FUNCTIONS };
        let impure = Contents { functions: FEWEST_FUNCTIONS, ..contents };
        assert!(pure.verdict().is_ok());
        assert!(impure.verdict().unwrap_err().to_string().contains("imports env.now"));
    }

    #[test]
    fn an_empty_module_proves_nothing() {
        let contents = Contents::of(HEADER, "lib").unwrap();
        assert_eq!(contents, Contents::default());
        assert!(contents.verdict().unwrap_err().to_string().contains("prove nothing"));
        assert!(Contents::of(b"no wasm", "lib").is_err());
    }

    #[test]
    fn impure_libraries_are_known_by_either_spelling() {
        assert!(is_impure("wasm_bindgen") && is_impure("rand"));
        assert!(!is_impure("oncegate_protocol") && !is_impure("rand_x"));
    }
}
