//! The command line, parsed into a [`Command`].

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;

use crate::dev::flags::{Origin, Variable};
use crate::fuzz::FuzzFlags;
use crate::test::Suite;
use crate::{bench, check_config, torture};

/// What `cargo xtask` is asked to do.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    /// Print this text.
    Help(&'static str),
    /// Measure what the Worker costs.
    Bench(bench::Flags),
    /// Compile the Worker.
    Build,
    /// Make an npm package of the Worker.
    Package,
    /// Check the sources.
    Check,
    /// Check what is to be deployed.
    CheckConfig(check_config::Flags),
    /// Write anew what is made of the table of settings.
    Reference,
    /// Tell how large the Worker is.
    Size,
    /// Run the gate on this machine.
    Dev(DevFlags),
    /// Run these tests, or all where none is named.
    Test(Vec<Suite>),
    /// See whether the promises are kept where everything goes wrong.
    Torture(torture::Flags),
    /// Look for inputs for which a property does not hold.
    Fuzz(FuzzFlags),
    /// Change `protocol/` a little, many times, and see whether its tests notice. The words are for cargo-mutants.
    Mutants(Vec<OsString>),
}

/// The flags of `cargo xtask dev`.
#[derive(Debug, PartialEq)]
pub(crate) struct DevFlags {
    /// `None` where the flag was not given; 0 for any free port.
    pub(crate) port: Option<u16>,
    /// `None` for the example origin.
    pub(crate) origin: Option<Origin>,
    pub(crate) routes: Option<PathBuf>,
    pub(crate) state: Option<PathBuf>,
    pub(crate) variables: Vec<Variable>,
    /// Print the walk-through and stop.
    pub(crate) once: bool,
}

impl DevFlags {
    /// Whether the user has not named an origin.
    pub(crate) fn needs_example_origin(&self) -> bool {
        self.origin.is_none() && !self.variables.iter().any(|variable| variable.name == "ORIGIN")
    }
}

const USAGE: &str = "\
usage: cargo xtask COMMAND

  dev      run the gate on this machine, in front of an example origin or your own
  test     run every test
  torture  see whether the promises are kept where everything goes wrong
  fuzz     look for inputs for which a property of protocol/ does not hold
  mutants  see whether the tests of protocol/ notice each small change of it
  bench    what the Worker costs, beside the least possible and what others use
  build    compile the Worker into build/
  package  make an npm package of the Worker, for use without Rust
  check    formatting, lints, documentation, and that protocol/ is pure
  check-config
           check what wrangler would deploy, and tell what would become of a request
  reference
           write the page, the schema and the types of all settings anew
  size     how large the Worker is, and which crates its code is of

`cargo xtask COMMAND --help` tells a command's flags. Each command first sets up what it needs and does not find.";

const BUILD_USAGE: &str = "\
usage: cargo xtask build

Checks the configuration as `cargo xtask check-config` does, and compiles the Worker into build/, unless nothing it is made of has
changed. `wrangler deploy` runs it.";

const PACKAGE_USAGE: &str = "\
usage: cargo xtask package

Compiles the Worker, makes an npm package of it in target/package/, and prints where that is and its size. Whoever installs it
needs wrangler, and no Rust; the README in it says how it is used.";

const CHECK_USAGE: &str = "\
usage: cargo xtask check

Checks the formatting, runs clippy for this machine and for Wasm, builds the documentation without warnings, sees that the
reference of all settings is as its table says, and proves that protocol/ depends on no clock, no randomness and no
JavaScript, and that its Wasm imports nothing.";

const CHECK_CONFIG_USAGE: &str = "\
usage: cargo xtask check-config [FILE] [FLAGS]

Reads a configuration file as wrangler would, and checks the variables as the Worker does, and the binding and the migration of its
ledgers: at the top level and in every environment. Prints every mistake with its line, or the routes as they are. Exit code 0 only
if all is well. FILE is TOML, or by its name .json or .jsonc; without it, the file that wrangler would find here.

  --env NAME            this environment only
  --request 'POST /v1/payments'
                        tell what the Worker would do with this request, and why: its route, key and scope, where its record is;
                        at the top level, unless --env is given. It is a method and a path, or a whole address
  --header 'Name: value'
                        a header of it, may be repeated
  --body TEXT|@FILE     its body";

