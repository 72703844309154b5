//! Who may ask, as the helper's list of properties for launchd says (launchd.plist(5)): it is the only place that keeps it.

/// Users by number, and perhaps a group by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Callers {
    /// Users.
    pub users: Vec<u32>,
    /// Members of a group.
    pub group: Option<String>,
}

impl Callers {
    /// Of the list of properties that `property_list` made; nobody where it is another.
    pub fn read(list: &str) -> Callers {
        let words: Vec<&str> = list
            .split("</array>")
            .next()
            .unwrap_or("")
            .split("<string>")
            .skip(1)
            .filter_map(|rest| rest.split("</string>").next())
            .skip_while(|word| *word != "listen")
            .skip(1)
            .collect();
        Callers::parse(&words).unwrap_or_default()
    }

    /// Of words: `--user NUMBER` and `--group NAME`, each as often as wanted; none for others.
    pub fn parse(words: &[&str]) -> Option<Callers> {
        let mut callers = Callers::default();
        for pair in words.chunks(2) {
            match pair {
                ["--user", number] => callers.users.push(number.parse().ok()?),
                ["--group", name] if is_name(name) => callers.group = Some((*name).to_owned()),
                _ => return None,
            }
        }
        Some(callers)
    }

    /// Both together.
    pub fn with(mut self, others: &Callers) -> Callers {
        self.users.extend(&others.users);
        self.users.sort_unstable();
        self.users.dedup();
        self.group = others.group.clone().or(self.group);
        self
    }

    /// These without those.
    pub fn without(mut self, others: &Callers) -> Callers {
        self.users.retain(|user| !others.users.contains(user));
        self.group = self.group.filter(|group| others.group.as_ref() != Some(group));
        self
    }

    /// Nobody may.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.group.is_none()
    }

    /// The list by which launchd opens the helper's socket, and starts the helper for whoever connects first.
    pub fn property_list(&self) -> String {
        let users = self.users.iter().flat_map(|user| ["--user".to_owned(), user.to_string()]);
        let group = self.group.iter().flat_map(|group| ["--group".to_owned(), group.clone()]);
        let words: Vec<String> = [PROGRAM.to_owned(), "listen".to_owned()]
            .into_iter()
            .chain(users)
            .chain(group)
            .map(|word| format!("    <string>{word}</string>\n"))
            .collect();
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
<dict>
  <key>Label</key><string>{LABEL}</string>
  <key>ProgramArguments</key>
  <array>
{}  </array>
  <key>Sockets</key>
  <dict>
    <key>{SOCKET_NAME}</key>
    <dict>
      <key>SockPathName</key><string>{SOCKET}</string>
      <key>SockPathMode</key><integer>438</integer>
    </dict>
  </dict>
  <key>Umask</key><integer>18</integer>
</dict>
</plist>
"#,
            words.concat()
        )
    }
}

/// What needs no quoting anywhere.
fn is_name(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What launchd knows the helper by.
pub const LABEL: &str = "io.starmesh.helper";
/// The program's own copy, which no user can replace.
pub const PROGRAM: &str = "/Library/PrivilegedHelperTools/io.starmesh.helper";
/// Name of the socket in the list.
pub const SOCKET_NAME: &str = "Requests";
/// Where the helper is asked; the same in `src-main/system/helper-start.ts`.
pub const SOCKET: &str = "/var/run/io.starmesh.helper.sock";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn callers_read_as_they_are_written(
            users in proptest::collection::vec(any::<u32>(), 0..5),
            group in proptest::option::of("[a-z_]{1,9}"),
        ) {
            let callers = Callers::default().with(&Callers { users, group });
            prop_assert_eq!(Callers::read(&callers.property_list()), callers.clone());
            prop_assert!(callers.clone().without(&callers).is_empty());
        }

        #[test]
        fn whatever_is_read_never_panics(text in "(<string>|</string>|listen|--user|--group|7|.){0,20}") {
            let _ = Callers::read(&text);
        }
    }

    #[test]
    fn a_list_of_another_program_names_nobody() {
        assert!(
            Callers::read("<string>other</string><string>listen</string><string>--all</string>").is_empty()
        );
        assert!(Callers::parse(&["--group", "a b"]).is_none());
        assert!(Callers::parse(&["--user"]).is_none());
    }
}
