//! A message cut into its constant part and its typed variable parts.

/// What kind of value stands in a variable place of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum SlotKind {
    /// A decimal number with optional sign and fraction: `<n>`.
    Number = 0,
    /// An IPv4 or IPv6 address: `<ip>`.
    Ip = 1,
    /// Hexadecimal digits, `0x…`, a MAC address: `<hex>`.
    Hex = 2,
    /// A UUID: `<uuid>`.
    Uuid = 3,
    /// A date, a clock time or both: `<time>`.
    Time = 4,
    /// An absolute path or the target of an HTTP request: `<path>`.
    Path = 5,
    /// A URL with scheme: `<url>`.
    Url = 6,
    /// A mail address: `<email>`.
    Email = 7,
    /// A word with digits in it (`blk_-123`, `part-00012`, `user42`): `<id>`.
    Id = 8,
    /// A long quoted text: `<str>`.
    Text = 9,
}

impl SlotKind {
    /// How the kind is written in a template.
    pub fn mask(self) -> &'static str {
        match self {
            SlotKind::Number => "<n>",
            SlotKind::Ip => "<ip>",
            SlotKind::Hex => "<hex>",
            SlotKind::Uuid => "<uuid>",
            SlotKind::Time => "<time>",
            SlotKind::Path => "<path>",
            SlotKind::Url => "<url>",
            SlotKind::Email => "<email>",
            SlotKind::Id => "<id>",
            SlotKind::Text => "<str>",
        }
    }
}

/// A variable part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Offset of its first byte in the message.
    pub start: u32,
    /// Offset after its last byte.
    pub end: u32,
    /// What it looks like.
    pub kind: SlotKind,
}

impl Slot {
    /// The value of the slot in the message it was cut from.
    pub fn of<'a>(&self, message: &'a [u8]) -> &'a [u8] {
        message.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// A message cut into a template and its slots; borrowed from whoever cut it.
#[derive(Debug, Clone, Copy)]
pub struct Cut<'a> {
    /// xxh3 of `text`: the same in every run and every store.
    pub hash: u64,
    /// The message with its variable parts masked, at most [`Cut::MAX_TEXT`] bytes; ends in `…` where it was cut short.
    pub text: &'a str,
    /// The variable parts in order of appearance, as far as `text` reaches.
    pub slots: &'a [Slot],
    /// The constant words as ranges of the message, in order of appearance, as far as `text` reaches.
    pub words: &'a [(u32, u32)],
}

impl Cut<'_> {
    /// Longest text of a template in bytes.
    pub const MAX_TEXT: usize = 512;
}
