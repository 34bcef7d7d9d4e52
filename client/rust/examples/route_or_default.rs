//! A model whatever happens, and why it was taken: run it with a router and without one.

use pointsman_client::v1::RouteRequest;
use pointsman_client::{Client, ConnectOptions, DEFAULT_TARGET, DefaultRanking, explain_routed};
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
    let request = RouteRequest { explain: true, ..RouteRequest::from(query) };
    // Best first: what this application would take if it had no router.
    let ranking = DefaultRanking::from_ids(["my-default", "my-second-choice"]);

    let routed = router.route_or_default(&request, &ranking).await;
    print!("{}", explain_routed(&routed));
    Ok(())
}
