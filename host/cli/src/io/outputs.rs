//! Files and folders that a command writes: whole or not at all, and never over something that it did not write.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use bitfab::GENERATED;

/// What a command writes, so that it can tell its own earlier output from something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// A learned or imported network.
    Graph,
    /// The state of a run of learning.
    Checkpoint,
    /// A file that says that a run of learning is under way.
    Lock,
    /// Reports of epochs.
    Log,
    /// Results as JSON.
    Json,
    /// A model file.
    Model,
    /// Blocks of further planes.
    Update,
    /// A NumPy array.
    Npy,
    /// Classes and scores of rows as CSV.
    Answers,
    /// Generated Verilog.
    Verilog,
    /// Generated text: Markdown, reports, pins.
    Text,
    /// Size and speed on an FPGA as JSON.
    Resources,
    /// A netlist of Yosys as JSON.
    Netlist,
    /// What Yosys or nextpnr said.
    ToolLog,
    /// What is generated for the design around the Verilog: headers, packages, cores, diagrams.
    Design,
    /// Vectors for a test bench: hexadecimal text.
    Vectors,
    /// The image of an accelerator's weights.
    Image,
    /// What configures an FPGA.
    Bitstream,
    /// What is known of it, as JSON.
    BoardReport,
    /// A program for a microcontroller.
    Uf2,
    /// A waveform.
    Vcd,
    /// A vector picture.
    Svg,
    /// A pixel picture.
    Png,
}

/// How a lock begins.
pub const LOCK: &str = "bitfab lock";
/// How a log of JSON lines begins.
pub const LOG_JSON: &str = "{\"epoch\":";
/// How a log in CSV begins.
pub const LOG_CSV: &str = "epoch,train_loss,";
/// How classes and scores of rows begin.
pub const ANSWERS: &str = "row,class";

impl Product {
    /// What it is called in messages.
    const fn name(self) -> &'static str {
        match self {
            Self::Graph => "a network that bitfab learned or imported",
            Self::Checkpoint => "a checkpoint of bitfab",
            Self::Lock => "a lock of bitfab",
            Self::Log => "a log of `bitfab train`",
            Self::Json => "results of bitfab as JSON",
            Self::Model => "a bitfab model",
            Self::Update => "an update of a bitfab model",
            Self::Npy => "a NumPy array",
            Self::Answers => "a table of answers of `bitfab run`",
            Self::Verilog => "Verilog that bitfab generated",
            Self::Text => "text that bitfab generated",
            Self::Resources => "size and speed on an FPGA as JSON of bitfab",
            Self::Netlist => "a netlist of Yosys as JSON",
            Self::ToolLog => "a log of Yosys or nextpnr",
            Self::Design => "a part of a design that bitfab generated",
            Self::Vectors => "vectors that bitfab generated",
            Self::Image => "an image of weights with its CRC",
            Self::Bitstream => "a bitstream of an iCE40",
            Self::BoardReport => "what bitfab says of a bitstream as JSON",
            Self::Uf2 => "a UF2 file",
            Self::Vcd => "a waveform",
            Self::Svg => "an SVG picture",
            Self::Png => "a PNG picture",
        }
    }

    /// So many bytes tell what a file is: an image of weights has nothing but its CRC, at its end.
    const fn telling(self) -> u64 {
        if matches!(self, Self::Image) { u64::MAX } else { 512 }
    }

    /// Whether a file with these first bytes may be replaced.
    fn is_own(self, head: &[u8]) -> bool {
        let contains = |text: &str| head.windows(text.len()).any(|window| window == text.as_bytes());
        match self {
            Self::Graph => head.starts_with(bitfab::graph::MAGIC),
            Self::Checkpoint => head.starts_with(bitfab::train::CHECKPOINT_MAGIC),
            Self::Lock => head.starts_with(LOCK.as_bytes()),
            Self::Log => head.starts_with(LOG_JSON.as_bytes()) || head.starts_with(LOG_CSV.as_bytes()),
            Self::Json => head.starts_with(b"{") && contains("\"config\""),
            Self::Model => head.starts_with(b"bfab"),
            Self::Update => head.starts_with(b"bfpl"),
            Self::Npy => head.starts_with(b"\x93NUMPY"),
            Self::Answers => head.starts_with(ANSWERS.as_bytes()),
            Self::Verilog | Self::Text | Self::Design => contains(GENERATED),
            Self::Resources => head.starts_with(b"[]") || (head.starts_with(b"[") && contains("\"synthesis\"")),
            Self::Netlist => head.starts_with(b"{") && contains("\"creator\": \"Yosys"),
            Self::ToolLog => contains("Yosys Open SYnthesis Suite") || contains("Info: "),
            Self::Vectors => head.iter().all(|&byte| byte.is_ascii_hexdigit() || byte.is_ascii_whitespace()),
            Self::Image => is_image(head),
            // What synchronises the configuration of an iCE40.
            Self::Bitstream => head.windows(4).any(|window| window == [0x7e, 0xaa, 0x99, 0x7e]),
            Self::BoardReport => head.starts_with(b"{\n  \"board\": \"") && contains("\"cells\": {"),
            Self::Uf2 => head.starts_with(b"UF2\nWQ]\x9e"),
            Self::Vcd => head.starts_with(b"$"),
            Self::Svg => contains("<svg"),
            Self::Png => head.starts_with(b"\x89PNG"),
        }
    }
}

