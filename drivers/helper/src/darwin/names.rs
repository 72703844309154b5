//! Files of `/etc/resolver`, by which the system asks a server for the names of some domains (resolver(5)). The first line of
//! each says that it is the helper's, and by which interface it was asked for.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use crate::answer::Refusal;
use crate::darwin::request::Device;
use crate::domain::Domain;

/// Where they lie.
pub const FOLDER: &str = "/etc/resolver";

/// Makes the files of an interface's domains; what it had before and has no more goes. Files of others are refused.
pub fn set(folder: &Path, device: &Device, server: IpAddr, domains: &[Domain]) -> Result<(), Refusal> {
    let refused = |detail: String| Refusal::of(format!("change {}", folder.display()), detail);
    fs::create_dir_all(folder).map_err(|error| refused(error.to_string()))?;
    remove_unless(folder, &mark_of(device), |file| domains.iter().any(|domain| domain.as_ref() == file));
    for domain in domains {
        let path = folder.join(domain.as_ref());
        // What cannot be read is not ours: a link that leads elsewhere among it.
        let is_there = fs::symlink_metadata(&path).is_ok();
        if is_there && !is_marked(&path, &mark_of(device)) {
            return Err(refused(format!("{domain} is another program's")));
        }
        let fresh = folder.join(format!(".{domain}.starmesh"));
        let text = format!("{}\nnameserver {server}\n", mark_of(device));
        let laid = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, &path));
        laid.map_err(|error| refused(error.to_string()))?;
    }
    Ok(())
}

/// Takes away the files of an interface.
pub fn remove(folder: &Path, device: &Device) {
    remove_unless(folder, &mark_of(device), |_| false);
}

/// Takes away whatever helpers before this one have left.
pub fn remove_all(folder: &Path) {
    remove_unless(folder, MARK, |_| false);
}

fn remove_unless(folder: &Path, mark: &str, stays: impl Fn(&str) -> bool) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if is_marked(&entry.path(), mark) && !stays(&entry.file_name().to_string_lossy()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

fn is_marked(path: &Path, mark: &str) -> bool {
    let is_file = fs::symlink_metadata(path).is_ok_and(|data| data.is_file());
    let text = if is_file { fs::read_to_string(path).unwrap_or_default() } else { String::new() };
    let first = text.lines().next().unwrap_or("");
    first == mark || mark == MARK && first.starts_with(MARK)
}

fn mark_of(device: &Device) -> String {
    format!("{MARK}{device}.")
}

const MARK: &str = "# Made by the helper of Starmesh for ";

#[cfg(test)]
mod tests {
    use super::*;

    fn device(name: &str) -> Device {
        Device::try_from(name.to_owned()).expect("a device")
    }

    fn domains(names: &[&str]) -> Vec<Domain> {
        names.iter().map(|name| Domain::try_from((*name).to_owned()).expect("a domain")).collect()
    }

    fn files(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .expect("a folder")
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn an_interface_has_the_files_of_its_domains_and_no_others_are_touched() {
        let folder = std::env::temp_dir().join(format!("starmesh-names-{}", std::process::id()));
        let server: IpAddr = "10.9.255.254".parse().expect("an address");
        let (one, other) = (device("utun4"), device("utun41"));
        set(&folder, &one, server, &domains(&["work.mesh", "lab.mesh"])).expect("set");
        set(&folder, &other, server, &domains(&["home.mesh"])).expect("set");
        fs::write(folder.join("corp.example"), "nameserver 192.0.2.1\n").expect("written");
        std::os::unix::fs::symlink("/etc/hosts", folder.join("link.example")).expect("a link");
        assert_eq!(
            fs::read_to_string(folder.join("work.mesh")).expect("text"),
            "# Made by the helper of Starmesh for utun4.\nnameserver 10.9.255.254\n"
        );
        set(&folder, &one, server, &domains(&["work.mesh"])).expect("set again");
        assert_eq!(files(&folder), ["corp.example", "home.mesh", "link.example", "work.mesh"]);
        for taken in ["corp.example", "link.example", "home.mesh"] {
            assert!(set(&folder, &one, server, &domains(&["work.mesh", taken])).is_err(), "{taken}");
        }
        remove(&folder, &one);
        assert_eq!(files(&folder), ["corp.example", "home.mesh", "link.example"]);
        remove_all(&folder);
        assert_eq!(files(&folder), ["corp.example", "link.example"]);
        fs::remove_dir_all(&folder).expect("removed");
    }
}
