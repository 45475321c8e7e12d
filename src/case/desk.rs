//! The thread that writes decisions and picks up those of others: no disk and no lock holds the screen up.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use super::Decision;
use super::file::{CaseFile, News};

/// Between two looks at the file.
const EVERY: Duration = Duration::from_secs(1);
/// Maximum number of unprompted retries of a failed write. A disk that takes lines and then reports that it did not
/// must not be filled with them.
const MAX_TRIES: u32 = 10;

/// A report of the desk.
#[derive(Debug)]
pub enum Report {
    /// News in the file, own decisions included: the file's order holds for all consoles.
    News(News),
    /// Decisions are on the disk.
    Written,
    /// Decisions are not; they are tried again a few times, with the next ones and at the end, which is not reported
    /// again.
    NotWritten(String),
    /// The file can't be read.
    NotRead(String),
}

/// A desk at work.
#[derive(Debug)]
pub struct Desk {
    orders: Option<Sender<Vec<Decision>>>,
    thread: Option<JoinHandle<Result<(), String>>>,
}

impl Desk {
    /// Opens a desk over a file; it reads at once, then looks once a second.
    ///
    /// # Errors
    /// A sentence, where no thread can be started.
    pub fn open(mut file: CaseFile, mut tell: impl FnMut(Report) + Send + 'static) -> Result<Self, String> {
        let (orders, incoming) = mpsc::channel::<Vec<Decision>>();
        let work = move || {
            let mut unwritten: Vec<Decision> = Vec::new();
            let mut last_error = None;
            let mut tries = 0;
            loop {
                let mut wait = EVERY;
                match file.news() {
                    Ok(news) if news.is_empty() => last_error = None,
                    Ok(news) => {
                        last_error = None;
                        if news.has_more {
                            wait = Duration::ZERO;
                        }
                        tell(Report::News(news));
                    }
                    Err(error) => {
                        // Once is enough.
                        if last_error.as_ref() != Some(&error) {
                            tell(Report::NotRead(error.clone()));
                            last_error = Some(error);
                        }
                    }
                }
                let mut is_news = true;
                let is_open = match incoming.recv_timeout(wait) {
                    Ok(decisions) => {
                        unwritten.extend(decisions);
                        unwritten.extend(incoming.try_iter().flatten());
                        tries = 0;
                        true
                    }
                    Err(RecvTimeoutError::Timeout) if unwritten.is_empty() || tries == MAX_TRIES => continue,
                    Err(RecvTimeoutError::Timeout) => {
                        is_news = false;
                        tries += 1;
                        true
                    }
                    Err(RecvTimeoutError::Disconnected) => false,
                };
                let written = file.append(&unwritten);
                if written.is_ok() {
                    unwritten.clear();
                }
                match (is_open, written) {
                    (true, Ok(())) => tell(Report::Written),
                    (true, Err(error)) if is_news => tell(Report::NotWritten(error)),
                    (true, Err(_)) => {}
                    (false, written) => return written,
                }
            }
        };
        let thread = std::thread::Builder::new()
            .name("case file".to_owned())
            .spawn(work)
            .map_err(|error| format!("no thread could be started for the case file: {error}"))?;
        Ok(Self { orders: Some(orders), thread: Some(thread) })
    }

    /// Has decisions written.
    pub fn write(&self, decisions: Vec<Decision>) {
        if let Some(orders) = &self.orders {
            // The thread ends only after this side.
            let _ = orders.send(decisions);
        }
    }

    /// Waits until all is written.
    ///
    /// # Errors
    /// A sentence, where something could not be.
    pub fn close(mut self) -> Result<(), String> {
        drop(self.orders.take());
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(written)) => written,
            Some(Err(_)) => Err("the thread of the case file failed, which is a bug".to_owned()),
            None => Ok(()),
        }
    }
}
