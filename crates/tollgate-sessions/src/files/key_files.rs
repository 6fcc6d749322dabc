//! [`KeyFiles`]: a directory of keys, each in a numbered file that only its owner can read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::files::private_file::{self, PrivateFileError};

/// Keys that several processes share without a lock. A file is written once, under a number that only one
/// process can take, and never changed. A process that finds the number taken reads the file of the other
/// process.
#[derive(Debug)]
pub(crate) struct KeyFiles(PathBuf);

impl KeyFiles {
    pub(crate) fn new(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    /// Returns all keys, by ascending number. A directory that does not exist has no keys.
    pub(crate) fn read(&self) -> Result<Vec<(u32, Zeroizing<Vec<u8>>)>, PrivateFileError> {
        let mut files = self.read_once();
        for _ in 1..ATTEMPTS {
            match &files {
                // Another process has removed a file since they were listed, and may have added one before that.
                Err(PrivateFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                    files = self.read_once();
                }
                _read_or_failed => break,
            }
        }
        files
    }

    fn read_once(&self) -> Result<Vec<(u32, Zeroizing<Vec<u8>>)>, PrivateFileError> {
        let read = |number| Ok((number, private_file::read(&self.path(number))?));
        self.numbers()?.into_iter().map(read).collect()
    }

    /// Adds a key. Returns `false` if a key has the number already.
    pub(crate) fn add(&self, number: u32, contents: &[u8]) -> Result<bool, PrivateFileError> {
        private_file::create(&self.path(number), contents)
    }

    /// Removes a key. It is not an error if another process has removed it.
    pub(crate) fn remove(&self, number: u32) -> Result<(), PrivateFileError> {
        let path = self.path(number);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(PrivateFileError::Io { path, source })
            }
            _gone => Ok(()),
        }
    }

    fn numbers(&self) -> Result<Vec<u32>, PrivateFileError> {
        let failed = |source| PrivateFileError::Io { path: self.0.clone(), source };
        let entries = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            // Skip other names, such as those of unfinished files.
            let number = name.to_str().and_then(|name| name.strip_suffix(EXTENSION)?.parse().ok());
            numbers.extend(number.filter(|number| *name == *file_name(*number)));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn path(&self, number: u32) -> PathBuf {
        self.0.join(file_name(number))
    }
}

fn file_name(number: u32) -> String {
    format!("{number:06}{EXTENSION}")
}

const EXTENSION: &str = ".json";
/// Processes remove keys once in weeks, so 16 collisions in a row have another cause.
const ATTEMPTS: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn add_takes_each_number_once() {
        let directory = std::env::temp_dir().join(format!("tollgate-key-files-{}", std::process::id()));
        drop(fs::remove_dir_all(&directory));
        let files = KeyFiles::new(&directory);
        assert!(files.read().unwrap().is_empty());
        assert!(files.add(2, b"two").unwrap());
        assert!(files.add(1, b"one").unwrap());
        assert!(!files.add(2, b"another").unwrap());
        for name in ["notes.txt", "3.json", "000004.new-1-1", "+00005.json"] {
            fs::write(directory.join(name), "something else").unwrap();
        }
        let read: Vec<_> =
            files.read().unwrap().into_iter().map(|(number, text)| (number, text.to_vec())).collect();
        assert_eq!(read, [(1, b"one".to_vec()), (2, b"two".to_vec())]);
        files.remove(1).unwrap();
        files.remove(1).unwrap();
        assert_eq!(files.read().unwrap().len(), 1);
        fs::remove_dir_all(directory).unwrap();
    }
}
