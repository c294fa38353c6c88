//! Statements of the path of a request, as JavaScript has them: to write one anew and hand it over costs as much as what it does.

use js_sys::JsString;
use oncegate_protocol::limits;
use oncegate_protocol::slot::Slot;

/// How many generations are asked in one statement: more terms the platform's SQLite does not take. A usual ledger has two or three
/// generations; there are more where answers are kept for longer than others (`Oncegate-TTL`).
const GENERATIONS_AT_ONCE: usize = 5;

/// What a row is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Columns {
    /// The record.
    Record,
    /// The record, and the body if that is small.
    RecordAndBody,
}

/// The statements for the generations that there are.
#[derive(Default)]
pub(super) struct Statements {
    generations: Vec<u32>,
    finds: Vec<(Columns, Vec<Find>)>,
    inserts: Option<(u32, JsString)>,
    renewals: Option<(u32, JsString)>,
    settles: Option<(u32, JsString)>,
}

/// Looks an id up in some generations. Each row has its generation's number in the column behind those that are read.
pub(super) struct Find {
    pub(super) generations: Vec<u32>,
    pub(super) statement: JsString,
}

impl Columns {
    /// In which column the generation's number is.
    pub(super) fn generation(self) -> u32 {
        match self {
            Self::Record => 1,
            Self::RecordAndBody => 2,
        }
    }

    fn names(self) -> String {
        match self {
            Self::Record => "record".to_owned(),
            Self::RecordAndBody => {
                format!("record, CASE WHEN length(body) <= {} THEN body END", limits::REPLAY_WINDOW_BYTES)
            }
        }
    }
}

impl Statements {
    /// Looks an id up in these generations, all there are, newest first. Each statement costs more than what it looks up, so there are few.
    pub(super) fn find(&mut self, generations: &[u32], columns: Columns) -> &[Find] {
        if self.generations != generations {
            self.generations = generations.to_vec();
            self.finds.clear();
        }
        let known = self.finds.iter().position(|(known, _)| *known == columns);
        let index = known.unwrap_or_else(|| {
            self.finds.push((columns, finds(generations, columns)));
            self.finds.len().saturating_sub(1)
        });
        self.finds.get(index).map(|(_, finds)| finds.as_slice()).unwrap_or_default()
    }

    /// Writes a row of an id and a record to a slot of a generation, if that is free.
    pub(super) fn insert(&mut self, generation: u32) -> &JsString {
        let text = || format!("INSERT INTO g{generation} (slot, id, record) VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
        current(&mut self.inserts, generation, text)
    }

    /// Writes a record over the row of an id.
    pub(super) fn renew(&mut self, generation: u32) -> &JsString {
        let text = || format!("UPDATE g{generation} SET record = ?3, body = NULL WHERE {}", is_of_id());
        current(&mut self.renewals, generation, text)
    }

    /// Writes a record and a body over the row of an id, if it still has this record.
    pub(super) fn settle(&mut self, generation: u32) -> &JsString {
        let text = || format!("UPDATE g{generation} SET record = ?3, body = ?4 WHERE {} AND record = ?5", is_of_id());
        current(&mut self.settles, generation, text)
    }
}

/// That a row is that of an id: of an id's slot and the id, as the first two of a statement's values.
pub(super) fn is_of_id() -> String {
    format!("slot BETWEEN ?1 AND ?1 + {} AND id = ?2", Slot::TRIES.saturating_sub(1))
}

fn finds(generations: &[u32], columns: Columns) -> Vec<Find> {
    let (names, is_of_id) = (columns.names(), is_of_id());
    let find = |some: &[u32]| {
        let each = some.iter().map(|number| format!("SELECT {names}, {number} FROM g{number} WHERE {is_of_id}"));
        Find { generations: some.to_vec(), statement: each.collect::<Vec<_>>().join(" UNION ALL ").into() }
    };
    generations.chunks(GENERATIONS_AT_ONCE).map(find).collect()
}

/// The statement for a generation: hardly ever another than the last one.
fn current(kept: &mut Option<(u32, JsString)>, generation: u32, text: impl FnOnce() -> String) -> &JsString {
    match kept.take() {
        Some((of, statement)) if of == generation => &kept.insert((of, statement)).1,
        _ => &kept.insert((generation, text().into())).1,
    }
}