const REFERENCE_USAGE: &str = "\
usage: cargo xtask reference

Writes docs/configuration.md, and in config/ the JSON Schema and the types for TypeScript, all of them made of the table of settings in
protocol/src/config/reference. `cargo xtask check` fails where they are not as that says.";

const SIZE_USAGE: &str = "\
usage: cargo xtask size

Builds the Worker, prints the size of its files, compressed too, and how many bytes of its code are of which crate. That is
an estimate, because the compiler moves code from one crate into another.";

const TEST_USAGE: &str = "\
usage: cargo xtask test [SUITE...]

Runs every test, or the suites that are named:

  host        the crates that run on this machine
  simulator   the promises, in every state of small worlds and by a million seeds (simulator/)
  wasm        the Worker's own functions, as Wasm in Node (tests/wasm)
  e2e         the built Worker in workerd (tests/e2e)
  clients     the built Worker, asked by clients that people use (tests/clients)
  console     the operator's console of the built Worker, in Chromium (tests/console); its screenshots are in target/console/,
              and with UPDATE_SCREENSHOTS=1 in docs/ too
  package     the npm package, installed in an empty folder (tests/package)
  library     the gate inside other Workers, one of them built by worker-build (tests/library)
  torture     a short `cargo xtask torture`, and that it finds out a broken gate (tests/torture)";

const TORTURE_USAGE: &str = "\
usage: cargo xtask torture [FLAGS]

Builds the Worker and runs it in workerd, in front of an origin that misbehaves in 30 % of its calls. Clients of several tenants
send every key again and again, hang up, and change payloads, while the gate is killed and restarted. When all is over the
origin is reliable, and every key is asked once more. Then the history of it all is judged: what each client and the origin saw.
Exit code 0 only if every promise was kept, and enough went wrong to say so.

  --keys N      how many keys (default 1000)
  --retries M   how often each is sent (default 50)
  --minutes T   after how long no more is sent, whatever is left (default 10); settling all keys takes longer
  --seed S      the faults, payloads and kills of an earlier run, as far as the machine's timing allows
  --broken HOW  break the gate first, to see that it is found out: lease, doubt, fingerprint, tenant, bytes, headers,
                invention, memory, refusal or progress (tests/torture/broken/ says what each is)";

const FUZZ_USAGE: &str = "\
usage: cargo xtask fuzz [--seconds N] [TARGET...]

Runs every fuzz target, or those that are named, as many at a time as there are cores: from the inputs in fuzz/corpus/ it
makes others, and checks that the properties of the target hold for them. Works in target/fuzzing/, prints what was done, and
fails if something was found. Needs a nightly compiler and a C++ compiler.

  --seconds N        run each target so long (default 60)";

const MUTANTS_USAGE: &str = "\
usage: cargo xtask mutants [-- ARGUMENT...]

Changes protocol/ in every small way that cargo-mutants knows, one at a time, and runs its tests: if they still pass, something is not
tested. Prints those, leaves the rest in target/mutants/, and fails if there is one. It takes an hour and more on two cores; the
arguments go to cargo-mutants, where `--file protocol/src/quota.rs` takes one file only. `.cargo/mutants.toml` says what
is left out and why.";

const BENCH_USAGE: &str = "\
usage: cargo xtask bench [FLAGS]

Measures what a request costs: CPU time of the serving process, requests a second, times, and memory. The subjects are
  a  a Worker of five lines that passes everything on      b  the smallest ledger by hand, in JavaScript
  c  Oncegate                                              d  @node-idempotency/core with Redis, in Node
  e  idempotent-proxy-server, in memory                    f  Oncegate, a ledger of 1,000 records
                                                           g  Oncegate, a ledger of 1,000,000 records
                                                           h  what a gate asks of the platform, nothing decided
