//! What modifiers make of a value's text: options of Windows, UTF-16, base64.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use super::glob::Token;

/// Text without wildcards.
pub(super) fn literal(text: &[u8]) -> Vec<Token> {
    text.iter().map(|byte| Token::Byte(*byte)).collect()
}

/// The bytes of a value that may have no wildcard.
pub(super) fn bytes(form: &[Token]) -> Result<Vec<u8>, String> {
    let byte = |token: &Token| if let Token::Byte(byte) = token { Ok(*byte) } else { Err(()) };
    form.iter().map(byte).collect::<Result<_, _>>().map_err(|()| "an encoded value can't have wildcards".to_owned())
}

/// Marks of options, at the beginning of a word, stand for all that Windows takes as such.
pub(super) fn dashes(form: &[Token]) -> Vec<Token> {
    let is_word = |token: Option<&Token>| matches!(token, Some(Token::Byte(b)) if b.is_ascii_alphanumeric() || *b == b'_' || *b >= 0x80);
    let mut out = Vec::with_capacity(form.len());
    for (at, token) in form.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| form.get(before));
        let option = matches!(token, Token::Byte(b'-' | b'/')) && !is_word(before) && is_word(form.get(at + 1));
        out.push(if option { Token::Dash } else { *token });
    }
    out
}

/// UTF-16 of the text; wildcards stay.
pub(super) fn wide(form: &[Token], big: bool, mark: bool) -> Result<Vec<Token>, String> {
    let mut out = if mark { literal(&[0xff, 0xfe]) } else { Vec::new() };
    let mut run = Vec::new();
    for token in form.iter().map(Some).chain([None]) {
        if let Some(Token::Byte(byte)) = token {
            run.push(*byte);
            continue;
        }
        let text = std::str::from_utf8(&run).map_err(|_| "a value is no text".to_owned())?;
        for unit in text.encode_utf16() {
            out.extend(literal(&if big { unit.to_be_bytes() } else { unit.to_le_bytes() }));
        }
        run.clear();
        out.extend(token);
    }
    Ok(out)
}

/// The three forms that a text takes inside base64, without what depends on its neighbours.
pub(super) fn offsets(text: &[u8]) -> Vec<Vec<Token>> {
    let form = |offset: usize| {
        let mut padded = vec![b' '; offset];
        padded.extend_from_slice(text);
        let encoded = STANDARD_NO_PAD.encode(&padded);
        let from = [0, 2, 3].get(offset).copied().unwrap_or(0);
        // The last letter of an unfinished group holds bits of what follows.
        let cut = usize::from(!padded.len().is_multiple_of(3));
        literal(encoded.as_bytes().get(from..encoded.len().saturating_sub(cut)).unwrap_or_default())
    };
    (0..3).map(form).filter(|form| !form.is_empty()).collect()
}

/// Base64 of the text, with the marks that fill its end.
pub(super) fn base64(text: &[u8]) -> Vec<Token> {
    literal(STANDARD.encode(text).as_bytes())
}
