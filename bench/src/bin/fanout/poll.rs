//! Waiting for many sockets at a time: epoll, level-triggered.
//!
//! Invariant: what is watched is told by the token it was given.

use std::{io, os::fd::AsFd, os::fd::OwnedFd, time::Duration};

use rustix::{
    buffer::spare_capacity,
    event::{
        Timespec,
        epoll::{self, CreateFlags, Event, EventData, EventFlags},
    },
};

/// Sockets told at a time: few enough that the time of day is right for each.
const AT_A_TIME: usize = 256;

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Interest {
    Readable,
    Writable,
}

/// Many sockets that are waited for.
pub(crate) struct Poll {
    epoll: OwnedFd,
    ready: Vec<Event>,
}

impl Poll {
    /// # Errors
    /// When there are no more file descriptors.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self {
            epoll: epoll::create(CreateFlags::CLOEXEC)?,
            ready: Vec::with_capacity(AT_A_TIME),
        })
    }

    /// Waits for `file` from now on. Closing the file ends it.
    ///
    /// # Errors
    /// When the kernel cannot watch it.
    pub(crate) fn watch(
        &self,
        file: impl AsFd,
        token: usize,
        interest: Interest,
    ) -> io::Result<()> {
        Ok(epoll::add(
            &self.epoll,
            file,
            data(token),
            interest.flags(),
        )?)
    }

    /// Waits for something else of a `file` that is watched.
    ///
    /// # Errors
    /// When it is not watched.
    pub(crate) fn change(
        &self,
        file: impl AsFd,
        token: usize,
        interest: Interest,
    ) -> io::Result<()> {
        Ok(epoll::modify(
            &self.epoll,
            file,
            data(token),
            interest.flags(),
        )?)
    }

    /// Waits until something is ready or `patience` is over; without it, for ever.
    /// Tokens of what is ready are put into `tokens`.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(crate) fn wait(
        &mut self,
        patience: Option<Duration>,
        tokens: &mut Vec<usize>,
    ) -> io::Result<()> {
        let patience = patience.map(|patience| Timespec {
            tv_sec: patience.as_secs() as i64,
            tv_nsec: patience.subsec_nanos().into(),
        });
        self.ready.clear();
        tokens.clear();
        match epoll::wait(
            &self.epoll,
            spare_capacity(&mut self.ready),
            patience.as_ref(),
        ) {
            Ok(_) => {}
            Err(error) if error == rustix::io::Errno::INTR => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        tokens.extend(self.ready.iter().map(|event| token(*event)));
        Ok(())
    }
}

impl Interest {
    const fn flags(self) -> EventFlags {
        match self {
            Self::Readable => EventFlags::IN,
            Self::Writable => EventFlags::OUT,
        }
    }
}

fn data(token: usize) -> EventData {
    EventData::new_u64(token as u64)
}

fn token(event: Event) -> usize {
    let data = event.data;
    data.u64() as usize
}
