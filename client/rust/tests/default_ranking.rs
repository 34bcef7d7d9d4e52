//! The caller's own ranking keeps to the request's requirements, and owns up to what it cannot
//! check.

use pointsman_client::DefaultRanking;
use pointsman_client::v1::{
    Catalogue, Limits, Model, Outcome, RejectionReason, Requirements, RouteRequest, RouteResponse,
};

fn two_models() -> Catalogue {
    let small = Model { id: "small".into(), context_window_tokens: Some(8000), ..Model::default() };
    let large = Model {
        id: "large".into(),
        features: vec!["tools".into()],
        tags: vec!["region:eu".into()],
        context_window_tokens: Some(200_000),
        ..Model::default()
    };
    Catalogue { models: vec![small, large], ..Catalogue::default() }
}

fn decide(request: &RouteRequest) -> RouteResponse {
    let ranking = DefaultRanking::from_catalogue(&two_models(), ["small", "large"]).unwrap();
    ranking.decide(request).response
}

fn requiring(requirements: Requirements) -> RouteRequest {
    RouteRequest { requirements: Some(requirements), ..RouteRequest::default() }
}

#[test]
fn the_first_model_is_taken() {
    let response = decide(&RouteRequest { correlation_id: "c".into(), ..RouteRequest::default() });
    assert_eq!(response.outcome(), Outcome::Chosen);
    assert_eq!(response.model, "small");
    assert_eq!(response.candidates.len(), 2);
    assert_eq!(response.correlation_id, "c");
}

#[test]
fn deny_and_allow_lists_are_honoured() {
    let mut requirements =
        Requirements { deny_models: vec!["small".into()], ..Requirements::default() };
    assert_eq!(decide(&requiring(requirements.clone())).model, "large");
    requirements.allow_models = vec!["small".into()];
    let response = decide(&requiring(requirements));
    assert_eq!(response.outcome(), Outcome::Infeasible);
    assert_eq!(response.model, "");
    assert_eq!(response.rejected[0].reason(), RejectionReason::Denied);
    assert_eq!(response.rejected[1].reason(), RejectionReason::NotAllowed);
}

#[test]
fn features_and_tags_are_honoured() {
    let response = decide(&requiring(Requirements {
        features: vec!["tools".into()],
        ..Requirements::default()
    }));
    assert_eq!(response.model, "large");
    assert_eq!(response.rejected[0].reason(), RejectionReason::MissingFeature);
    assert_eq!(response.rejected[0].detail, "tools");
    let response = decide(&requiring(Requirements {
        tags: vec!["region:eu".into()],
        ..Requirements::default()
    }));
    assert_eq!(response.model, "large");
    assert_eq!(response.rejected[0].reason(), RejectionReason::MissingTag);
}

#[test]
fn context_is_that_of_input_and_output() {
    let response = decide(&RouteRequest {
        input_tokens: Some(7900),
        expected_output_tokens: Some(500),
        ..RouteRequest::default()
    });
    assert_eq!(response.model, "large");
    assert_eq!(response.rejected[0].reason(), RejectionReason::ContextTooSmall);
    assert_eq!(response.rejected[0].limit, Some(8400.0));
    assert_eq!(response.rejected[0].value, Some(8000.0));
}

#[test]
fn what_is_unknown_satisfies_no_requirement() {
    let bare = DefaultRanking::from_ids(["bare"]);
    let stated = requiring(Requirements { context_tokens: Some(1000), ..Requirements::default() });
    let response = bare.decide(&stated).response;
    assert_eq!(response.outcome(), Outcome::Infeasible);
    assert_eq!(response.rejected[0].reason(), RejectionReason::ContextUnknown);
    assert_eq!(response.rejected[0].limit, Some(1000.0));
    assert_eq!(response.rejected[0].value, None);
    let merely_counted = RouteRequest { input_tokens: Some(1000), ..RouteRequest::default() };
    assert_eq!(bare.decide(&merely_counted).response.model, "bare");
}

#[test]
fn limits_that_cannot_be_checked_are_named() {
    let ranking = DefaultRanking::from_ids(["a"]);
    let request = RouteRequest {
        limits: Some(Limits {
            max_cost_usd: Some(0.01),
            min_success_probability: Some(0.9),
            ..Limits::default()
        }),
        ..RouteRequest::default()
    };
    assert_eq!(
        ranking.decide(&request).unchecked_limits,
        ["limits.max_cost_usd", "limits.min_success_probability"]
    );
    assert!(ranking.decide(&RouteRequest::default()).unchecked_limits.is_empty());
}

#[test]
fn an_empty_ranking_is_infeasible() {
    let response = DefaultRanking::default().decide(&RouteRequest::default()).response;
    assert_eq!(response.outcome(), Outcome::Infeasible);
}

#[test]
fn an_unknown_id_is_named() {
    let error = DefaultRanking::from_catalogue(&two_models(), ["small", "huge"]).unwrap_err();
    assert_eq!(error.to_string(), "the catalogue has no model `huge`");
}
