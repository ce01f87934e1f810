//! `logguard account`: what became of every byte of every input.

use comfy_table::{CellAlignment, Table, presets};

use super::Outcome;
use super::args::Account as Arguments;
use super::outcome::{note, print, print_json};
use crate::engine::{Account, InputAccount};
use crate::report::{count, escape, thousands};

/// Runs the command.
pub fn run(command: &Arguments) -> anyhow::Result<Outcome> {
    let account = command.store.store().account()?;
    if command.json {
        print_json(&account)?;
    } else {
        print_table(&account)?;
    }
    for part in &account.unreadable {
        note(&format!("unreadable: {part}"));
    }
    for (input, what) in account.inputs.iter().filter_map(|input| Some((input, input.disagreement.as_ref()?))) {
        note(&format!("does not add up: {}: {what}", input.name));
    }
    Ok(if account.agrees() { Outcome::Done } else { Outcome::Failed })
}

fn print_table(account: &Account) -> anyhow::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["input", "read bytes", "lines", "sealed bytes", "lines", "records", "not yet", "state"]);
    let known = |number: Option<u64>| number.map_or("-".to_owned(), thousands);
    for input in &account.inputs {
        table.add_row([
            escape(&input.name).into_owned(),
            known(input.read_bytes),
            known(input.read_lines),
            thousands(input.sealed_bytes),
            thousands(input.sealed_lines),
            thousands(input.records),
            known(input.not_yet),
            escape(&state(input)).into_owned(),
        ]);
    }
    let sum = |of: &dyn Fn(&InputAccount) -> Option<u64>| thousands(account.inputs.iter().filter_map(of).sum());
    table.add_row([
        count(account.inputs.len() as u64, "input"),
        sum(&|input| input.read_bytes),
        sum(&|input| input.read_lines),
        sum(&|input| Some(input.sealed_bytes)),
        sum(&|input| Some(input.sealed_lines)),
        sum(&|input| Some(input.records)),
        sum(&|input| input.not_yet),
        if account.agrees() { "sums agree".to_owned() } else { "SUMS DO NOT AGREE".to_owned() },
    ]);
    for column in table.column_iter_mut().skip(1).take(6) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    print(&table.to_string())?;
    for refused in &account.refused {
        print(&format!("refused: {}: {}", escape(&refused.name), escape(&refused.reason)))?;
    }
    Ok(())
}

fn state(input: &InputAccount) -> String {
    if input.disagreement.is_some() {
        return "DOES NOT ADD UP".to_owned();
    }
    let skipped = input.skipped.iter().map(|part| {
        let length = part.length.map_or("an unknown number of".to_owned(), thousands);
        format!("skipped {length} bytes from {} on: {}", thousands(part.offset), part.reason)
    });
    let skipped: Vec<String> = skipped.collect();
    match (input.read_bytes, skipped.is_empty()) {
        (None, _) => "not read to its end".to_owned(),
        (Some(_), true) => "whole".to_owned(),
        (Some(_), false) => skipped.join("; "),
    }
}
