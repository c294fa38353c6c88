//! What `dev` is to run, of `wrangler.toml` and the flags.

use anyhow::{Context, Result, anyhow, bail};
use oncegate_protocol::config::{self, Config, Found, Mode};
use oncegate_protocol::request::NormalPath;

use crate::arguments::DevFlags;
use crate::check_config::no_routes;
use crate::dev::deployment::Deployment;
use crate::dev::{routes_file, walkthrough};
use crate::project::Project;
use crate::variables::Variables;
use crate::wrangler;

/// What `dev` is to run, and what it says of it.
#[derive(Debug)]
pub(crate) struct Configuration {
    pub(crate) deployment: Deployment,
    /// What a person should know of it, each for a line of its own: what it guards, and what is not as configured.
    pub(crate) notices: Vec<String>,
}

/// The Worker as `wrangler.toml` and the flags describe it. Its routes are checked here as the Worker does it, because
/// a Worker with wrong ones says so only in its log; what --var makes wrong is told, and left to the Worker.
pub(crate) fn read(project: &Project, flags: &DevFlags) -> Result<Configuration> {
    let document = wrangler::read(project)?.context("there is no wrangler.toml")?;
    let mut deployment = Deployment::of(&document).context("wrangler.toml")?;
    let mut source = "wrangler.toml".to_owned();
    if let Some(file) = &flags.routes {
        deployment.variables.set_routes(routes_file::read(file)?);
        // Nothing of wrangler.toml's variables is left: another origin takes this one's place further down.
        deployment.variables.remove("ORIGIN");
        source = format!("the routes file {}", file.display());
    } else if !deployment.variables.have_routes() {
        bail!("wrangler.toml: {}", no_routes(&document));
    }
    if let Some(origin) = &flags.origin {
        deployment.set("ORIGIN", origin.url())?;
    }
    let refused = |wrong| anyhow!("{source} cannot be used:\n{wrong}");
    let config = with_secrets(&deployment.variables, flags).config().map_err(refused)?;
    if flags.once && !guards_walkthrough(&config) {
        bail!(
            "--once makes payments with {} {}, which no route of {source} guards",
            walkthrough::METHOD,
            walkthrough::PATH
        );
    }
    for variable in &flags.variables {
        deployment.set(&variable.name, &variable.value)?;
    }
    let notices = settle(&mut deployment);
    Ok(Configuration { deployment, notices })
}

/// These variables, with a good secret in place of each that --var sets: no file has secrets, and routes need them to be
/// there. What --var gives in truth is for the Worker to judge, like all of --var.
fn with_secrets(variables: &Variables, flags: &DevFlags) -> Variables {
    let mut variables = variables.clone();
    for set in &flags.variables {
        let is_secret = [config::SEAL_KEY, config::SEAL_KEY_PREVIOUS].contains(&set.name.as_str());
        if is_secret || config::is_webhook_secret(&set.name) {
            variables.stand_in_for(&set.name);
        }
    }
    variables
}

/// Makes of the deployment one that workerd can run, and gives back what to say of it.
fn settle(deployment: &mut Deployment) -> Vec<String> {
    match deployment.variables.config() {
        Ok(config) => {
            let dropped = deployment.variables.drop_jurisdictions();
            let notice = |name| format!("workerd has no jurisdictions; route {name} is served without");
            dropped.into_iter().map(notice).chain(guarded(&config)).collect()
        }
        Err(wrong) => vec![format!("warning: the Worker will answer 500 to everything:\n{wrong}")],
    }
}

fn guarded(config: &Config) -> Vec<String> {
    let routes = config.routes.routes();
    if routes.is_empty() {
        return vec!["guards nothing: every route is off".to_owned()];
    }
    let line = |route: &oncegate_protocol::config::Route| {
        let does = if route.mode == Mode::Observe { "observes" } else { "guards" };
        format!("{does} {} {} ({})", route.methods.join(", "), route.path, route.name)
    };
    routes.iter().map(line).collect()
}

fn guards_walkthrough(config: &Config) -> bool {
    matches!(config.routes.find(walkthrough::METHOD, &NormalPath::parse(walkthrough::PATH)), Found::One(_))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;
    use crate::variables::tests::variables;

    fn config(routes: Json) -> Config {
        variables(json!({ "ROUTES": routes })).config().unwrap()
    }

    fn flags(words: &str) -> DevFlags {
        let words = format!("xtask dev {words}");
        match crate::arguments::parse(words.split_whitespace().map(Into::into)) {
            Ok(crate::arguments::Command::Dev(flags)) => flags,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_guarded_is_told() {
        let orders = json!({ "name": "orders", "path": "/orders/{id}", "methods": ["PUT"], "scope": "public" });
        let off = json!({ "name": "off", "path": "/off", "mode": "off", "scope": "public" });
        let payments = json!({ "name": "payments", "path": "/v1/payments", "scope": "public" });
        let observed = json!({ "name": "trial", "path": "/trial", "mode": "observe", "scope": "public" });
        let lines = guarded(&config(json!([payments, off, orders, observed])));
        let expected = [
            "guards POST, PATCH /v1/payments (payments)",
            "guards PUT /orders/{id} (orders)",
            "observes POST, PATCH /trial (trial)",
        ];
        assert_eq!(lines, expected);
        assert_eq!(guarded(&config(json!([off]))), ["guards nothing: every route is off"]);
    }

    #[test]
    fn the_walkthrough_needs_its_route() {
        let route = |path: &str| config(json!([{ "name": "a", "path": path, "scope": "public" }]));
        assert!(guards_walkthrough(&route("/v1/{what}")));
        assert!(!guards_walkthrough(&route("/v2/payments")));
    }

    #[test]
    fn flags_change_what_wrangler_toml_says() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("routes.toml");
        let routes = "[[vars.ROUTES_2]]\nname = \"a\"\npath = \"/a\"\nmethods = [\"PUT\"]\nscope = \"public\"\njurisdiction = \"eu\"";
        std::fs::write(&file, routes).unwrap();
        let project = Project::here();
        let words = format!("--routes {}", file.display());
        let read_with = |words: &str| read(&project, &flags(words));

        let configuration = read_with(&words).unwrap();
        let served = ["workerd has no jurisdictions; route a is served without", "guards PUT /a (a)"];
        assert_eq!(configuration.notices, served);
        let expected = json!({ "ROUTES_2": [{ "name": "a", "path": "/a", "methods": ["PUT"], "scope": "public" }] });
        assert_eq!(configuration.deployment.variables, variables(expected));
        let warned = read_with(&format!("{words} --var ROUTES_0=x")).unwrap().notices;
        assert!(warned.len() == 1 && warned[0].contains("500 to everything:\nthe name ROUTES_0"), "{warned:?}");
        std::fs::write(&file, format!("{routes}\nseal = true")).unwrap();
        let refused = read_with(&words).unwrap_err().to_string();
        assert!(refused.contains("seal = true") && refused.contains("SEAL_KEY"), "{refused}");
        let good = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
        assert_eq!(read_with(&format!("{words} --var SEAL_KEY={good}")).unwrap().notices, served);
        let warned = read_with(&format!("{words} --var SEAL_KEY=short")).unwrap().notices;
        assert!(warned[0].contains("500 to everything:\nSEAL_KEY = …") && !warned[0].contains("short"), "{warned:?}");
        std::fs::write(&file, routes).unwrap();
        let refused = read_with(&format!("{words} --once")).unwrap_err().to_string();
        assert!(refused.contains("--once makes payments with POST /v1/payments, which no route of"), "{refused}");
    }
}
