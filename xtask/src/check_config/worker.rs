//! One Worker of a configuration file, checked.

use oncegate_protocol::config::Config;
use serde_json::Value as Json;

use super::environment::Environment;
use super::ledger;
use super::mistakes::{self, Mistake};
use crate::variables::is_routes;

/// A Worker, and what there is to say of it.
#[derive(Clone, Debug)]
pub(crate) struct Worker<'d> {
    pub(crate) environment: Environment<'d>,
    pub(crate) verdict: Verdict,
    /// What a person should know that is not wrong.
    pub(crate) warnings: Vec<Mistake>,
}

/// What the Worker is.
#[derive(Clone, Debug)]
pub(crate) enum Verdict {
    /// It would serve, with this configuration.
    Good(Box<Config>),
    /// It would serve, if the variables do that are set elsewhere.
    Elsewhere,
    /// It is not meant to be deployed: only the environments have routes.
    NotAGate,
    /// It would not serve.
    Bad(Vec<Mistake>),
}

impl<'d> Worker<'d> {
    /// All of a file's.
    pub(crate) fn all(document: &'d Json) -> Vec<Self> {
        let environments = Environment::all(document);
        let has_routes = |one: &Environment<'_>| one.variables().have_routes();
        let others_have_routes = environments.iter().skip(1).any(has_routes);
        let check = |environment: Environment<'d>| {
            let verdict = match environment.name() {
                None if !has_routes(&environment) && others_have_routes => Verdict::NotAGate,
                _ => check(&environment, document),
            };
            Self { warnings: mistakes::warnings(&environment), environment, verdict }
        };
        environments.into_iter().map(check).collect()
    }

    pub(crate) fn mistakes(&self) -> &[Mistake] {
        match &self.verdict {
            Verdict::Bad(mistakes) => mistakes,
            Verdict::Good(_) | Verdict::Elsewhere | Verdict::NotAGate => &[],
        }
    }
}

fn check(environment: &Environment<'_>, document: &Json) -> Verdict {
    let variables = if environment.variables().have_routes() {
        mistakes::check(environment).map(Some)
    } else if environment.keeps_other_variables() {
        Ok(None)
    } else {
        Err(vec![missing_routes(environment, document)])
    };
    let of_ledger = ledger::check(environment);
    match (variables, of_ledger.is_empty()) {
        (Ok(Some(config)), true) => Verdict::Good(Box::new(config)),
        (Ok(None), true) => Verdict::Elsewhere,
        (variables, _) => Verdict::Bad(variables.err().into_iter().flatten().chain(of_ledger).collect()),
    }
}

fn missing_routes(environment: &Environment<'_>, document: &Json) -> Mistake {
    let table = environment.table("vars");
    let text = match environment.name() {
        Some(_) => format!("[{table}] has no routes, and environments do not inherit [vars]: write [[{table}.ROUTES]]"),
        None => no_routes(document),
    };
    Mistake::new(environment.pointer("vars"), text)
}

/// What is said of a document whose variables have no routes.
pub(crate) fn no_routes(document: &Json) -> String {
    let misplaced = document.as_object().into_iter().flatten().find(|(name, _)| is_routes(name));
    let hint = misplaced.map(|(name, _)| format!("; its [[{name}]] must be [[vars.{name}]]")).unwrap_or_default();
    format!("there is no [[vars.ROUTES]]{hint}")
}
