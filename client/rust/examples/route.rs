//! One decision: `cargo run --example route -- "Why does my loop never end?"`.

use pointsman_client::v1::Outcome;
use pointsman_client::{Client, ConnectOptions, DEFAULT_TARGET};
use std::env;
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let router = Client::new(ConnectOptions {
        target: env::var("POINTSMAN_TARGET").unwrap_or(DEFAULT_TARGET.into()),
        ..ConnectOptions::default()
    })?;
    let query = env::args().nth(1);
    let query = query.unwrap_or("Prove that there are infinitely many primes.".into());

    let decision = router.route(&query.into()).await?;
    match decision.outcome() {
        Outcome::Chosen => println!("{} ({:.2})", decision.model, decision.confidence),
        outcome => println!("{}", outcome.as_str_name()),
    }
    Ok(())
}
