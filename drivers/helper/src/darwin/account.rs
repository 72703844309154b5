//! The user and the group of an engine that is a service: hidden, without a shell and a home.

use nix::unistd::{Gid, Group, Uid, User};

use crate::answer::Refusal;
use crate::darwin::tool::{DSCL, run};

/// Name of both.
pub const NAME: &str = "_starmesh";

/// Makes them where they are not there.
pub fn make() -> Result<(), Refusal> {
    let is_there =
        matches!(User::from_name(NAME), Ok(Some(_))) && matches!(Group::from_name(NAME), Ok(Some(_)));
    if is_there {
        return Ok(());
    }
    let action = "make a user for Starmesh";
    let is_free = |number: &u32| {
        matches!(User::from_uid(Uid::from_raw(*number)), Ok(None))
            && matches!(Group::from_gid(Gid::from_raw(*number)), Ok(None))
    };
    let number = NUMBERS.into_iter().find(is_free);
    let number = number.ok_or_else(|| Refusal::of(action, "no number is free"))?.to_string();
    let group = format!("/Groups/{NAME}");
    let user = format!("/Users/{NAME}");
    for words in [
        &[&*group][..],
        &[&group, "PrimaryGroupID", &number],
        &[&user],
        &[&user, "UniqueID", &number],
        &[&user, "PrimaryGroupID", &number],
        &[&user, "RealName", "Starmesh"],
        &[&user, "NFSHomeDirectory", "/var/empty"],
        &[&user, "UserShell", "/usr/bin/false"],
        &[&user, "IsHidden", "1"],
    ] {
        run(action, DSCL, &[&[".", "-create"], words].concat())?;
    }
    Ok(())
}

/// Takes them away; done also when they are gone.
pub fn remove() {
    for path in ["/Users/", "/Groups/"] {
        let _ = run("take the user of Starmesh away", DSCL, &[".", "-delete", &format!("{path}{NAME}")]);
    }
}

/// Where macOS has the users of services.
const NUMBERS: std::ops::RangeInclusive<u32> = 350..=399;
