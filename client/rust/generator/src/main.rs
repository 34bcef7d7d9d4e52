//! Makes the Rust code of the API from its protos: `pointsman-client-generator PROTOS OUT`.
//!
//! `client/rust/generate` runs it. What it writes depends on the protos and on the versions in
//! Cargo.lock alone.

use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

/// The API, in the order of reading.
const FILES: [&str; 5] =
    ["router.proto", "catalogue.proto", "policy.proto", "admin.proto", "decision_log.proto"];

fn main() -> io::Result<()> {
    let arguments: Vec<PathBuf> = env::args_os().skip(1).map(PathBuf::from).collect();
    let [protos, out] = arguments.as_slice() else {
        eprintln!("Usage: pointsman-client-generator PROTOS OUT");
        process::exit(2);
    };
    generate(protos, out)
}

fn generate(protos: &Path, out: &Path) -> io::Result<()> {
    fs::create_dir_all(out)?;
    let files = FILES.map(|name| protos.join("pointsman/v1").join(name));
    tonic_prost_build::configure()
        // google.rpc is the ecosystem's own.
        .extern_path(".google.rpc", "::tonic_types::pb")
        // Maps keep one order, so that a message has one encoding and one explanation.
        .btree_map(".")
        .server_mod_attribute(".", "#[cfg(feature = \"server\")]")
        .out_dir(out)
        .compile_protos(&files, &[protos.to_path_buf()])
}
