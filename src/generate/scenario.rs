//! What goes wrong: attacks and failures, each a run of lines with one actor.

use std::io::Write;

use super::event::Event;
use super::random::Random;

/// The kinds of trouble, in the order in which test mode plays them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    /// One address tries many passwords on one account.
    BruteForce,
    /// One address tries one password on many accounts.
    PasswordSpraying,
    /// Files that hold secrets are read.
    SensitiveFile,
    /// A host calls an outside server at regular times.
    Beaconing,
    /// A host sends much data outside.
    Exfiltration,
    /// A scanner asks for paths with injection strings.
    WebScan,
    /// A service fails again and again for a while.
    Outage,
    /// An ordinary account gains rights.
    PrivilegeEscalation,
    /// Nothing is logged for a long time; the line after the silence is the anomaly.
    SilentGap,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Scenario; 9] = [
        Scenario::BruteForce,
        Scenario::PasswordSpraying,
        Scenario::SensitiveFile,
        Scenario::Beaconing,
        Scenario::Exfiltration,
        Scenario::WebScan,
        Scenario::Outage,
        Scenario::PrivilegeEscalation,
        Scenario::SilentGap,
    ];

    /// The name in truth files.
    pub fn name(self) -> &'static str {
        match self {
            Scenario::BruteForce => "brute-force",
            Scenario::PasswordSpraying => "password-spraying",
            Scenario::SensitiveFile => "sensitive-file",
            Scenario::Beaconing => "beaconing",
            Scenario::Exfiltration => "exfiltration",
            Scenario::WebScan => "web-scan",
            Scenario::Outage => "outage",
            Scenario::PrivilegeEscalation => "privilege-escalation",
            Scenario::SilentGap => "silent-gap",
        }
    }

    /// Least number of lines and how many more there may be.
    fn length(self) -> (u32, u32) {
        match self {
            Scenario::BruteForce | Scenario::Outage => (15, 30),
            Scenario::PasswordSpraying | Scenario::WebScan => (12, 20),
            Scenario::Beaconing => (8, 12),
            Scenario::SensitiveFile | Scenario::Exfiltration => (3, 5),
            Scenario::PrivilegeEscalation => (3, 1),
            Scenario::SilentGap => (1, 1),
        }
    }
}

const SECRETS: &[&str] = &["/etc/shadow", "/etc/passwd", "/root/.ssh/id_rsa", "/var/backups/db.dump", "/etc/sudoers"];
const DOMAINS: &[&str] = &["cdn-update.badhost.example:443", "paste.drop.example:8443", "sync.c2.example:443"];
const PROBES: &[&str] = &[
    "/search?q=1%27%20UNION%20SELECT%20password%20FROM%20users--",
    "/item?id=1%20OR%201=1",
    "/../../../../etc/passwd",
    "/comment?text=<script>alert(1)</script>",
    "/.env",
    "/wp-login.php",
    "/admin/config.php?cmd=;cat%20/etc/passwd",
    "/.git/config",
    "/phpmyadmin/index.php",
];
const SERVICES: &[&str] = &["db1", "billing", "cache2", "payments", "search-api"];

/// A scenario under way.
#[derive(Debug, Clone)]
pub(super) struct Running {
    pub(super) scenario: Scenario,
    pub(super) left: u32,
    step: u32,
    ip: [u8; 4],
    user: u32,
    place: &'static str,
}

impl Running {
    pub(super) fn new(scenario: Scenario, random: &mut Random) -> Running {
        let (least, more) = scenario.length();
        let outside = [[203, 0, 113], [198, 51, 100], [192, 0, 2]];
        let inside = [192, 168, 1 + random.below(3) as u8, 10 + random.below(200) as u8];
        let [a, b, c] = random.pick(&outside);
        let outside = [a, b, c, 1 + random.below(250) as u8];
        let (ip, place) = match scenario {
            Scenario::BruteForce | Scenario::PasswordSpraying | Scenario::WebScan => (outside, ""),
            Scenario::Beaconing | Scenario::Exfiltration => (inside, random.pick(DOMAINS)),
            _ => (inside, random.pick(SERVICES)),
        };
        Running { scenario, left: least + random.below(more), step: 0, ip, user: random.below(200), place }
    }

