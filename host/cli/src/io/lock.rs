//! One run at a time on one checkpoint.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::io::outputs::{self, LOCK, Product};

/// Tries to take a lock whose file another run removes meanwhile.
const TRIES: u32 = 100;

/// A lock that is held; the system frees it however the process ends, the file goes with an orderly end.
#[derive(Debug)]
pub struct Held {
    path: PathBuf,
    file: File,
}

impl Held {
    /// Takes the lock of a file, `FILE.lock`.
    ///
    /// # Errors
    /// Where another process holds it, or where a file of that name is something else.
    pub fn of(target: &Path) -> Result<Self> {
        let mut path = target.to_owned().into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        outputs::check_owner(&path, Product::Lock)?;
        let what = || format!("cannot write {}", path.display());
        for _ in 0..TRIES {
            let file = File::options().create(true).truncate(false).write(true).open(&path).with_context(what)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => bail!(
                    "another run is under way with {} (it holds {}): wait for its end or choose another name",
                    target.display(),
                    path.display()
                ),
                Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => {
                    note!("note: {} cannot be locked here; start no second run with it", target.display());
                }
                Err(TryLockError::Error(error)) => return Err(error).with_context(what),
            }
            // Whoever held it before may have removed the name of this very file.
            if is_named(&path, &file) {
                let mut held = Self { path, file };
                held.sign().with_context(|| format!("cannot write {}", held.path.display()))?;
                return Ok(held);
            }
        }
        bail!("{} is made and removed again and again: other runs use that name", path.display())
    }

    fn sign(&mut self) -> std::io::Result<()> {
        self.file.set_len(0)?;
        writeln!(self.file, "{LOCK} of process {}", std::process::id())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Removed while it is held, so nobody else's lock loses its name; a file that stays does no harm.
        fs::remove_file(&self.path).ok();
    }
}

/// Whether the name still leads to the open file.
#[cfg(unix)]
fn is_named(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt;
    let place = |found: &fs::Metadata| (found.dev(), found.ino());
    matches!((fs::metadata(path), file.metadata()), (Ok(a), Ok(b)) if place(&a) == place(&b))
}

/// Whether the name still leads to the open file; elsewhere an open file keeps its name.
#[cfg(not(unix))]
fn is_named(_: &Path, _: &File) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_holds_a_lock_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("net.checkpoint");
        let first = Held::of(&target).unwrap();
        let error = Held::of(&target).unwrap_err().to_string();
        assert!(error.contains("another run is under way") && error.contains("net.checkpoint.lock"), "{error}");
        drop(first);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        // A run that was killed leaves the file, which binds nobody.
        fs::write(folder.path().join("net.checkpoint.lock"), format!("{LOCK} of process 1\n")).unwrap();
        drop(Held::of(&target).unwrap());
        fs::write(folder.path().join("net.checkpoint.lock"), "my notes").unwrap();
        assert!(Held::of(&target).unwrap_err().to_string().contains("is not a lock of bitfab"));
        assert_eq!(fs::read(folder.path().join("net.checkpoint.lock")).unwrap(), b"my notes");
    }

    #[test]
    fn many_at_once_take_it_one_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("x");
        let (inside, taken) = (std::sync::atomic::AtomicU32::new(0), std::sync::atomic::AtomicU32::new(0));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let Ok(_held) = Held::of(&target) else { continue };
                        assert_eq!(inside.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0, "two hold it");
                        taken.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                        inside.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    }
                });
            }
        });
        assert!(taken.into_inner() > 0);
    }
}
