//! Names of domains.

use std::fmt;

use serde::Deserialize;

/// A domain name in ASCII.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Domain(String);

impl TryFrom<String> for Domain {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Domain, Self::Error> {
        let is_domain = !text.is_empty() && text.len() <= 253 && text.split('.').all(is_label);
        if is_domain { Ok(Domain(text)) } else { Err("not a domain") }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl AsRef<str> for Domain {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_a_domain_names_no_other_file_and_no_option(text in "[-a-z0-9._/~ \\n]{0,24}") {
            if let Ok(domain) = Domain::try_from(text) {
                prop_assert!(!domain.as_ref().contains([' ', '~', '/', '\n']));
                prop_assert!(!domain.as_ref().starts_with(['.', '-']));
            }
        }
    }
}
