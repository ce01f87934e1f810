//! The features of learned surprise: their ids, in which family of reasons they belong, how a reason reads.

/// Number of features.
pub(super) const FEATURES: usize = 22;

/// One learned surprise of a line; the number is its place in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Feature {
    /// Rarity of the template.
    Template,
    /// A template seen for the first times, in a source where that is rare.
    New,
    /// Mean rarity of the constant words.
    Words,
    /// Rarity of the rarest constant word.
    RarestWord,
    /// Sum of the surprises of values at their places in the template.
    Values,
    /// The most surprising value.
    OddestValue,
    /// Numbers beyond their usual range.
    Number,
    /// Spelling of the message as a whole.
    Spelling,
    /// Spelling at its strangest place.
    OddestSpelling,
    /// Make-up of the query of a request.
    QuerySpelling,
    /// Distinct marks of attack in the query of a request.
    QueryMarks,
    /// Length, marks, words, digits, capitals.
    Shape,
    /// Template after the previous one of the same session (of requests: of the same client).
    Order,
    /// Kind of line after the previous one, beyond what is usual for the source.
    OddOrder,
    /// Copies of the template in a minute against an hour.
    Burst,
    /// Copies of the template among the last lines.
    Crowd,
    /// Copies of the whole message among the last lines.
    Repeat,
    /// Lines of the entity in a minute against an hour.
    EntityRate,
    /// Failures of the entity in a minute against an hour.
    EntityFailures,
    /// Distinct targets of the entity's failures.
    EntitySpread,
    /// Method and status of a request together.
    Status,
    /// Level, or of a request the method.
    Level,
}

impl Feature {
    /// All features in the order of their numbers.
    pub const ALL: [Feature; FEATURES] = [
        Feature::Template,
        Feature::New,
        Feature::Words,
        Feature::RarestWord,
        Feature::Values,
        Feature::OddestValue,
        Feature::Number,
        Feature::Spelling,
        Feature::OddestSpelling,
        Feature::QuerySpelling,
        Feature::QueryMarks,
        Feature::Shape,
        Feature::Order,
        Feature::OddOrder,
        Feature::Burst,
        Feature::Crowd,
        Feature::Repeat,
        Feature::EntityRate,
        Feature::EntityFailures,
        Feature::EntitySpread,
        Feature::Status,
        Feature::Level,
    ];

    /// Id of the reason the feature counts towards; features of one family share it.
    pub fn family(self) -> &'static str {
        match self {
            Feature::Template | Feature::New => "template",
            Feature::Words | Feature::RarestWord => "words",
            Feature::Values | Feature::OddestValue => "value",
            Feature::Number => "number",
            Feature::Spelling | Feature::OddestSpelling | Feature::QuerySpelling | Feature::QueryMarks => "spelling",
            Feature::Shape => "shape",
            Feature::Order | Feature::OddOrder => "order",
            Feature::Burst | Feature::Crowd | Feature::Repeat => "repeat",
            Feature::EntityRate | Feature::EntityFailures | Feature::EntitySpread => "entity",
            Feature::Status => "status",
            Feature::Level => "level",
        }
    }
}
