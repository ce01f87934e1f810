//! Which rules one record shows by itself: in its text, in the parts of a request, by level and status.

use std::sync::LazyLock;

use memchr::memmem::Finder;
use xxhash_rust::xxh3::xxh3_64;

use super::request::Request;
use super::rules::{self, Hits, Rule};
use super::{Event, measure};
use crate::model::Level;

/// Two dots in a referer, the least a path traversal needs.
static DOTS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b".."));

/// What the rules said of the latest names of client programs: few names come again and again.
#[derive(Debug)]
pub(super) struct Agents {
    known: Vec<(u64, Hits)>,
}

impl Default for Agents {
    fn default() -> Self {
        Agents { known: vec![(0, Hits::default()); 256] }
    }
}

impl Agents {
    fn get(&mut self, agent: &[u8], scan: impl FnOnce() -> Hits) -> Hits {
        let key = xxh3_64(agent);
        match self.known.get_mut(key as usize % 256) {
            Some((known, hits)) if *known == key => *hits,
            Some(slot) => {
                *slot = (key, scan());
                slot.1
            }
            None => scan(),
        }
    }
}

/// The rules that the text, level and status of a record show.
pub(super) fn known(event: &Event<'_>, request: &Request<'_>, buffer: &mut Vec<u8>, agents: &mut Agents) -> Hits {
    let mut hits = if request.is_request() {
        let mut hits = rules::scan(request.target, buffer, true);
        if !request.agent.is_empty() {
            hits = hits.or(agents.get(request.agent, || {
                // Programs list their parts as shells list commands: `(U; id; rv 2)`.
                let mut from = rules::scan(request.agent, buffer, false);
                from.remove(Rule::CommandInjection);
                from
            }));
        }
        if request.referer.iter().any(|byte| matches!(byte, b'<' | b'%' | b'\\'))
            || DOTS.find(request.referer).is_some()
        {
            // Searches are quoted in referers: only what no search contains counts there.
            let from = rules::scan(request.referer, buffer, false);
            [Rule::Xss, Rule::PathTraversal].into_iter().filter(|rule| from.has(*rule)).for_each(|rule| hits.add(rule));
        }
        // Words of failure in a path are names of pages.
        hits.remove(Rule::FaultWord);
        hits.remove(Rule::AuthFailure);
        hits.remove(Rule::AccessDenied);
        // Parsers leave a dash out: a log that names agents names referers.
        let from_no_page = request.referer == b"-" || (request.referer.is_empty() && !request.agent.is_empty());
        if request.method == b"POST" && from_no_page {
            hits.add(Rule::BlindPost);
        }
        // 403 says that the client is known and may not: that is no failed login.
        if request.status == b"401" {
            hits.add(Rule::AuthFailure);
        }
        hits
    } else {
        rules::scan(event.message, buffer, false)
    };
    for name in ["event_type", "eventid", "outcome"] {
        if event.fields.first(name).is_some_and(|value| rules::scan(value, buffer, false).has(Rule::AuthFailure)) {
            hits.add(Rule::AuthFailure);
        }
    }
    if hits.has(Rule::AuthFailure) {
        if event.fields.first("user").is_some_and(|user| rules::scan(user, buffer, false).has(Rule::PrivilegedAccount))
        {
            hits.add(Rule::PrivilegedAccount);
        }
    } else {
        hits.remove(Rule::PrivilegedAccount);
    }
    match measure::severity(event) {
        Some(level) if level >= Level::Critical => hits.add(Rule::Critical),
        Some(Level::Error) => hits.add(Rule::Error),
        Some(Level::Warn) => hits.add(Rule::Warning),
        _ => {}
    }
    hits
}
