//! All keyed routes, and which of them a request belongs to.

use matchit::Router;

use super::error::ConfigError;
use super::route::{Mode, Route};
use crate::request::NormalPath;

/// All keyed routes. There is a router per method, so that a route for one method never hides a wider one for another.
#[derive(Clone, Debug, Default)]
pub struct RouteTable {
    routes: Vec<Route>,
    off: Vec<Route>,
    by_method: Vec<(String, Router<usize>)>,
}

/// A route and what the path says of its parameters.
#[derive(Clone, Debug)]
pub struct RouteMatch<'a> {
    /// The route.
    pub route: &'a Route,
    /// Name and decoded value of each path parameter.
    pub parameters: Vec<(String, String)>,
}

/// What was found for a request.
#[derive(Clone, Debug)]
pub enum Found<'a> {
    /// No route.
    None,
    /// A route.
    One(RouteMatch<'a>),
    /// Its path can be read in several ways, and they lead to different routes, or say different things of whose request it
    /// is and which.
    Two {
        /// One of these routes, where all of them only observe.
        observed_by: Option<&'a Route>,
    },
}

impl RouteMatch<'_> {
    /// Whether it comes to the same as another one.
    fn is_as(&self, other: &Self) -> bool {
        let tells = |(name, _): &&(String, String)| self.route.tells_by(name);
        self.route.name == other.route.name
            && self.parameters.iter().filter(tells).eq(other.parameters.iter().filter(tells))
    }
}

impl RouteTable {
    /// Builds the table. A route that could never match, because others take all of its requests, is an error.
    ///
    /// Routes that are off are checked like the others, and then put aside, so that they hide no wider one.
    pub(super) fn build(routes: Vec<Route>, errors: &mut Vec<ConfigError>) -> Self {
        let table = Self::of(routes, errors);
        if table.routes.iter().all(|route| route.mode != Mode::Off) {
            return table;
        }
        let (off, on) = table.routes.into_iter().partition(|route| route.mode == Mode::Off);
        Self { off, ..Self::of(on, &mut Vec::new()) }
    }

    fn of(routes: Vec<Route>, errors: &mut Vec<ConfigError>) -> Self {
        let mut table = Self::default();
        for (index, route) in routes.iter().enumerate() {
            if routes.iter().take(index).any(|other| other.name == route.name && !route.name.is_empty()) {
                let expected = "a name that no other route has: it names the route's records";
                errors.push(ConfigError::new("ROUTES.name", &format!("\"{}\"", route.name), expected));
            }
            if let Some(queue) = &route.queue
                && routes.iter().take(index).any(|other| other.queue.as_ref() == Some(queue))
            {
                let expected = "a queue that no other route takes";
                errors.push(ConfigError::new("ROUTES.queue", &format!("\"{queue}\""), expected));
            }
            if let Some(previous) = &route.previous {
                let is_taken = |other: &Route| other.layout == *previous && other.name != route.name;
                if routes.iter().any(is_taken) {
                    let expected = "a name that no route has now";
                    errors.push(ConfigError::new("ROUTES.renamed_from", &format!("\"{}\"", previous.name), expected));
                }
            }
            for method in &route.methods {
                if let Err(expected) = table.insert(method, &route.path, index, &routes) {
                    let field = format!("ROUTES ({}).path", route.name);
                    errors.push(ConfigError::new(field, &format!("\"{}\"", route.path), expected));
                    break;
                }
            }
        }
        table.routes = routes;
        table
    }

    fn insert(&mut self, method: &str, path: &str, index: usize, routes: &[Route]) -> Result<(), String> {
        let position = match self.by_method.iter().position(|(name, _)| name == method) {
            Some(position) => position,
            None => {
                self.by_method.push((method.to_owned(), Router::new()));
                self.by_method.len().saturating_sub(1)
            }
        };
        let Some((_, router)) = self.by_method.get_mut(position) else { return Ok(()) };
        router.insert(path, index).map_err(|error| match error {
            matchit::InsertError::Conflict { with } => {
                let other = routes.iter().find(|route| route.path == with).map_or("?", |route| route.name.as_str());
                format!(
                    "a path that another route does not take: {method} requests for it go to the route {other} ({with}), \
                     so this one can never match"
                )
            }
            other => format!("a path with {{param}} as a whole segment, and {{*rest}} only at its end ({other})"),
        })
    }

    /// The route that takes the messages of this queue.
    pub fn of_queue(&self, name: &str) -> Option<&Route> {
        // One that is off passes them through.
        self.routes.iter().chain(&self.off).find(|route| route.queue.as_deref() == Some(name))
    }

    /// Whether any route is for this method; where none is, the path need not be read.
    pub fn guards_method(&self, method: &str) -> bool {
        self.by_method.iter().any(|(name, _)| name == method)
    }

    /// The routes that a request may belong to. A method is compared as it is: methods are case-sensitive (RFC 9110,
    /// section 9.1).
    pub fn find(&self, method: &str, path: &NormalPath) -> Found<'_> {
        let Some((_, router)) = self.by_method.iter().find(|(name, _)| name == method) else { return Found::None };
        let mut found: Option<RouteMatch<'_>> = None;
        let (mut differ, mut only_observe) = (false, true);
        for reading in core::iter::once(path.exact()).chain(path.others()) {
            let Some(other) = self.at(router, &reading) else { continue };
            only_observe &= other.route.mode == Mode::Observe;
            match &found {
                None => found = Some(other),
                Some(first) => differ |= !other.is_as(first),
            }
        }
        match found {
            None => Found::None,
            Some(first) if differ => Found::Two { observed_by: only_observe.then_some(first.route) },
            Some(only) => Found::One(only),
        }
    }

    fn at(&self, router: &Router<usize>, path: &str) -> Option<RouteMatch<'_>> {
        let found = router.at(path).ok()?;
        let parameter = |(name, value): (&str, &str)| (name.to_owned(), NormalPath::parameter(value));
        let parameters = found.params.iter().map(parameter).collect();
        Some(RouteMatch { route: self.routes.get(*found.value)?, parameters })
    }

    /// The routes that are on, in the order in which they were configured.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    /// All routes, those that are on first. Also one that is off may have records.
    pub fn all(&self) -> impl Iterator<Item = &Route> {
        self.routes.iter().chain(&self.off)
    }

    /// The route of this name, on or off.
    pub fn named(&self, name: &str) -> Option<&Route> {
        self.all().find(|route| route.name == name)
    }
}
