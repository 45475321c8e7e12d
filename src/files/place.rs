//! The final path of an output: links followed, except those that another account has laid in wait in a folder that all
//! may write to.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// Symbolic links that are followed before they count as a circle, as Linux does it.
const MAX_LINKS: usize = 40;

/// The reason why a path leads nowhere that may be written.
#[derive(Debug)]
pub(super) enum Astray {
    /// The system's error.
    Io(io::Error),
    /// A link or a file of another account in a shared folder.
    Planted(String),
}

impl From<io::Error> for Astray {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Returns the folder of a path.
pub(super) fn folder_of(place: &Path) -> &Path {
    place.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Returns the path that a file has or would have: replacing a link itself would leave the file as it was.
#[cfg(unix)]
pub(super) fn follow_links(path: &Path) -> Result<PathBuf, Astray> {
    use std::ffi::OsString;
    use std::path::Component;
    let parts =
        |path: &Path| path.components().map(|part| part.as_os_str().to_owned()).collect::<Vec<OsString>>();
    // The next part is the last of the list.
    let mut waiting = parts(path);
    waiting.reverse();
    let mut place = if path.is_absolute() { PathBuf::new() } else { std::env::current_dir()? };
    let mut links = 0;
    while let Some(part) = waiting.pop() {
        match Path::new(&part).components().next() {
            Some(Component::ParentDir) => {
                place.pop();
                continue;
            }
            Some(Component::RootDir) => {
                place = PathBuf::from("/");
                continue;
            }
            Some(Component::Normal(_)) => {}
            _ => continue,
        }
        let next = place.join(&part);
        match fs::symlink_metadata(&next) {
            Ok(metadata) if metadata.is_symlink() => {
                links += 1;
                if links > MAX_LINKS {
                    return Err(io::Error::other("its symbolic links go in a circle").into());
                }
                if is_planted(&place, &metadata) {
                    return Err(Astray::Planted(format!(
                        "{} is a link that another account has put into a folder that all may write to; name another \
                         file",
                        next.display()
                    )));
                }
                waiting.extend(parts(&fs::read_link(&next)?).into_iter().rev());
            }
            Err(error) if error.kind() == ErrorKind::NotFound && waiting.is_empty() => place = next,
            Err(error) => return Err(error.into()),
            Ok(_) => place = next,
        }
    }
    Ok(place)
}

/// Returns the path that a file has or would have: replacing a link itself would leave the file as it was.
#[cfg(not(unix))]
pub(super) fn follow_links(path: &Path) -> Result<PathBuf, Astray> {
    let mut place = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::symlink_metadata(&place) {
            Ok(metadata) if metadata.is_symlink() => {
                place = folder_of(&place).join(fs::read_link(&place)?);
            }
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => return Ok(place),
        }
    }
    Err(io::Error::other("its symbolic links go in a circle").into())
}

/// Returns whether the object belongs to another account in a folder like `/tmp`, where others may put things and each
/// keeps his own. The folder's owner is no stranger there. In a team's folder, where each may write the files of the
/// others, there are no strangers.
#[cfg(unix)]
pub(super) fn is_planted(folder: &Path, metadata: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    const STICKY: u32 = 0o1000;
    const OTHERS_WRITE: u32 = 0o022;
    let Ok(folder) = fs::metadata(folder) else { return false };
    let mode = folder.mode();
    let is_shared = mode & STICKY != 0 && mode & OTHERS_WRITE != 0;
    is_shared && !is_own(metadata) && metadata.uid() != folder.uid()
}

/// Windows' folders for all have permissions of their own for their contents, which the system checks.
#[cfg(not(unix))]
pub(super) fn is_planted(_folder: &Path, _metadata: &Metadata) -> bool {
    false
}

/// Returns whether a file belongs to the account that runs this.
#[cfg(unix)]
pub(super) fn is_own(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(metadata) == rustix::process::geteuid().as_raw()
}

/// Returns whether a file belongs to the account that runs this.
#[cfg(not(unix))]
pub(super) fn is_own(_metadata: &Metadata) -> bool {
    true
}