each in turn in every round, in front of nginx and under wrk, the Workers in workerd. Then counts calls, rows and bytes. Prints
tables and leaves them in bench/results/, with a plot. Exit code 0 only if every target is met that can be counted; those that are
ratios of times are printed beside what was reached. Half an hour; it needs the machine to itself.

  --quick          two rounds of 2 s a load, objects in memory only, results in target/bench/: less than five minutes
  --rounds N       how many rounds (default 5)
  --seconds S      how long each load is sent in a round (default 4)
  --storage WHERE  where the objects are: tmpfs or disk (default: first one, then the other)
  --subjects abc   measure these only";

const DEV_USAGE: &str = "\
usage: cargo xtask dev [FLAGS]

Builds the Worker, runs it in workerd with its Durable Objects on disk, and prints
`oncegate ready on http://127.0.0.1:PORT` on a line of its own. Ctrl-C stops everything it started.

  --port N           listen here (default 8787; 0 for any free port)
  --origin URL       the origin to guard (default: an example of a payments API, started with the gate)
  --routes FILE      TOML with [[ROUTES]] or [[vars.ROUTES]] (default: the routes of wrangler.toml)
  --state DIR        where the ledger is kept over restarts (default .oncegate/state)
  --var NAME=VALUE   a text variable of the Worker, may be repeated
  --once             print a walk-through of a retried payment and stop: exit code 0 if all was as promised
                     (uses any free port and an empty ledger, unless told otherwise)";

/// Every command with its usage.
const COMMANDS: [(&str, &str); 12] = [
    ("dev", DEV_USAGE),
    ("test", TEST_USAGE),
    ("torture", TORTURE_USAGE),
    ("fuzz", FUZZ_USAGE),
    ("mutants", MUTANTS_USAGE),
    ("bench", BENCH_USAGE),
    ("build", BUILD_USAGE),
    ("package", PACKAGE_USAGE),
    ("check", CHECK_USAGE),
    ("check-config", CHECK_CONFIG_USAGE),
    ("reference", REFERENCE_USAGE),
    ("size", SIZE_USAGE),
];

/// What is wrong with a command line, and where it is told how to write it.
#[derive(Debug)]
pub(crate) struct Misuse {
    error: anyhow::Error,
    /// The command, if it was understood.
    command: Option<&'static str>,
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let command = self.command.map(|command| format!("{command} ")).unwrap_or_default();
        write!(f, "{:#}\nsee `cargo xtask {command}--help`", self.error)
    }
}

/// Parses the command line; its first word is the name of this program.
pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Command, Misuse> {
    let mut parser = lexopt::Parser::from_iter(words);
    let mut command = None;
    parse_command(&mut parser, &mut command).map_err(|error| Misuse { error, command })
}

/// Parses the whole command line, and tells in `understood` which command it is.
fn parse_command(parser: &mut lexopt::Parser, understood: &mut Option<&'static str>) -> Result<Command> {
    let (name, usage) = match parser.next()? {
        None | Some(Short('h') | Long("help")) => return Ok(Command::Help(USAGE)),
        Some(Value(name)) if name == "help" => return parse_help(parser),
        Some(Value(name)) => known(&name)?,
        Some(argument) => return Err(argument.unexpected().into()),
    };
    *understood = Some(name);
    match name {
        "dev" => parse_dev(parser),
        "test" => parse_test(parser),
        "torture" => parse_torture(parser),
        "fuzz" => parse_fuzz(parser),
        "mutants" => parse_mutants(parser),
        "bench" => parse_bench(parser),
        "package" => parse_alone(parser, Command::Package, usage),
        "check-config" => parse_check_config(parser),
        "check" => parse_alone(parser, Command::Check, usage),
        "reference" => parse_alone(parser, Command::Reference, usage),
        "size" => parse_alone(parser, Command::Size, usage),
        _ => parse_alone(parser, Command::Build, usage),
    }
}

