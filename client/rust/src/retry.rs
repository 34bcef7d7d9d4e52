//! Attempts at one call, as gRPC's retry design (gRFC A6) has them; tonic has none of its own.
//!
//! The n-th retry waits min(initial * multiplier^(n-1), max) * random(0.8, 1.2), or as long as the
//! server asks with `grpc-retry-pushback-ms`; one deadline covers it all.

use crate::error::{Error, is_timeout};
use crate::options::RetryOptions;
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};
use tonic::{Code, Response, Status};

const PUSHBACK: &str = "grpc-retry-pushback-ms";
/// Stands for "never" where a deadline would overflow the clock.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// Calls `attempt` with its number, from 0, and the time left, until it succeeds, fails for good,
/// or `budget` is used up.
pub(crate) async fn call<T, Attempt>(
    budget: Duration,
    options: &RetryOptions,
    mut attempt: impl FnMut(u32, Duration) -> Attempt,
) -> Result<T, Error>
where
    Attempt: Future<Output = Result<Response<T>, Status>>,
{
    if budget.is_zero() {
        let problem = "the deadline must be > 0 ms; it is 0 ms";
        return Err(Error::new(Code::InvalidArgument, problem));
    }
    let deadline = Instant::now() + budget.min(FAR);
    let mut last = None;
    let attempts = async {
        let mut backoff = Backoff::new(options);
        for number in 0.. {
            let left = deadline.saturating_duration_since(Instant::now());
            let status = match attempt(number, left).await {
                Ok(response) => return Ok(response.into_inner()),
                Err(status) if is_timeout(&status) => break,
                Err(status) => status,
            };
            let pushback = Pushback::of(&status);
            let error = Error::from(status);
            if error.code() != Code::Unavailable || number + 1 >= options.max_attempts {
                return Err(error);
            }
            let Some(wait) = backoff.after(pushback) else {
                return Err(error);
            };
            last = Some(error);
            sleep(wait).await;
        }
        Err(Error::deadline_exceeded(budget, last.as_ref()))
    };
    match timeout_at(deadline, attempts).await {
        Ok(result) => result,
        Err(_) => Err(Error::deadline_exceeded(budget, last.as_ref())),
    }
}

/// What the server asks of the next attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pushback {
    None,
    Wait(Duration),
    Stop,
}

impl Pushback {
    /// As the design has it, what is negative or no number means: do not try again.
    fn of(status: &Status) -> Self {
        let Some(value) = status.metadata().get(PUSHBACK) else {
            return Self::None;
        };
        let milliseconds = value.to_str().ok().and_then(|text| text.parse().ok());
        milliseconds.map_or(Self::Stop, |ms: u32| Self::Wait(Duration::from_millis(ms.into())))
    }
}

struct Backoff<'a> {
    options: &'a RetryOptions,
    next_seconds: f64,
}

impl<'a> Backoff<'a> {
    fn new(options: &'a RetryOptions) -> Self {
        Self { options, next_seconds: options.initial_backoff.as_secs_f64() }
    }

    /// How long to wait; `None`: do not try again.
    fn after(&mut self, pushback: Pushback) -> Option<Duration> {
        match pushback {
            Pushback::Stop => None,
            Pushback::Wait(wait) => {
                self.next_seconds = self.options.initial_backoff.as_secs_f64();
                Some(wait)
            }
            Pushback::None => {
                let max = self.options.max_backoff;
                let seconds = self.next_seconds * (0.8 + 0.4 * fastrand::f64());
                self.next_seconds =
                    (self.next_seconds * self.options.backoff_multiplier).min(max.as_secs_f64());
                Some(Duration::try_from_secs_f64(seconds).unwrap_or(max))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status_with(pushback: &'static str) -> Status {
        let mut status = Status::unavailable("");
        status.metadata_mut().insert(PUSHBACK, pushback.parse().unwrap());
        status
    }

    #[test]
    fn waits_grow_to_their_bound_within_a_fifth() {
        let options =
            RetryOptions { max_backoff: Duration::from_millis(150), ..RetryOptions::default() };
        for _ in 0..100 {
            let mut backoff = Backoff::new(&options);
            for expected in [0.05, 0.1, 0.15, 0.15] {
                let wait = backoff.after(Pushback::None).unwrap().as_secs_f64();
                let share = wait / expected;
                assert!((0.799..1.201).contains(&share), "{wait} s for {expected} s");
            }
        }
    }

    #[test]
    fn pushback_of_the_server_goes_before_and_starts_anew() {
        let options = RetryOptions::default();
        let mut backoff = Backoff::new(&options);
        for _ in 0..3 {
            backoff.after(Pushback::None);
        }
        let asked = Pushback::of(&status_with("7"));
        assert_eq!(backoff.after(asked), Some(Duration::from_millis(7)));
        assert!(backoff.after(Pushback::None).unwrap() <= Duration::from_millis(60));
        for stop in ["-1", "soon", ""] {
            assert_eq!(backoff.after(Pushback::of(&status_with(stop))), None, "{stop}");
        }
    }
}
