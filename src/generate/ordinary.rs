//! What happens on any day: people sign in, work and leave; services talk, and sometimes something small fails.

use std::io::Write;

use super::event::Event;
use super::random::{Random, Zipf};

const USERS: u32 = 200;
const SESSIONS: usize = 64;
const FILES: &[&str] = &[
    "/home/shared/report.docx",
    "/srv/app/config.yml",
    "/var/log/app.log",
    "/srv/data/orders.db",
    "/home/shared/plan.xlsx",
    "/opt/app/lib/core.so",
    "/srv/www/index.html",
    "/tmp/upload.bin",
    "/srv/data/users.db",
    "/home/shared/notes.txt",
];
const PAGES: &[&str] = &[
    "/",
    "/index.html",
    "/api/orders",
    "/login",
    "/static/app.js",
    "/static/style.css",
    "/api/search?q=shoes",
    "/cart",
    "/api/items/17",
    "/favicon.ico",
    "/help",
    "/api/profile",
    "/checkout",
    "/robots.txt",
    "/sitemap.xml",
];
const SERVICES: &[&str] = &["billing", "search-api", "cache2", "payments", "mailer", "db1"];
const AGENTS: &[&str] =
    &["Mozilla/5.0 (Windows NT 10.0)", "Mozilla/5.0 (X11; Linux x86_64)", "curl/8.5.0", "okhttp/4.12", "Googlebot/2.1"];

/// Someone at work.
#[derive(Debug, Clone, Copy, Default)]
struct Session {
    user: u32,
    /// Steps until the session ends; 0: the place is free.
    left: u32,
}

/// The ordinary day.
#[derive(Debug, Clone)]
pub(super) struct Ordinary {
    sessions: [Session; SESSIONS],
    users: Zipf,
    pages: Zipf,
    files: Zipf,
}

impl Ordinary {
    pub(super) fn new() -> Ordinary {
        Ordinary {
            sessions: [Session::default(); SESSIONS],
            users: Zipf::new(USERS),
            pages: Zipf::new(PAGES.len() as u32),
            files: Zipf::new(FILES.len() as u32),
        }
    }

    /// The next ordinary line.
    pub(super) fn event(&mut self, random: &mut Random, event: &mut Event) {
        // Writing to memory can't fail.
        let _ = match random.below(10) {
            0..=4 => self.session(random, event),
            5..=7 => self.visit(random, event),
            _ => service(random, event),
        };
    }

    fn session(&mut self, random: &mut Random, event: &mut Event) -> std::io::Result<()> {
        let place = random.below(SESSIONS as u32) as usize;
        let Some(session) = self.sessions.get_mut(place) else { return Ok(()) };
        let begins = session.left == 0;
        if begins {
            *session = Session { user: self.users.draw(random) as u32, left: 3 + random.below(20) };
        }
        session.left -= 1;
        let Session { user, left } = *session;
        event.begin([192, 168, 1 + (user / 100) as u8, 10 + (user % 100) as u8], "sshd");
        if begins && random.chance(2_000) {
            // A slip of the fingers: people do that, too.
            event.set("WARN", "LOGIN_FAILED", "FAILURE");
            write!(event.target, "user{user:03}")?;
            session.left = 0;
            return write!(event.message, "Wrong password for user{user:03}");
        }
        let (kind, verb) = match (begins, left) {
            (true, _) => ("LOGIN", "logged in"),
            (_, 0) => ("LOGOUT", "logged out"),
            _ => return self.work(user, random, event),
        };
        event.set("INFO", kind, "SUCCESS");
        write!(event.target, "user{user:03}")?;
        write!(event.message, "user{user:03} {verb}")
    }

    fn work(&self, user: u32, random: &mut Random, event: &mut Event) -> std::io::Result<()> {
        let file = FILES.get(self.files.draw(random)).copied().unwrap_or_default();
        event.app = "fileserver";
        event.set(if random.chance(20_000) { "DEBUG" } else { "INFO" }, "FILE_ACCESS", "SUCCESS");
        event.bytes = 200 + random.below(60_000);
        event.target.extend_from_slice(file.as_bytes());
        write!(event.message, "user{user:03} read {file} ({} bytes)", event.bytes)
    }

    fn visit(&self, random: &mut Random, event: &mut Event) -> std::io::Result<()> {
        let visitor = self.users.draw(random) as u32;
        event
            .begin([100, 64 + (visitor % 4) as u8, (visitor * 7 % 250) as u8, 1 + (visitor * 13 % 250) as u8], "nginx");
        let page = PAGES.get(self.pages.draw(random)).copied().unwrap_or_default();
        event.agent = random.pick(AGENTS);
        event.bytes = 300 + random.below(40_000);
        let took = 1 + random.below(40) * random.below(12);
        match random.below(200) {
            0 => event.set("WARN", "WEB_REQUEST", "TIMEOUT"),
            1 | 2 => event.set("WARN", "WEB_REQUEST", "FAILURE"),
            _ => event.set("INFO", "WEB_REQUEST", "SUCCESS"),
        }
        event.target.extend_from_slice(page.as_bytes());
        write!(event.message, "GET {page} took {took} ms")
    }
}

fn service(random: &mut Random, event: &mut Event) -> std::io::Result<()> {
    let service = random.pick(SERVICES);
    event.begin([10, 0, 0, 10 + service.len() as u8], service);
    event.target.extend_from_slice(service.as_bytes());
    match random.below(40) {
        0 => {
            event.set("ERROR", "SERVICE_CALL", "FAILURE");
            write!(event.message, "{service} request {} failed: deadline exceeded", random.below(1_000_000))
        }
        1..=3 => {
            event.set("WARN", "SERVICE_CALL", "SUCCESS");
            write!(event.message, "{service} queue length {} above soft limit", 100 + random.below(400))
        }
        4..=20 => {
            event.set("DEBUG", "HEALTH_CHECK", "SUCCESS");
            write!(event.message, "{service} is healthy")
        }
        _ => {
            event.set("INFO", "SERVICE_CALL", "SUCCESS");
            write!(event.message, "{service} request {} took {} ms", random.below(1_000_000), 1 + random.below(250))
        }
    }
}
