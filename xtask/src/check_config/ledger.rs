//! The Durable Object of a Worker: its binding, and the migration that makes its class.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::environment::Environment;
use super::mistakes::Mistake;

/// The name that the Worker looks for.
const BINDING: &str = "LEDGER";
/// The class that the Worker has.
const CLASS: &str = "Ledger";

/// What is wrong with them.
pub(crate) fn check(worker: &Environment<'_>) -> Vec<Mistake> {
    let objects = worker.own("durable_objects").and_then(|objects| objects.get("bindings"));
    let bindings = objects.and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let with =
        |field: &str, wanted: &str| bindings.iter().enumerate().find(|(_, binding)| text(binding, field) == wanted);
    let table = worker.table("durable_objects.bindings");
    let place = |index: usize, field: &str| format!("{}/bindings/{index}/{field}", worker.pointer("durable_objects"));
    let mistake = match (with("name", BINDING), with("class_name", CLASS)) {
        // The class is in another Worker, whose file says what makes it.
        (Some((_, binding)), _) if binding.get("script_name").is_some() => return Vec::new(),
        (Some((_, binding)), _) if text(binding, "class_name") == CLASS => None,
        (Some((index, binding)), _) => {
            let class = text(binding, "class_name");
            let said = format!("[[{table}]] class_name = \"{class}\": allowed is \"{CLASS}\", which the Worker has");
            Some(Mistake::new(place(index, "class_name"), said))
        }
        (None, Some((index, binding))) => {
            let name = text(binding, "name");
            let said = format!(
                "[[{table}]] name = \"{name}\": allowed is \"{BINDING}\", by which the Worker finds its ledgers"
            );
            Some(Mistake::new(place(index, "name"), said))
        }
        (None, None) => {
            let why = worker.name().map_or("", |_| ", and environments do not inherit bindings");
            let said =
                format!("[[{table}]] is missing{why}: it must have name = \"{BINDING}\", class_name = \"{CLASS}\"");
            Some(Mistake::new(worker.pointer("durable_objects"), said))
        }
    };
    mistake.into_iter().chain(check_storage(worker)).collect()
}

fn text<'b>(table: &'b Json, field: &str) -> &'b str {
    table.get(field).and_then(Json::as_str).unwrap_or_default()
}

/// What is wrong with what makes the class: `migrations`, or `exports`.
fn check_storage(worker: &Environment<'_>) -> Option<Mistake> {
    let wanted =
        format!("allowed is [[migrations]] with new_sqlite_classes = [\"{CLASS}\"], since ledgers are in SQLite");
    if let Some(export) = worker.inherited("exports").and_then(|exports| exports.get(CLASS)) {
        let storage = export.get("storage").and_then(Json::as_str);
        let said = format!("[exports.{CLASS}] storage: allowed is \"sqlite\", in which ledgers are");
        return (storage != Some("sqlite")).then(|| Mistake::new(worker.inherited_pointer("exports"), said));
    }
    let migrations = worker.inherited("migrations").and_then(Json::as_array);
    match classes(migrations.map_or(&[], Vec::as_slice)).get(CLASS) {
        Some(true) => None,
        Some(false) => Some(Mistake::new(
            worker.inherited_pointer("migrations"),
            format!("[[migrations]] new_classes has {CLASS}: {wanted}"),
        )),
        None => Some(Mistake::new(
            worker.inherited_pointer("migrations"),
            format!("no migration makes the class {CLASS}: {wanted}"),
        )),
    }
}

/// The classes that there are after these migrations, each with whether its storage is SQLite.
fn classes(migrations: &[Json]) -> BTreeMap<String, bool> {
    let mut classes = BTreeMap::new();
    for migration in migrations {
        let list = |field: &str| migration.get(field).and_then(Json::as_array).into_iter().flatten();
        let names = |field: &str| list(field).filter_map(Json::as_str).map(str::to_owned);
        classes.extend(names("new_sqlite_classes").map(|name| (name, true)));
        classes.extend(names("new_classes").map(|name| (name, false)));
        for step in list("renamed_classes").chain(list("transferred_classes")) {
            // Of a class that comes from another Worker, its file knows.
            let is_sqlite = classes.remove(text(step, "from")).unwrap_or(true);
            classes.insert(text(step, "to").to_owned(), is_sqlite);
        }
        for name in names("deleted_classes") {
            classes.remove(&name);
        }
    }
    classes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wrangler;

    const BOUND: &str = "[[durable_objects.bindings]]\nname = \"LEDGER\"\nclass_name = \"Ledger\"\n";

    fn found(text: &str) -> Vec<String> {
        let document = wrangler::parse(text).unwrap();
        Environment::all(&document).iter().flat_map(check).map(|mistake| mistake.text).collect()
    }

    fn with_migrations(text: &str) -> Vec<String> {
        found(&format!("{BOUND}{text}"))
    }

    #[test]
    fn what_makes_the_class_is_followed_to_its_end() {
        for good in [
            "[[migrations]]\ntag = \"v1\"\nnew_sqlite_classes = [\"Ledger\"]",
            "[[migrations]]\nnew_sqlite_classes = [\"Old\"]\n[[migrations]]\nrenamed_classes = [{ from = \"Old\", to = \"Ledger\" }]",
            "[[migrations]]\ntransferred_classes = [{ from = \"Old\", from_script = \"x\", to = \"Ledger\" }]",
            "[exports.Ledger]\ntype = \"durable-object\"\nstorage = \"sqlite\"",
        ] {
            assert!(with_migrations(good).is_empty(), "{good}: {:?}", with_migrations(good));
        }
        for (bad, said) in [
            ("", "no migration makes the class Ledger"),
            ("[[migrations]]\nnew_classes = [\"Ledger\"]", "new_classes has Ledger"),
            ("[[migrations]]\nnew_sqlite_classes = [\"Ledger\"]\ndeleted_classes = [\"Ledger\"]", "no migration makes"),
            ("[exports.Ledger]\ntype = \"durable-object\"\nstorage = \"legacy-kv\"", "allowed is \"sqlite\""),
        ] {
            let found = with_migrations(bad);
            assert!(found.len() == 1 && found[0].contains(said), "{bad}: {found:?}");
        }
    }

    #[test]
    fn a_binding_that_is_missing_or_misnamed_is_told() {
        let made = "[[migrations]]\nnew_sqlite_classes = [\"Ledger\"]";
        let one = |binding: &str| found(&format!("{binding}{made}")).join("|");
        assert!(one("").starts_with("[[durable_objects.bindings]] is missing: it must have name = \"LEDGER\""));
        assert!(one(&BOUND.replace("LEDGER", "LEDGERS")).contains("name = \"LEDGERS\": allowed is \"LEDGER\""));
        assert!(one(&BOUND.replace("Ledger", "Shard")).contains("class_name = \"Shard\": allowed is \"Ledger\""));
        assert_eq!(found(&format!("{BOUND}script_name = \"other\"")), [""; 0], "another Worker has the class");
        assert_eq!(found(&BOUND.replace("LEDGER", "L")).len(), 2, "nothing makes the class, either");
    }
}