/// Whether bytes end in the CRC of those before.
fn is_image(bytes: &[u8]) -> bool {
    let words = bitfab::format::align(bytes);
    matches!(words.split_last(), Some((crc, words)) if bytes.len().is_multiple_of(4) && *crc == bitfab::format::digest(words))
}

/// Fails early, before long work, if [`write()`] could not write there.
pub fn check(path: &Path, product: Product) -> Result<()> {
    check_writable(path)?;
    check_owner(path, product)
}

/// Whether nothing is lost by writing there: there is nothing, an empty file, or an earlier file of the same kind.
pub fn check_owner(path: &Path, product: Product) -> Result<()> {
    if !is_there(path)? {
        return Ok(());
    }
    let mut head = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot read {}, which would be replaced", path.display()))?;
    file.take(product.telling()).read_to_end(&mut head).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(
        head.is_empty() || product.is_own(&head),
        "{} exists and is not {}: remove it or choose another name",
        path.display(),
        product.name()
    );
    Ok(())
}

/// Whether an ordinary file is there; anything else is an error.
fn is_there(path: &Path) -> Result<bool> {
    let Ok(found) = fs::metadata(path) else { return Ok(false) };
    // Opening a pipe would wait, and a device would be replaced by a file.
    ensure!(found.is_file(), "cannot write {}: it is no ordinary file", path.display());
    Ok(true)
}

/// Writes a file whole or not at all.
pub fn write(path: &Path, product: Product, bytes: &[u8]) -> Result<()> {
    check(path, product)?;
    write_atomic(path, bytes)
}

/// As [`check()`], whatever file is there.
pub fn check_forced(path: &Path) -> Result<()> {
    check_writable(path)?;
    is_there(path).map(|_| ())
}

/// As [`write()`], whatever file is there: for those who were told to.
pub fn overwrite(path: &Path, bytes: &[u8]) -> Result<()> {
    check_forced(path)?;
    write_atomic(path, bytes)
}

/// Makes sure that the files of one command are different ones, under whatever names.
pub fn distinct(files: &[(&str, &Path)]) -> Result<()> {
    let place = |path: &Path| -> PathBuf {
        let folder = fs::canonicalize(folder_of(path)).unwrap_or_else(|_| folder_of(path).to_owned());
        // A link is followed where there is something behind it.
        fs::canonicalize(path).unwrap_or_else(|_| path.file_name().map_or(folder.clone(), |name| folder.join(name)))
    };
    for (index, (what, path)) in files.iter().enumerate() {
        if let Some((other, _)) = files[..index].iter().find(|(_, other)| place(other) == place(path)) {
            anyhow::bail!("{} is named for {other} and for {what}: choose different files", path.display());
        }
    }
    Ok(())
}

/// Writes beside the target, flushes to the disk, then renames: a reader or a crash sees the old file or the new one.
fn write_atomic(path: &Path, bytes: &[u8]) -> Result<()> {
    let what = || format!("cannot write {}", path.display());
    let folder = folder_of(path);
    let mut file = ordinary().tempfile_in(folder).with_context(what)?;
    file.write_all(bytes).with_context(what)?;
    file.as_file().sync_all().with_context(what)?;
    file.persist(path).with_context(what)?;
    sync_folder(folder);
    Ok(())
}

/// A temporary file that others may read as far as the user's mask allows, as with any file a command writes.
#[cfg(unix)]
fn ordinary() -> tempfile::Builder<'static, 'static> {
    use std::os::unix::fs::PermissionsExt;
    let mut builder = tempfile::Builder::new();
    builder.permissions(fs::Permissions::from_mode(0o666));
    builder
}

