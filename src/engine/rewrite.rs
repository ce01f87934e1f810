//! Archived records on their way into new segments: some stripes at once, as many as there are cores, in record order.

use rayon::prelude::*;

use super::EngineError;
use super::ingest::{GROUP_BYTES, GROUP_RECORDS, STRIPE_BYTES, STRIPE_RECORDS};
use crate::archive::{GroupColumns, GroupLines, GroupRef, NewRecord, Rewrite, Seal, StripeBuilder};
use crate::model::{FieldSet, Interpret, Layout, Verdict};

/// Cuts groups into stripes and hands these to the archive.
pub struct Restripe<'r, 'w> {
    rewrite: &'r mut Rewrite<'w>,
    /// Cuts records into fields, so that the new stripes say where these stand.
    interpret: &'r dyn Interpret,
    fields: FieldSet,
    waiting: Vec<(StripeBuilder, Seal)>,
    builder: StripeBuilder,
    bytes: u64,
    seal: Seal,
}

impl<'r, 'w> Restripe<'r, 'w> {
    /// Writes into `rewrite`.
    pub fn new(rewrite: &'r mut Rewrite<'w>, interpret: &'r dyn Interpret) -> Restripe<'r, 'w> {
        let builder = StripeBuilder::with_fields(interpret.revision());
        let (waiting, fields) = (Vec::new(), FieldSet::default());
        Restripe { rewrite, interpret, fields, waiting, builder, bytes: 0, seal: Seal::default() }
    }

    /// Takes up the records of a group, to be sealed with some effort; `verdict` says anew what detection says of a row, absent:
    /// what it said before.
    pub fn group(
        &mut self,
        group: &GroupRef,
        columns: &GroupColumns,
        lines: &GroupLines,
        seal: Seal,
        verdict: impl Fn(usize) -> Option<Verdict>,
    ) -> Result<(), EngineError> {
        let (rows, raw_bytes) = (group.stats.rows as usize, group.stats.raw_bytes);
        let is_full = self.builder.rows() + rows > STRIPE_RECORDS || self.bytes + raw_bytes > STRIPE_BYTES as u64;
        if self.builder.rows() > 0 && (is_full || seal != self.seal) {
            self.close_stripe()?;
        }
        self.seal = seal;
        if self.builder.group_rows() + rows > GROUP_RECORDS || self.builder.group_bytes() + raw_bytes > GROUP_BYTES {
            self.builder.close_group();
        }
        let no_layout = Layout::default();
        for row in 0..columns.rows() {
            let origin = lines.origin(row).ok_or_else(|| EngineError::Unreadable {
                missing: u64::from(group.stats.rows),
                records: u64::from(group.stats.rows),
                cause: format!("record {} does not say where it comes from", group.first.0 + row as u64),
            })?;
            let said = verdict(row).unwrap_or_else(|| match columns.verdict(row) {
                Some(flagged) => flagged.clone(),
                None => Verdict {
                    score: columns.score(row),
                    novelty: columns.novelty(row),
                    rules: columns.rules(row).to_vec(),
                    ..Verdict::default()
                },
            });
            let template = columns.template(row);
            let (raw, layout) = (lines.raw(row), columns.layout(row).unwrap_or(&no_layout));
            self.interpret.interpret(layout, raw, &mut self.fields);
            self.builder.push(&NewRecord {
                origin,
                raw,
                time: columns.time(row),
                time_quality: columns.time_quality(row),
                level: columns.level(row),
                layout,
                template_hash: xxhash_rust::xxh3::xxh3_64(template.as_bytes()),
                template,
                score: said.score,
                novelty: said.novelty,
                verdict: (said.flagged || !said.rules.is_empty()).then_some(&said),
                fields: Some(self.fields.of(raw)),
            });
        }
        self.bytes += raw_bytes;
        Ok(())
    }

    fn close_stripe(&mut self) -> Result<(), EngineError> {
        let next = StripeBuilder::with_fields(self.interpret.revision());
        self.waiting.push((std::mem::replace(&mut self.builder, next), self.seal));
        self.bytes = 0;
        if self.waiting.len() >= rayon::current_num_threads() { self.encode() } else { Ok(()) }
    }

    fn encode(&mut self) -> Result<(), EngineError> {
        let waiting = std::mem::take(&mut self.waiting);
        let encoded: Vec<_> =
            waiting.into_par_iter().map(|(builder, seal)| (builder.encode(seal.level()), seal)).collect();
        for (stripe, seal) in encoded {
            let stripe = stripe.map_err(|cause| EngineError::File {
                path: std::path::PathBuf::new(),
                action: "packing records",
                cause,
            })?;
            self.rewrite.push(stripe, seal)?;
        }
        Ok(())
    }

    /// Hands over what is left.
    pub fn finish(mut self) -> Result<(), EngineError> {
        if self.builder.rows() > 0 {
            self.close_stripe()?;
        }
        self.encode()
    }
}