/// The command of this name, and its usage.
fn known(name: &OsStr) -> Result<(&'static str, &'static str)> {
    let command = COMMANDS.into_iter().find(|(known, _)| name == *known);
    let names = || COMMANDS.map(|(known, _)| known).join(", ");
    command.with_context(|| format!("there is no command {name:?}: it is one of {}", names()))
}

/// Parses the rest of `help`: nothing, or a command.
fn parse_help(parser: &mut lexopt::Parser) -> Result<Command> {
    let usage = match parser.next()? {
        None | Some(Short('h') | Long("help")) => USAGE,
        Some(Value(name)) => known(&name)?.1,
        Some(argument) => return Err(argument.unexpected().into()),
    };
    Ok(Command::Help(usage))
}

/// Parses the rest of a command that takes nothing.
fn parse_alone(parser: &mut lexopt::Parser, command: Command, usage: &'static str) -> Result<Command> {
    match parser.next()? {
        None => Ok(command),
        Some(Short('h') | Long("help")) => Ok(Command::Help(usage)),
        Some(argument) => Err(argument.unexpected().into()),
    }
}

fn parse_test(parser: &mut lexopt::Parser) -> Result<Command> {
    let mut suites = Vec::new();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help(TEST_USAGE)),
            Value(name) => suites.push(name.string()?.parse()?),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Test(suites))
}

fn parse_torture(parser: &mut lexopt::Parser) -> Result<Command> {
    let mut flags = torture::Flags::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help(TORTURE_USAGE)),
            Long("keys") => flags.keys = parser.value()?.parse()?,
            Long("retries") => flags.retries = parser.value()?.parse()?,
            Long("minutes") => flags.minutes = parser.value()?.parse()?,
            Long("seed") => flags.seed = Some(parser.value()?.parse()?),
            Long("broken") => flags.broken = Some(parser.value()?.string()?.parse()?),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Torture(flags))
}

fn parse_fuzz(parser: &mut lexopt::Parser) -> Result<Command> {
    let mut flags = FuzzFlags { time: Duration::from_secs(60), targets: Vec::new() };
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help(FUZZ_USAGE)),
            Long("seconds") => flags.time = parse_seconds(&parser.value()?.string()?)?,
            Value(name) => flags.targets.push(name.string()?),
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Fuzz(flags))
}

fn parse_check_config(parser: &mut lexopt::Parser) -> Result<Command> {
    let mut flags = check_config::Flags::default();
    let (mut request, mut headers, mut body) = (None, Vec::new(), None);
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help(CHECK_CONFIG_USAGE)),
            Long("env") => flags.environment = Some(parser.value()?.string()?),
            Long("request") => request = Some(parser.value()?.string()?),
            Long("header") => headers.push(parser.value()?.string()?),
            Long("body") => body = Some(parser.value()?.string()?),
            Value(file) if flags.file.is_none() => flags.file = Some(file.into()),
            other => return Err(other.unexpected().into()),
        }
    }
    flags.asked = match request {
        Some(request) => Some(check_config::AskedFlags { request, headers, body }),
        None if headers.is_empty() && body.is_none() => None,
        None => bail!("--header and --body are those of a request: give --request too"),
    };
    Ok(Command::CheckConfig(flags))
}

fn parse_mutants(parser: &mut lexopt::Parser) -> Result<Command> {
    match parser.raw_args()?.collect::<Vec<OsString>>().as_slice() {
        [] => Ok(Command::Mutants(Vec::new())),
        [help] if help == "-h" || help == "--help" => Ok(Command::Help(MUTANTS_USAGE)),
        [dashes, arguments @ ..] if dashes == "--" => Ok(Command::Mutants(arguments.to_vec())),
        [other, ..] => bail!("{other:?}: what is for cargo-mutants comes after --"),
    }
}

fn parse_bench(parser: &mut lexopt::Parser) -> Result<Command> {
    let mut flags = bench::Flags::default();
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help(BENCH_USAGE)),
            Long("quick") => flags = flags.quick(),
            Long("rounds") => flags.rounds = parser.value()?.parse()?,
            Long("seconds") => flags.seconds = parser.value()?.parse()?,
            Long("subjects") => flags.subjects = parser.value()?.string()?.parse()?,
            Long("storage") => flags.storage = parse_storage(&parser.value()?.string()?)?,
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(Command::Bench(flags))
}

