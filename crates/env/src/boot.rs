//! What the operating system knows of the machine's boot. Only Linux is asked.

use std::time::Duration;

/// The kernel's name for this boot.
pub(crate) fn id() -> Option<u128> {
    if !cfg!(target_os = "linux") {
        return None;
    }
    parse_id(&std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?)
}

fn parse_id(text: &str) -> Option<u128> {
    u128::from_str_radix(&text.trim().replace('-', ""), 16).ok()
}

/// How long ago the boot was.
#[cfg(target_os = "linux")]
pub(crate) fn age() -> Option<Duration> {
    let age = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Some(Duration::new(u64::try_from(age.tv_sec).ok()?, u32::try_from(age.tv_nsec).ok()?))
}

/// How long ago the boot was.
#[cfg(not(target_os = "linux"))]
pub(crate) fn age() -> Option<Duration> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_boot_is_told_by_its_number() {
        assert_eq!(
            parse_id("41af5627-50f2-47e1-92b6-b397023c42f4\n"),
            Some(0x41af_5627_50f2_47e1_92b6_b397_023c_42f4)
        );
        assert_eq!(parse_id(""), None);
        assert_eq!(parse_id("no number"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_boot_stays_and_ages() {
        let env = crate::Env::real();
        let (first, second) = (env.boot().unwrap(), crate::Env::real().boot().unwrap());
        assert_eq!(first.id, second.id);
        assert!(second.age >= first.age && !first.age.is_zero());
    }
}
