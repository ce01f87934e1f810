//! Attacks and faults: each a story of lines with the time between them.

use super::event::{Event, Request};
use super::random::Random;
use super::world::{HOSTS, World, service_of};
use crate::model::Level;

/// A kind of story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// One address tries many passwords of one account.
    BruteForce,
    /// One address tries one password on many accounts.
    PasswordSpraying,
    /// Somebody reads what only the system should.
    SensitiveFile,
    /// A machine calls the same strange name every minute, then sends it a lot.
    Exfiltration,
    /// A scanner tries the web application with injection strings.
    WebScan,
    /// The database is gone and everybody complains.
    Outage,
    /// An account becomes an administrator by itself.
    PrivilegeEscalation,
    /// Nothing is logged for a while.
    SilentGap,
}

/// Requests of a scanner.
const PROBES: &[(&str, u16)] = &[
    ("/index.php?id=1%27%20OR%20%271%27=%271", 500),
    ("/search?q=%3Cscript%3Ealert(1)%3C/script%3E", 200),
    ("/../../../../etc/passwd", 403),
    ("/cgi-bin/test.cgi?cmd=;cat%20/etc/passwd", 404),
    ("/products?id=1%20UNION%20SELECT%20username%20FROM%20users--", 500),
    ("/wp-login.php", 404),
    ("/.git/config", 404),
    ("/.env", 403),
    ("/phpmyadmin/index.php", 404),
    ("/download?file=..%2f..%2f..%2fetc%2fshadow", 403),
    ("/api/v1/orders?sort=%60id%60;DROP%20TABLE%20orders", 500),
];
/// Files that ordinary people have no business with.
const SECRETS: &[&str] =
    &["/etc/shadow", "/etc/passwd", "/root/.ssh/id_rsa", "/var/lib/secrets/db.key", "/etc/sudoers"];
/// Accounts that are guessed.
const GUESSED: &[&str] = &["root", "admin", "administrator", "postgres", "oracle"];

impl Scenario {
    /// All of them, in the order in which they take turns.
    pub const ALL: [Scenario; 8] = [
        Scenario::BruteForce,
        Scenario::WebScan,
        Scenario::SensitiveFile,
        Scenario::Outage,
        Scenario::PasswordSpraying,
        Scenario::Exfiltration,
        Scenario::SilentGap,
        Scenario::PrivilegeEscalation,
    ];