    /// The next line of the scenario.
    pub(super) fn event(&mut self, random: &mut Random, event: &mut Event) {
        self.left = self.left.saturating_sub(1);
        self.step += 1;
        event.begin(self.ip, "sshd");
        // Writing to memory can't fail, here and below.
        let _ = match self.scenario {
            Scenario::BruteForce | Scenario::PasswordSpraying => self.guess(random, event),
            Scenario::SensitiveFile => {
                event.set("CRITICAL", "FILE_ACCESS", "DENIED");
                event.app = "auditd";
                event.target.extend_from_slice(random.pick(SECRETS).as_bytes());
                write!(event.message, "Unauthorized access attempt to sensitive file by user{:03}", self.user)
            }
            Scenario::Beaconing => {
                event.set("WARN", "NETWORK_CONN", "SUCCESS");
                event.app = "firewall";
                event.target.extend_from_slice(self.place.as_bytes());
                write!(
                    event.message,
                    "Periodic outbound connection to {} number {} of 412 bytes",
                    self.place, self.step
                )
            }
            Scenario::Exfiltration => {
                event.set("CRITICAL", "DATA_TRANSFER", "SUCCESS");
                event.app = "firewall";
                event.target.extend_from_slice(self.place.as_bytes());
                event.bytes = 200_000_000 + random.below(800_000_000);
                write!(event.message, "Large outbound transfer of {} bytes to {}", event.bytes, self.place)
            }
            Scenario::WebScan => {
                event.set("WARN", "WEB_REQUEST", "DENIED");
                event.app = "nginx";
                event.agent = "sqlmap/1.7";
                event.target.extend_from_slice(random.pick(PROBES).as_bytes());
                event.message.extend_from_slice(b"Request blocked: ");
                event.message.extend_from_slice(&event.target);
                Ok(())
            }
            Scenario::Outage => {
                event.set("ERROR", "DB_CONNECTION_FAILED", "FAILURE");
                event.app = "app";
                event.target.extend_from_slice(self.place.as_bytes());
                let after = 1_000 + random.below(9_000);
                write!(event.message, "Connection to {} failed after {after} ms: connection refused", self.place)
            }
            Scenario::PrivilegeEscalation => self.escalate(event),
            Scenario::SilentGap => {
                event.set("NOTICE", "SERVICE_START", "SUCCESS");
                event.app = "systemd";
                event.target.extend_from_slice(b"rsyslogd");
                write!(event.message, "rsyslogd resumed after an unexpected stop")
            }
        };
    }

    fn guess(&self, random: &mut Random, event: &mut Event) -> std::io::Result<()> {
        let spraying = self.scenario == Scenario::PasswordSpraying;
        let user = if spraying { (self.user + self.step * 7) % 200 } else { self.user };
        // Now and then the last guess is right.
        if self.left == 0 && random.chance(16_384) {
            event.set("WARN", "LOGIN", "SUCCESS");
            write!(event.target, "user{user:03}")?;
            return write!(event.message, "Login of user{user:03} succeeded after {} failures", self.step - 1);
        }
        event.set("ERROR", "LOGIN_FAILED", "FAILURE");
        write!(event.target, "user{user:03}")?;
        let port = 30_000 + random.below(30_000);
        write!(event.message, "Failed password for user{user:03} from outside port {port}")
    }

    fn escalate(&self, event: &mut Event) -> std::io::Result<()> {
        event.app = "sudo";
        match self.step {
            1 => {
                event.set("WARN", "SUDO", "DENIED");
                event.target.extend_from_slice(b"root");
                write!(event.message, "user{:03} is not in the sudoers file", self.user)
            }
            2 => {
                event.set("ERROR", "PROCESS_START", "SUCCESS");
                event.target.extend_from_slice(b"/tmp/.x/exploit");
                write!(event.message, "user{:03} started /tmp/.x/exploit with setuid root", self.user)
            }
            _ => {
                event.set("CRITICAL", "USER_ROLE_CHANGE", "SUCCESS");
                write!(event.target, "user{:03}", self.user)?;
                write!(event.message, "user{:03} was added to group root by uid 0", self.user)
            }
        }
    }
}
