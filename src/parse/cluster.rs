//! Logs of supercomputers and clouds as loghub publishes them: BGL, Thunderbird, HPC, OpenStack.

use crate::model::{Layout, Level};

use super::cursor::Cursor;
use super::draft::Draft;
use super::message;
use super::timestamp::{self, Stamp, When};

/// Label, epoch and date, with which lines of BGL and Thunderbird begin.
fn label_and_epoch(cursor: &mut Cursor) -> Option<(std::ops::Range<usize>, Stamp)> {
    let label = cursor.word()?;
    cursor.skip_spaces();
    if !cursor.peek().is_ascii_digit() {
        return None;
    }
    let stamp = timestamp::epoch(cursor.rest()).filter(|stamp| stamp.len == 10)?;
    cursor.pos += stamp.len;
    cursor.skip_spaces();
    let date = cursor.word()?;
    let dotted = matches!(cursor.slice(&date), &[_, _, _, _, b'.', _, _, b'.', _, _]);
    cursor.skip_spaces();
    dotted.then_some((label, stamp))
}

/// BGL: `label epoch date node stamp node RAS component LEVEL message`.
pub(super) fn bgl(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    let Some((label, epoch)) = label_and_epoch(&mut cursor) else { return false };
    let Some(node) = cursor.word() else { return false };
    cursor.skip_spaces();
    let Some(precise) = timestamp::read(raw, cursor.pos).filter(|stamp| stamp.len == 26) else { return false };
    cursor.word();
    cursor.skip_spaces();
    cursor.word();
    cursor.skip_spaces();
    let Some(kind) = cursor.word() else { return false };
    cursor.skip_spaces();
    let Some(component) = cursor.word() else { return false };
    cursor.skip_spaces();
    let Some(level) = cursor.word() else { return false };
    cursor.skip_spaces();
    draft.stamp = Some(with_fraction(epoch, precise));
    draft.push(raw, "label", label);
    draft.push(raw, "host", node);
    draft.push(raw, "event_type", kind);
    draft.push(raw, "component", component);
    if !draft.level_word(raw, level.clone()) {
        draft.push(raw, "level_raw", level);
    }
    draft.message(cursor.rest_range());
    true
}

/// The epoch says the moment, the local stamp beside it the fraction.
fn with_fraction(epoch: Stamp, precise: Stamp) -> Stamp {
    match (epoch.when, precise.when) {
        (When::Exact(moment), When::Local(local)) => {
            Stamp { when: When::Exact(moment.saturating_add(i64::from(local.subsec_nanos()))), ..epoch }
        }
        _ => epoch,
    }
}

/// Thunderbird: `label epoch date host Mon d hh:mm:ss location tag[pid]: message`.
pub(super) fn thunderbird(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    let Some((label, epoch)) = label_and_epoch(&mut cursor) else { return false };
    let Some(host) = cursor.word() else { return false };
    cursor.skip_spaces();
    let Some(second) = timestamp::read(raw, cursor.pos) else { return false };
    cursor.pos += second.len;
    cursor.skip_spaces();
    let location = cursor.word();
    cursor.skip_spaces();
    draft.stamp = Some(epoch);
    draft.push(raw, "label", label);
    draft.push(raw, "host", host);
    if let Some(location) = location {
        draft.push(raw, "location", location);
    }
    let tag = cursor.take_while(|byte| !matches!(byte, b' ' | b'[' | b':'));
    let before = cursor;
    let pid = cursor.enclosed(b'[', b']');
    if !tag.is_empty() && cursor.eat(b':') {
        draft.push(raw, "app", tag);
        if let Some(pid) = pid {
            draft.push(raw, "pid", pid);
        }
        cursor.skip_spaces();
    } else {
        cursor = before;
        cursor.pos = tag.start;
    }
    let rest = cursor.rest_range();
    draft.message(rest.clone());
    message::enrich(raw, rest, draft);
    true
}

/// HPC: `id node component state epoch flag message`.
pub(super) fn hpc(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    if cursor.digits().is_none() || cursor.skip_spaces() == 0 {
        return false;
    }
    let mut words = [0..0, 0..0, 0..0];
    for slot in &mut words {
        let Some(word) = cursor.word() else { return false };
        *slot = word;
        cursor.skip_spaces();
    }
    if !cursor.peek().is_ascii_digit() {
        return false;
    }
    let Some(stamp) = timestamp::epoch(cursor.rest()).filter(|stamp| stamp.len == 10) else { return false };
    cursor.pos += stamp.len;
    if cursor.skip_spaces() == 0 {
        return false;
    }
    let Some(flag) = cursor.word() else { return false };
    if !cursor.slice(&flag).iter().all(|byte| byte.is_ascii_digit() || *byte == b'-') {
        return false;
    }
    cursor.skip_spaces();
    let [node, component, state] = words;
    draft.stamp = Some(stamp);
    draft.push(raw, "host", node);
    draft.push(raw, "component", component);
    draft.push(raw, "event_type", state);
    draft.push(raw, "flag", flag);
    draft.message(cursor.rest_range());
    true
}

/// OpenStack: `[file] stamp pid LEVEL module [request] message`.
pub(super) fn openstack(_: &Layout, raw: &[u8], draft: &mut Draft) -> bool {
    let mut cursor = Cursor::new(raw);
    let mut file = None;
    if cursor.peek().is_ascii_alphabetic() {
        file = cursor.word().filter(|word| memchr::memmem::find(cursor.slice(word), b".log").is_some());
        if file.is_none() || cursor.skip_spaces() == 0 {
            return false;
        }
    }
    let Some(stamp) = timestamp::read(raw, cursor.pos).filter(|stamp| stamp.len >= 19) else { return false };
    cursor.pos += stamp.len;
    cursor.skip_spaces();
    let Some(pid) = cursor.digits() else { return false };
    cursor.skip_spaces();
    let level = cursor.take_while(|byte| byte.is_ascii_uppercase());
    if Level::from_word(cursor.slice(&level)).is_none() || cursor.skip_spaces() == 0 {
        return false;
    }
    let Some(module) = cursor.word().filter(|word| cursor.slice(word).contains(&b'.')) else { return false };
    cursor.skip_spaces();
    let request = cursor.enclosed(b'[', b']');
    if request.is_none() && file.is_none() {
        return false;
    }
    cursor.skip_spaces();
    draft.stamp = Some(stamp);
    draft.level_word(raw, level);
    if let Some(file) = file {
        draft.push(raw, "file", file);
    }
    draft.push(raw, "pid", pid);
    draft.push(raw, "component", module);
    if let Some(request) = request {
        draft.push(raw, "request_id", cursor.within(request).word().unwrap_or(0..0));
    }
    let rest = cursor.rest_range();
    draft.message(rest.clone());
    message::enrich(raw, rest, draft);
    true
}
