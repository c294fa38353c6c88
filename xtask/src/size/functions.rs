//! The functions of a Wasm module, with the names and sizes of their code.

use std::collections::HashMap;

use anyhow::{Context, Result, bail};
use wasmparser::{KnownCustom, Name, NameSectionReader, Parser, Payload, TypeRef};

/// A function that the module defines.
#[derive(Debug, PartialEq)]
pub(crate) struct Function {
    /// Its symbol, mangled as the compiler left it.
    pub(crate) symbol: String,
    /// The bytes of its body in the code section.
    pub(crate) size: usize,
}

/// The functions that `module` defines. Fails if it does not name them.
pub(crate) fn read(module: &[u8]) -> Result<Vec<Function>> {
    let mut imported: usize = 0;
    let mut sizes = Vec::new();
    let mut names = HashMap::new();
    for payload in Parser::new(0).parse_all(module) {
        match payload.context("the module is not valid Wasm")? {
            Payload::ImportSection(imports) => {
                for import in imports.into_imports() {
                    if matches!(import?.ty, TypeRef::Func(_) | TypeRef::FuncExact(_)) {
                        imported = imported.saturating_add(1);
                    }
                }
            }
            Payload::CodeSectionEntry(body) => sizes.push(body.as_bytes().len()),
            Payload::CustomSection(section) => {
                if let KnownCustom::Name(section) = section.as_known() {
                    names = function_names(section)?;
                }
            }
            _ => {}
        }
    }
    if names.is_empty() {
        bail!("the module has no names of functions");
    }
    // Functions are numbered from the imported ones on.
    let numbers = imported..;
    let functions = numbers.zip(sizes).map(|(number, size)| {
        let symbol = names.remove(&number).unwrap_or_default();
        Function { symbol, size }
    });
    Ok(functions.collect())
}

/// The names of functions in a module's name section, by their index.
pub(crate) fn function_names(section: NameSectionReader<'_>) -> Result<HashMap<usize, String>> {
    let mut names = HashMap::new();
    for subsection in section {
        let Name::Function(functions) = subsection? else { continue };
        for function in functions {
            let function = function?;
            names.insert(usize::try_from(function.index)?, function.name.to_owned());
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"\0asm\x01\0\0\0";
    /// A type section with the type of functions without parameters and results.
    const TYPE: &[u8] = &[1, 4, 1, 0x60, 0, 0];
    /// An import section with the function `env.now` of this type.
    const IMPORT: &[u8] = &[2, 11, 1, 3, b'e', b'n', b'v', 3, b'n', b'o', b'w', 0, 0];
    /// A function section with three functions of this type.
    const FUNCTIONS: &[u8] = &[3, 4, 3, 0, 0, 0];
    /// A code section: the functions do nothing, but the second does so once more.
    const CODE: &[u8] = &[10, 11, 3, 2, 0, 0x0b, 3, 0, 1, 0x0b, 2, 0, 0x0b];
    /// A name section: function 1 is called `a`, and function 2 is called `b::f`.
    const NAMES: &[u8] = b"\0\x11\x04name\x01\x0a\x02\x01\x01a\x02\x04b::f";

    #[test]
    fn imports_are_numbered_but_have_no_code() {
        let function = |symbol: &str, size| Function { symbol: symbol.to_owned(), size };
        let functions = read(&[HEADER, TYPE, IMPORT, FUNCTIONS, CODE, NAMES].concat()).unwrap();
        assert_eq!(functions, [function("a", 2), function("b::f", 3), function("", 2)]);
    }

    #[test]
    fn a_module_without_names_tells_nothing() {
        assert!(read(&[HEADER, TYPE, FUNCTIONS, CODE].concat()).unwrap_err().to_string().contains("no names"));
        assert!(read(b"no wasm").is_err());
    }
}