    /// Its name in the file of truth.
    pub fn name(self) -> &'static str {
        match self {
            Scenario::BruteForce => "brute-force",
            Scenario::PasswordSpraying => "password-spraying",
            Scenario::SensitiveFile => "sensitive-file",
            Scenario::Exfiltration => "exfiltration",
            Scenario::WebScan => "web-scan",
            Scenario::Outage => "outage",
            Scenario::PrivilegeEscalation => "privilege-escalation",
            Scenario::SilentGap => "silent-gap",
        }
    }

    /// Its lines, each with the seconds since the one before.
    pub fn lines(self, world: &World, random: &mut Random) -> Vec<(f64, Event)> {
        let attacker = [203, 0, 113, 1 + random.below(250) as u8];
        let insider = random.skewed(26);
        let user = world.user(insider);
        let desk = world.desk(insider);
        match self {
            Scenario::BruteForce => {
                let account = random.pick(GUESSED).copied().unwrap_or("root");
                let tries = 20 + random.below(40);
                let mut lines: Vec<_> = (0..tries)
                    .map(|_| {
                        (
                            0.5 + random.exponential(),
                            login(
                                attacker,
                                account,
                                false,
                                format!("Failed login for {account} from {}", dotted(attacker)),
                            ),
                        )
                    })
                    .collect();
                if random.chance(0.3) {
                    lines.push((2.0, login(attacker, account, true, format!("User {account} logged in"))));
                }
                lines
            }
            Scenario::PasswordSpraying => (0..26)
                .map(|number| {
                    let name = world.user(number);
                    (
                        4.0 + 8.0 * random.unit(),
                        login(attacker, name, false, format!("Failed login for {name} from {}", dotted(attacker))),
                    )
                })
                .collect(),
            Scenario::SensitiveFile => (0..3 + random.below(6))
                .map(|_| {
                    let file = random.pick(SECRETS).copied().unwrap_or("/etc/shadow");
                    let message = format!("Unauthorized access attempt by {user} to {file}");
                    (
                        1.0 + 20.0 * random.unit(),
                        event(Level::Critical, "FILE_ACCESS", desk, user, file, "DENIED", message),
                    )
                })
                .collect(),
            Scenario::Exfiltration => {
                let target = "cdn-update.badhost.example:443";
                let mut lines: Vec<_> = (0..20)
                    .map(|_| {
                        let message = format!("connection to {target} sent {} bytes", 310 + random.below(4));
                        (
                            60.0 + 0.4 * random.unit(),
                            event(Level::Info, "NETWORK_CONN", desk, user, target, "SUCCESS", message),
                        )
                    })
                    .collect();
                lines.extend((0..6).map(|_| {
                    let message =
                        format!("connection to {target} sent {} bytes", 700_000_000 + random.below(300_000_000));
                    (20.0, event(Level::Warn, "NETWORK_CONN", desk, user, target, "SUCCESS", message))
                }));
                lines
            }
            Scenario::WebScan => (0..30 + random.below(40))
                .map(|_| {
                    let (path, status) = random.pick(PROBES).copied().unwrap_or(("/.env", 404));
                    let message = format!("GET {path} answered {status} in {} ms", 2 + random.below(9));
                    let level = if status >= 500 { Level::Error } else { Level::Warn };
                    let mut line = event(level, "HTTP_REQUEST", attacker, "-", path, "FAILURE", message);
                    let agent = "Mozilla/5.0 (compatible; Nikto/2.5.0)";
                    line.request = Some(Request {
                        method: "GET",
                        path: path.to_owned(),
                        status,
                        bytes: 180 + random.below(300),
                        agent,
                    });
                    line.host = "web1";
                    (0.05 + 0.3 * random.exponential(), line)
                })
                .collect(),
            Scenario::Outage => (0..40 + random.below(40))
                .map(|number| {
                    let (level, message) = match number {
                        0 => (Level::Critical, "Database connection failed: unexpected EOF".to_owned()),
                        _ => (
                            Level::Error,
                            format!(
                                "could not connect to db1:5432 after {} ms: connection refused",
                                1_000 + random.below(4_000)
                            ),
                        ),
                    };
                    let mut line = event(
                        level,
                        "DB_CONNECTION",
                        [192, 168, 0, 20 + (number % 6) as u8],
                        "system",
                        "db1",
                        "FAILURE",
                        message,
                    );
                    line.host = HOSTS.get(number as usize % HOSTS.len()).copied().unwrap_or("app1");
                    (2.0 * random.exponential(), line)
                })
                .collect(),
            _ => [
                ("PROCESS_START", Level::Warn, format!("{user} ran sudo -l 14 times in 2 s")),
                ("PROCESS_START", Level::Error, format!("{user} started /tmp/.x/exploit as root")),
                ("CONFIG", Level::Critical, format!("user {user} added to group administrators by {user}")),
                ("PROCESS_START", Level::Critical, "shell command: rm -rf / --no-preserve-root".to_owned()),
                ("CONFIG", Level::Alert, "audit logging switched off".to_owned()),
            ]
            .into_iter()
            .map(|(kind, level, message)| {
                (3.0 + 10.0 * random.unit(), event(level, kind, desk, user, "administrators", "SUCCESS", message))
            })
            .collect(),
        }
    }
}

fn login(from: [u8; 4], account: &'static str, succeeded: bool, message: String) -> Event {
    let (level, status) = if succeeded { (Level::Info, "SUCCESS") } else { (Level::Error, "FAILURE") };
    let mut line = event(level, "LOGIN", from, account, account, status, message);
    line.host = "auth1";
    line
}

fn event(
    level: Level,
    kind: &'static str,
    source_ip: [u8; 4],
    user: &'static str,
    target: &str,
    status: &'static str,
    message: String,
) -> Event {
    Event {
        level,
        kind,
        service: service_of(kind),
        pid: 512,
        host: "app1",
        source_ip,
        user,
        target: target.to_owned(),
        status,
        message,
        request: None,
    }
}

fn dotted([a, b, c, d]: [u8; 4]) -> String {
    format!("{a}.{b}.{c}.{d}")
}
