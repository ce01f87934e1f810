//! The ordinary life of a small company: people with habits, services, machines, sessions.

use super::event::{Event, Request};
use super::random::Random;
use crate::model::Level;

/// Names of people, the busiest first.
const USERS: &[&str] = &[
    "alice",
    "bob",
    "carol",
    "dmitri",
    "elena",
    "farid",
    "grace",
    "hiro",
    "ines",
    "jonas",
    "kavya",
    "liam",
    "maria",
    "noor",
    "oscar",
    "petra",
    "quentin",
    "rosa",
    "sven",
    "tomas",
    "uma",
    "viktor",
    "wendy",
    "xenia",
    "yusuf",
    "zoe",
    "backup",
    "deploy",
    "monitor",
    "svc_report",
];
/// Files people work on, the most read first.
const FILES: &[&str] = &[
    "/srv/share/reports/weekly.xlsx",
    "/srv/share/docs/handbook.pdf",
    "/home/shared/notes.md",
    "/srv/share/reports/sales.csv",
    "/var/www/html/index.html",
    "/srv/share/contracts/template.docx",
    "/srv/git/app.git",
    "/srv/share/images/logo.png",
    "/opt/app/config.yaml",
    "/srv/share/reports/inventory.csv",
    "/srv/share/docs/onboarding.pdf",
    "/srv/media/training.mp4",
];
/// Paths of the web application, the most visited first.
const PATHS: &[&str] = &[
    "/",
    "/index.html",
    "/api/v1/orders",
    "/login",
    "/static/app.js",
    "/static/app.css",
    "/api/v1/customers",
    "/products",
    "/api/v1/search?q=widget",
    "/cart",
    "/images/logo.png",
    "/api/v1/health",
    "/about",
    "/contact",
    "/api/v1/reports/daily",
];
/// What browsers and programs call themselves.
const AGENTS: &[&str] = &[
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/129.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
    "python-requests/2.32",
    "kube-probe/1.30",
];
/// Machines, the busiest first.
pub const HOSTS: &[&str] = &["web1", "app1", "app2", "db1", "files1", "auth1"];
/// Tables that are asked for.
const TABLES: &[&str] = &["orders", "customers", "sessions", "inventory", "audit"];

/// People, machines and what they are doing.
#[derive(Debug)]
pub struct World {
    sessions: Vec<Session>,
    last: Option<Event>,
    pids: u32,
}

#[derive(Debug, Clone, Copy)]
struct Session {
    user: usize,
    ip: [u8; 4],
    agent: usize,
    steps_left: u32,
    mistyped: bool,
}

impl World {
    /// The company on a Monday morning.
    pub fn new(random: &mut Random) -> World {
        World { sessions: Vec::new(), last: None, pids: 900 + random.below(300) as u32 }
    }

    /// Keeps the event that was last written.
    pub fn remember(&mut self, event: &Event) {
        self.last = Some(event.clone());
    }

    /// The event that was last written.
    pub fn last_event(&mut self) -> &Event {
        self.last.get_or_insert_with(|| {
            system(Level::Info, "HEARTBEAT", "scheduler", "app1", "all services healthy".to_owned())
        })
    }