fn parse_storage(text: &str) -> Result<&'static [&'static str]> {
    match text {
        "tmpfs" => Ok(&["tmpfs"]),
        "disk" => Ok(&["disk"]),
        _ => bail!("--storage {text}: it is tmpfs or disk"),
    }
}

/// A number from 1 on, for a default.
pub(crate) fn few(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN)
}

/// The fuzzer takes 0 for no limit.
fn parse_seconds(text: &str) -> Result<Duration> {
    let seconds = text.parse::<u32>().ok().filter(|seconds| *seconds > 0);
    let seconds = seconds.with_context(|| format!("--seconds {text}: it is a number from 1 on"))?;
    Ok(Duration::from_secs(u64::from(seconds)))
}

fn parse_dev(parser: &mut lexopt::Parser) -> Result<Command> {
    let mut flags =
        DevFlags { port: None, origin: None, routes: None, state: None, variables: Vec::new(), once: false };
    while let Some(argument) = parser.next()? {
        match argument {
            Short('h') | Long("help") => return Ok(Command::Help(DEV_USAGE)),
            Long("port") => flags.port = Some(parse_port(&parser.value()?.string()?)?),
            Long("origin") => flags.origin = Some(parser.value()?.string()?.parse()?),
            Long("routes") => flags.routes = Some(parser.value()?.into()),
            Long("state") => flags.state = Some(parser.value()?.into()),
            Long("var") => flags.variables.push(parser.value()?.string()?.parse()?),
            Long("once") => flags.once = true,
            other => return Err(other.unexpected().into()),
        }
    }
    if flags.once && !flags.needs_example_origin() {
        bail!("--once counts what reaches the example origin, so it cannot be combined with another");
    }
    Ok(Command::Dev(flags))
}

