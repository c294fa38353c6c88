//! The head of a request. Of its headers only those are read that somebody asks for: a list of all costs as much as a tenth of what it
//! costs to pass a request on, and only what goes to the origin under the gate's own name needs it.

use std::cell::{OnceCell, RefCell};

use js_sys::Array;
use oncegate_protocol::headers::{self, Headers as List};
use wasm_bindgen::JsValue;

use super::bindings::{Request, has_any, header_values, request_line};
use super::message::header_list;

/// A request without its body.
pub struct Head {
    /// The method and the address, a line each.
    line: String,
    /// Where the first of these lines ends.
    method_end: usize,
    request: Request,
    read_ahead: &'static [String],
    /// The values of those that are read ahead, once one of them has been asked for: a line each, as `glue.js` gives them.
    values: OnceCell<String>,
    /// What the platform has thrown in place of a header.
    thrown: OnceCell<JsValue>,
    /// All headers, once they have been asked for.
    list: OnceCell<List>,
}

impl Head {
    /// Reads its first line. Headers whose names, in lower case, are in `read_ahead` are all read when one of them is asked for: one call
    /// for all is cheaper than one for each.
    ///
    /// # Errors
    /// Where the platform gives something else.
    pub fn read(request: &Request, read_ahead: &'static [String]) -> Result<Self, JsValue> {
        let line = request_line(request)?;
        let method_end = line.find('\n').ok_or_else(|| JsValue::from_str("the request has no head"))?;
        Ok(Self {
            line,
            method_end,
            request: request.clone(),
            read_ahead,
            values: OnceCell::new(),
            thrown: OnceCell::new(),
            list: OnceCell::new(),
        })
    }

    /// The method, as sent.
    pub fn method(&self) -> &str {
        self.line.get(..self.method_end).unwrap_or_default()
    }

    /// The address.
    pub fn url(&self) -> &str {
        self.line.get(self.method_end..).and_then(|rest| rest.strip_prefix('\n')).unwrap_or_default()
    }

    /// The value of a header, by its name in lower case; the values of one that was sent several times are joined by `, `. `None` where
    /// there is none, and where it cannot be read, which [`Self::check`] tells apart.
    pub fn header(&self, name: &str) -> Option<String> {
        let value = match self.read_ahead.iter().position(|known| known == name) {
            Some(index) => self
                .values()
                .map(|values| values.split('\n').nth(index).and_then(|line| line.strip_prefix('=')).map(str::to_owned)),
            None => self.request.headers().get(name),
        };
        value.unwrap_or_else(|thrown| {
            let _ = self.thrown.set(thrown);
            None
        })
    }

    /// Whether each header that was asked for could be read.
    ///
    /// # Errors
    /// What the platform has thrown.
    pub fn check(&self) -> Result<(), JsValue> {
        self.thrown.get().map_or(Ok(()), |thrown| Err(thrown.clone()))
    }

    /// All headers, as [`header_list`] gives them.
    ///
    /// # Errors
    /// Where the platform gives something else.
    pub fn headers(&self) -> Result<&List, JsValue> {
        if let Some(list) = self.list.get() {
            return Ok(list);
        }
        let list = header_list(&self.request.headers())?;
        Ok(self.list.get_or_init(|| list))
    }

    /// Takes them out: whoever asks again has them read again.
    ///
    /// # Errors
    /// As those of [`Self::headers`].
    pub fn take_headers(&mut self) -> Result<List, JsValue> {
        self.headers()?;
        Ok(self.list.take().unwrap_or_default())
    }

    /// Whether it has a header that only the gate may tell an origin ([`headers::TOLD`]).
    ///
    /// # Errors
    /// Where the platform gives something else.
    pub fn is_told(&self) -> Result<bool, JsValue> {
        TOLD.with(|told| has_any(&self.request, told))
    }

    fn values(&self) -> Result<&str, JsValue> {
        if let Some(values) = self.values.get() {
            return Ok(values);
        }
        let values = header_values(&self.request, &names(self.read_ahead))?;
        Ok(self.values.get_or_init(|| values))
    }
}

thread_local! {
    static TOLD: Array = array(&headers::TOLD);
    /// The names that were last read ahead, as JavaScript has them. There is one configuration, so they hardly ever change.
    static NAMES: RefCell<Option<(&'static [String], Array)>> = const { RefCell::new(None) };
}

fn names(read_ahead: &'static [String]) -> Array {
    NAMES.with_borrow_mut(|known| match known {
        Some((names, array)) if core::ptr::eq(*names, read_ahead) => array.clone(),
        _ => known.insert((read_ahead, array(read_ahead))).1.clone(),
    })
}

fn array(names: &[impl AsRef<str>]) -> Array {
    names.iter().map(|name| JsValue::from_str(name.as_ref())).collect()
}
