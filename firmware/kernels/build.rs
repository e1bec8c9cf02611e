//! Tells the sources which Thumb instructions the core has: `rustc` does not say so in a `cfg`.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(thumb, values(none(), \"1\", \"2\"))");
    println!("cargo::rustc-check-cfg=cfg(thumb_dsp)");
    let target = env::var("TARGET").unwrap_or_default();
    let is = |names: &[&str]| names.iter().any(|name| target.starts_with(name));
    let level = if is(&["thumbv7m", "thumbv7em", "thumbv8m.main"]) {
        2
    } else if is(&["thumbv6m", "thumbv8m.base"]) {
        1
    } else {
        return;
    };
    println!("cargo::rustc-cfg=thumb");
    if is(&["thumbv7em"]) {
        println!("cargo::rustc-cfg=thumb_dsp");
    }
    println!("cargo::rustc-cfg=thumb=\"{level}\"");
}