/// A temporary file.
#[cfg(not(unix))]
fn ordinary() -> tempfile::Builder<'static, 'static> {
    tempfile::Builder::new()
}

/// Fails early if [`write()`] could not write there.
fn check_writable(path: &Path) -> Result<()> {
    let what = || format!("cannot write {}: its folder must exist and be writable", path.display());
    tempfile::NamedTempFile::new_in(folder_of(path)).with_context(what)?;
    anyhow::ensure!(!path.is_dir(), "cannot write {}: it is a folder", path.display());
    Ok(())
}

/// The folder that holds the file.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Makes a rename durable; some systems cannot open folders, which costs durability only.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok();
    }
}

/// Makes sure that a folder for outputs is there.
pub fn folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot make the folder {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_replaces_the_whole_file_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        overwrite(&path, b"long old content").unwrap();
        overwrite(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        let error = overwrite(&folder.path().join("no/x"), b"").unwrap_err();
        assert!(error.to_string().contains("no/x"), "{error}");
        assert!(overwrite(folder.path(), b"").is_err());
        #[cfg(unix)]
        {
            let special = folder.path().join("socket");
            let _socket = std::os::unix::net::UnixListener::bind(&special).unwrap();
            assert!(overwrite(&special, b"").unwrap_err().to_string().contains("no ordinary file"));
        }
    }

    #[test]
    fn each_product_knows_its_own_and_no_other() {
        use Product::*;
        let image = [7, bitfab::format::digest(&[7])].map(u32::to_le_bytes).concat();
        let heads: [(Product, &[u8]); 21] = [
            (Graph, b"BFGRAPH\x03"),
            (Checkpoint, b"BFTRAIN\x02"),
            (Lock, b"bitfab lock of process 7"),
            (Log, b"{\"epoch\":1,"),
            (Log, b"epoch,train_loss,x"),
            (Json, b"{\n  \"name\": \"bnn\",\n  \"config\": {}"),
            (Model, b"bfab\x03"),
            (Update, b"bfpl"),
            (Npy, b"\x93NUMPY\x01"),
            (Verilog, b"// Generated by bitfab: 8 lanes"),
            (Vectors, b"00\nff\n"),
            (Image, &image),
            (Resources, b"[\n  {\n    \"lanes\": 8,\n    \"synthesis\": {"),
            (Netlist, b"{\n  \"creator\": \"Yosys 0.23 (git sha1 7ce5011c24b)\","),
            (ToolLog, b"\n |  yosys -- Yosys Open SYnthesis Suite  |"),
            (ToolLog, b"Info: constrained 'clock'"),
            (BoardReport, b"{\n  \"board\": \"icebreaker\",\n  \"cells\": {"),
            (Uf2, b"UF2\nWQ]\x9e\0\x20\0\0"),
            (Vcd, b"$date"),
            (Svg, b"<svg xmlns"),
            (Png, b"\x89PNG\r\n"),
        ];
        for (owner, head) in heads {
            for (product, _) in heads {
                assert_eq!(product.is_own(head), product == owner, "{product:?} and {head:?}");
            }
        }
    }

    #[test]
    fn one_file_is_not_named_twice_by_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
        distinct(&[("the input", &a), ("-o", &b)]).unwrap();
        let error = distinct(&[("the input", &a), ("-o", &b), ("--log", &folder.path().join("./a"))]).unwrap_err();
        assert!(error.to_string().contains("for the input and for --log"), "{error}");
        fs::write(&a, "x").unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&a, &b).unwrap();
            assert!(distinct(&[("the input", &a), ("-o", &b)]).is_err());
            let special = folder.path().join("socket");
            let _socket = std::os::unix::net::UnixListener::bind(&special).unwrap();
            let error = check_owner(&special, Product::Graph).unwrap_err().to_string();
            assert!(error.contains("no ordinary file"), "{error}");
        }
    }

    #[test]
    fn only_the_same_product_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        write(&path, Product::Model, b"bfab1").unwrap();
        write(&path, Product::Model, b"bfab2").unwrap();
        let error = write(&path, Product::Npy, b"\x93NUMPY").unwrap_err();
        assert!(error.to_string().contains("is not a NumPy array"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"bfab2");
        fs::write(&path, "module mine;").unwrap();
        assert!(write(&path, Product::Verilog, b"").is_err());
        fs::write(&path, format!("// {GENERATED}\n")).unwrap();
        write(&path, Product::Verilog, b"").unwrap();
    }
}
