//! Keys, endpoints and prefixes as text.

use crate::endpoint::Endpoint;
use crate::plane::CallError;
use crate::session::Key;
use crate::table::Prefix;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::str::FromStr;

/// 44 characters of base64, as WireGuard writes keys.
pub fn write_key(key: &Key) -> String {
    STANDARD.encode(key)
}

/// `what` names the key in the error; the key itself never appears there.
pub fn read_key(text: &str, what: &str) -> Result<Key, CallError> {
    let bytes = STANDARD.decode(text).ok().and_then(|bytes| Key::try_from(bytes).ok());
    bytes.ok_or_else(|| CallError::invalid(format!("{what} is not 32 bytes in base64")))
}

pub fn read_endpoint(text: &str) -> Result<Endpoint, CallError> {
    read(text, "an endpoint such as 1.2.3.4:7743")
}

pub fn read_prefixes(texts: &[String]) -> Result<Vec<Prefix>, CallError> {
    texts.iter().map(|text| read(text, "a prefix such as 10.1.0.0/16")).collect()
}

/// Anything that reads itself; `what` says what was expected.
pub fn read<T: FromStr>(text: &str, what: &str) -> Result<T, CallError> {
    text.parse().map_err(|_| CallError::invalid(format!("{text:?} is not {what}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_key_round_trips(key in any::<Key>()) {
            let text = write_key(&key);
            prop_assert_eq!(text.len(), 44);
            prop_assert_eq!(read_key(&text, "key"), Ok(key));
        }

        #[test]
        fn any_text_is_refused_or_taken(text in ".{0,60}") {
            let _ = read_key(&text, "key");
            let _ = read_endpoint(&text);
        }
    }

    #[test]
    fn a_key_has_one_spelling_only() {
        let text = write_key(&[1; 32]);
        assert!(read_key(&text.replace('=', ""), "key").is_err());
        assert!(read_key(&text.replace("E=", "F="), "key").is_err());
    }
}