    /// A user by number; numbers beyond the list start over.
    pub fn user(&self, number: usize) -> &'static str {
        USERS.get(number % USERS.len()).copied().unwrap_or("alice")
    }

    /// The desk of a user: always the same address.
    pub fn desk(&self, number: usize) -> [u8; 4] {
        [192, 168, 1 + (number % 4) as u8, 10 + (number * 7 % 200) as u8]
    }

    /// The next ordinary thing that happens.
    pub fn ordinary(&mut self, random: &mut Random) -> Event {
        if random.chance(0.12) {
            return self.of_machines(random);
        }
        if self.sessions.is_empty() || self.sessions.len() < 40 && random.chance(0.08) {
            return self.login(random);
        }
        let at = random.below(self.sessions.len() as u64) as usize;
        let Some(session) = self.sessions.get_mut(at) else { return self.of_machines(random) };
        session.steps_left = session.steps_left.saturating_sub(1);
        let session = *session;
        if session.steps_left == 0 {
            self.sessions.swap_remove(at);
            return self.session_event(
                session,
                Level::Info,
                "LOGOUT",
                "session",
                "SUCCESS",
                format!("{} logged out", self.user(session.user)),
            );
        }
        self.work(session, random)
    }

    fn login(&mut self, random: &mut Random) -> Event {
        let user = random.skewed(USERS.len());
        let ip = if random.chance(0.85) { self.desk(user) } else { [10, 8, 0, 2 + (user % 100) as u8] };
        let agent = user % 3;
        let mut session = Session { user, ip, agent, steps_left: 4 + random.skewed(60) as u32, mistyped: false };
        // People mistype their passwords, once, and get it right the next time.
        session.mistyped = random.chance(0.05);
        self.sessions.push(session);
        let name = self.user(user);
        if session.mistyped {
            return self.session_event(
                session,
                Level::Warn,
                "LOGIN",
                name,
                "FAILURE",
                format!("password for {name} not accepted"),
            );
        }
        self.session_event(session, Level::Info, "LOGIN", name, "SUCCESS", format!("User {name} logged in"))
    }

    fn work(&mut self, session: Session, random: &mut Random) -> Event {
        let user = self.user(session.user);
        match random.below(100) {
            0..45 => {
                let path = PATHS.get(random.skewed(PATHS.len())).copied().unwrap_or("/");
                let (status, level) = match random.below(200) {
                    0..3 => (404, Level::Warn),
                    3 => (500, Level::Error),
                    4..14 => (304, Level::Info),
                    _ => (200, Level::Info),
                };
                let bytes = if status == 304 { 0 } else { 300 + (random.exponential() * 6_000.0) as u64 };
                let method = if path.starts_with("/api") && random.chance(0.3) { "POST" } else { "GET" };
                let took = 3 + (random.exponential() * 40.0) as u64;
                let message = format!("{method} {path} answered {status} in {took} ms");
                let mut event = self.session_event(
                    session,
                    level,
                    "HTTP_REQUEST",
                    path,
                    if status < 400 { "SUCCESS" } else { "FAILURE" },
                    message,
                );
                let agent = AGENTS.get(session.agent).copied().unwrap_or("-");
                event.request = Some(Request { method, path: path.to_owned(), status, bytes, agent });
                event.service = "web";
                event.host = "web1";
                event
            }
            45..75 => {
                let file = FILES.get(random.skewed(FILES.len())).copied().unwrap_or("/tmp");
                let verb = if random.chance(0.8) { "read" } else { "wrote" };
                let message =
                    format!("{user} {verb} {file} ({} bytes)", 200 + (random.exponential() * 50_000.0) as u64);
                self.session_event(session, Level::Info, "FILE_ACCESS", file, "SUCCESS", message)
            }
            75..93 => {
                let table = TABLES.get(random.skewed(TABLES.len())).copied().unwrap_or("orders");
                let took = 1 + (random.exponential() * 20.0) as u64;
                let level = if took > 90 { Level::Warn } else { Level::Debug };
                let what = if took > 90 { "slow query" } else { "query" };
                let message = format!("{what} on {table} returned {} rows in {took} ms", random.skewed(500));
                self.session_event(session, level, "DB_QUERY", table, "SUCCESS", message)
            }
            93..99 => {
                let message = format!("{user} opened a connection to mail.example.com:993");
                self.session_event(session, Level::Info, "NETWORK_CONN", "mail.example.com:993", "SUCCESS", message)
            }
            _ => self.session_event(
                session,
                Level::Info,
                "PASSWORD_CHANGE",
                user,
                "SUCCESS",
                format!("{user} changed the password"),
            ),
        }
    }

    fn of_machines(&mut self, random: &mut Random) -> Event {
        let host = HOSTS.get(random.skewed(HOSTS.len())).copied().unwrap_or("app1");
        match random.below(40) {
            0..22 => system(Level::Info, "HEARTBEAT", "scheduler", host, "all services healthy".to_owned()),
            22..30 => {
                self.pids = self.pids.wrapping_add(1 + random.below(5) as u32);
                let mut event = system(
                    Level::Debug,
                    "PROCESS_START",
                    "scheduler",
                    host,
                    format!("job cleanup started with pid {}", self.pids),
                );
                event.pid = self.pids;
                event
            }
            30..36 => system(
                Level::Info,
                "BACKUP",
                "backup",
                host,
                format!("backup of {} files finished in {} s", 900 + random.below(300), 40 + random.below(30)),
            ),
            36..39 => system(Level::Notice, "CONFIG", "config", host, "configuration reloaded".to_owned()),
            _ => {
                system(Level::Warn, "DISK", "monitor", host, format!("disk usage at {} percent", 70 + random.below(15)))
            }
        }
    }

    fn session_event(
        &self,
        session: Session,
        level: Level,
        kind: &'static str,
        target: &str,
        status: &'static str,
        message: String,
    ) -> Event {
        Event {
            level,
            kind,
            service: service_of(kind),
            pid: 400 + (session.user as u32) * 3,
            host: HOSTS.get(session.user % HOSTS.len()).copied().unwrap_or("app1"),
            source_ip: session.ip,
            user: self.user(session.user),
            target: target.to_owned(),
            status,
            message,
            request: None,
        }
    }
}

/// The service that logs a kind of event.
pub fn service_of(kind: &str) -> &'static str {
    match kind {
        "LOGIN" | "LOGOUT" | "PASSWORD_CHANGE" | "AUTH_ATTEMPT" => "auth",
        "FILE_ACCESS" => "files",
        "DB_QUERY" | "DB_CONNECTION" => "db",
        "NETWORK_CONN" => "network",
        "HTTP_REQUEST" => "web",
        _ => "app",
    }
}

fn system(level: Level, kind: &'static str, service: &'static str, host: &'static str, message: String) -> Event {
    Event {
        level,
        kind,
        service,
        pid: 310,
        host,
        source_ip: [192, 168, 0, 2],
        user: "system",
        target: service.to_owned(),
        status: "SUCCESS",
        message,
        request: None,
    }
}