fn parse_port(text: &str) -> Result<u16> {
    text.parse().with_context(|| format!("--port {text}: a port is a number from 0 to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, Misuse> {
        parse(std::iter::once("xtask").chain(line.split_whitespace()).map(OsString::from))
    }

    fn refused(line: &str) -> String {
        parsed(line).unwrap_err().to_string()
    }

    #[test]
    fn all_flags_of_dev() {
        let line = "dev --port 0 --origin http://127.0.0.1:9000 --routes r.toml --state s --var A=1 --var B=x=y";
        let Command::Dev(flags) = parsed(line).unwrap() else { panic!("not dev") };
        assert_eq!(flags.port, Some(0));
        assert_eq!(flags.origin, Some("http://127.0.0.1:9000".parse().unwrap()));
        assert_eq!(flags.routes, Some("r.toml".into()));
        assert_eq!(flags.state, Some("s".into()));
        assert_eq!(flags.variables, ["A=1".parse().unwrap(), "B=x=y".parse().unwrap()]);
        assert!(!flags.once);
    }

    #[test]
    fn suites_can_be_chosen() {
        assert_eq!(parsed("test").unwrap(), Command::Test(Vec::new()));
        assert_eq!(parsed("test wasm e2e").unwrap(), Command::Test(vec![Suite::Wasm, Suite::EndToEnd]));
        assert!(refused("test all").contains("\"all\""));
    }

    #[test]
    fn all_flags_of_torture() {
        let line = "torture --keys 20 --retries 3 --minutes 1 --seed 7 --broken lease";
        let Command::Torture(flags) = parsed(line).unwrap() else { panic!("not torture") };
        assert_eq!([flags.keys.get(), flags.retries.get(), flags.minutes.get()], [20, 3, 1]);
        assert_eq!(flags.seed, Some(7));
        assert_eq!(flags.broken, Some("lease".parse().unwrap()));
        assert!(refused("torture --keys 0").contains('0'));
        assert!(refused("torture --broken nose").contains("one of lease, "));
    }

    #[test]
    fn targets_can_be_chosen_and_how_long_they_run() {
        let fuzz = |seconds, targets: &[&str]| {
            let targets = targets.iter().map(|target| (*target).to_owned()).collect();
            Command::Fuzz(FuzzFlags { time: Duration::from_secs(seconds), targets })
        };
        assert_eq!(parsed("fuzz").unwrap(), fuzz(60, &[]));
        assert_eq!(parsed("fuzz key --seconds 5 origin").unwrap(), fuzz(5, &["key", "origin"]));
        for wrong in ["0", "-1", "1m"] {
            assert!(refused(&format!("fuzz --seconds={wrong}")).contains("a number from 1 on"), "{wrong}");
        }
    }

    #[test]
    fn all_flags_of_bench() {
        let Command::Bench(flags) = parsed("bench --quick --rounds 7 --storage disk --subjects ac").unwrap() else {
            panic!()
        };
        assert_eq!((flags.rounds.get(), flags.seconds.get(), flags.is_quick), (7, 2, true));
        assert_eq!((flags.storage, flags.subjects), (&["disk"][..], "ac".parse().unwrap()));
        assert!(refused("bench --storage ram").contains("tmpfs or disk"));
    }

    #[test]
    fn all_flags_of_check_config() {
        let line = "check-config w.toml --env a --request=POST --header=A:b --header=C:d --body @x";
        let asked = check_config::AskedFlags {
            request: "POST".to_owned(),
            headers: vec!["A:b".to_owned(), "C:d".to_owned()],
            body: Some("@x".to_owned()),
        };
        let expected =
            check_config::Flags { file: Some("w.toml".into()), environment: Some("a".to_owned()), asked: Some(asked) };
        assert_eq!(parsed(line).unwrap(), Command::CheckConfig(expected));
        assert_eq!(parsed("check-config").unwrap(), Command::CheckConfig(check_config::Flags::default()));
        assert!(refused("check-config --body x").contains("give --request too"));
        assert!(refused("check-config a b").contains('b'));
    }

    #[test]
    fn words_for_cargo_mutants_come_after_dashes() {
        assert_eq!(parsed("mutants").unwrap(), Command::Mutants(Vec::new()));
        let words = vec!["--file".into(), "protocol/src/quota.rs".into()];
        assert_eq!(parsed("mutants -- --file protocol/src/quota.rs").unwrap(), Command::Mutants(words));
        assert!(refused("mutants --file x").contains("after --"));
    }

    #[test]
    fn mistakes_are_named() {
        assert!(refused("brew").contains("no command \"brew\""));
        assert!(refused("dev --port 70000").contains("0 to 65535"));
        assert!(refused("dev --colour").contains("--colour"));
        assert!(refused("dev --once --origin http://localhost").contains("cannot be combined"));
        assert!(refused("dev --once --var ORIGIN=x").contains("cannot be combined"));
        assert!(refused("build now").contains("now"));
    }

    #[test]
    fn a_mistake_is_a_line_and_where_to_read_on() {
        let refused_at = |line: &str| refused(line).lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(refused_at("dev --colour"), ["invalid option '--colour'", "see `cargo xtask dev --help`"]);
        assert_eq!(refused_at("--colour"), ["invalid option '--colour'", "see `cargo xtask --help`"]);
        for (line, end) in [("brew", "xtask --help`"), ("help brew", "xtask --help`"), ("test all", "test --help`")] {
            let said = refused_at(line);
            assert!(said.len() == 2 && said[1].ends_with(end), "{said:?}");
        }
    }

    #[test]
    fn help_is_everywhere() {
        for line in [
            "",
            "help",
            "help dev",
            "--help",
            "dev --help",
            "dev --port 1 -h",
            "build --help",
            "package --help",
            "check -h",
            "check-config -h",
            "reference -h",
            "size -h",
            "fuzz key --help",
            "test --help",
            "mutants --help",
            "bench --help",
            "torture --help",
        ] {
            assert!(matches!(parsed(line), Ok(Command::Help(_))), "{line}");
        }
    }
}
