//! A decision as people read it.

use pointsman_client::explain;
use pointsman_client::v1::{
    Candidate, CapabilityWeight, Degradation, DegradationKind, Evidence, Interval, Outcome,
    Provenance, Rejection, RejectionReason, Relaxation, RouteResponse,
};

fn candidate(model: &str, lower: f64, upper: f64) -> Candidate {
    Candidate {
        model: model.into(),
        success_probability: 0.875,
        cost_usd: Some(0.00125),
        tradeoff_interval: Some(Interval { lower, upper }),
        ..Candidate::default()
    }
}

fn chosen() -> RouteResponse {
    RouteResponse {
        outcome: Outcome::Chosen.into(),
        model: "medium".into(),
        confidence: 0.93,
        margin: 0.71,
        familiarity: 0.55,
        candidates: vec![
            candidate("medium", 0.25, 0.75),
            candidate("large", 0.0, 0.25),
            candidate("tiny", 0.75, 1.0),
        ],
        rejected: vec![Rejection {
            model: "huge".into(),
            reason: RejectionReason::CostAboveLimit.into(),
            limit: Some(0.01),
            value: Some(0.034),
            ..Rejection::default()
        }],
        capabilities: vec![CapabilityWeight { capability: "debugging".into(), weight: 0.8 }],
        difficulty: Some(0.12),
        provenance: Some(Provenance {
            bundle_digest: "0123456789abcdef".into(),
            bundle_version: "2026-11".into(),
            policy: "balanced".into(),
            ..Provenance::default()
        }),
        decision_id: "01J".into(),
        ..RouteResponse::default()
    }
}

fn infeasible(relaxation: Relaxation) -> String {
    explain(&RouteResponse {
        outcome: Outcome::Infeasible.into(),
        relaxation: Some(relaxation),
        ..RouteResponse::default()
    })
}

#[test]
fn a_choice_is_told_from_the_model_to_its_origin() {
    assert_eq!(
        explain(&chosen()),
        "\
medium  confidence 0.93, margin 0.71, familiarity 0.55
needs debugging 0.80; difficulty 0.12

  #  candidate  success  90 % interval  cost USD  latency ms  output tokens  utility  evidence  wins at tradeoff
  1  medium       0.875   0.00 to 0.00  0.001250     unknown              0   0.0000       0.0  0.25 to 0.75
  2  large        0.875   0.00 to 0.00  0.001250     unknown              0   0.0000       0.0  0.00 to 0.25
  3  tiny         0.875   0.00 to 0.00  0.001250     unknown              0   0.0000       0.0  0.75 to 1.00

  rejected  why               limit  value
  huge      cost above limit   0.01  0.034

  what would change the decision
  best value by tradeoff (0 = quality only, 1 = cost only): 0.00 to 0.25 large, 0.25 to 0.75 medium \
(this choice), 0.75 to 1.00 tiny
  more evidence: with a probability of 0.29 the runner-up large is really the better choice
  huge needs limits.max_cost_usd at 0.034 instead of 0.01

policy balanced, bundle 2026-11 0123456789ab, decision 01J
"
    );
}

#[test]
fn infeasible_names_the_smallest_relaxation() {
    let raised = infeasible(Relaxation {
        field: "limits.max_cost_usd".into(),
        current: Some(0.00002),
        needed: Some(0.0015),
        model: "tiny".into(),
        ..Relaxation::default()
    });
    assert!(raised.starts_with(
        "no model qualifies: raise limits.max_cost_usd from 0.00002 to 0.0015 and tiny qualifies\n"
    ));
    let lowered = infeasible(Relaxation {
        field: "limits.min_success_probability".into(),
        current: Some(0.99),
        needed: Some(0.9),
        model: "large".into(),
        ..Relaxation::default()
    });
    assert!(lowered.contains("lower limits.min_success_probability from 0.99 to 0.9 and"));
}

#[test]
fn a_relaxation_without_a_number_drops_a_name_or_the_limit() {
    let mut relaxation = Relaxation {
        field: "requirements.features".into(),
        detail: "vision".into(),
        model: "large".into(),
        ..Relaxation::default()
    };
    let name = infeasible(relaxation.clone());
    assert!(name.contains("drop `vision` from requirements.features and large qualifies"));
    relaxation.field = "limits.max_cost_usd".into();
    relaxation.detail = String::new();
    assert!(infeasible(relaxation).contains("drop limits.max_cost_usd and large qualifies"));
}

#[test]
fn an_abstention_says_so() {
    let text = explain(&RouteResponse {
        outcome: Outcome::Abstained.into(),
        familiarity: 0.01,
        ..RouteResponse::default()
    });
    assert_eq!(text, "abstained  the policy prefers not to choose; familiarity 0.01\n");
}

#[test]
fn evidence_rules_and_degradations_are_shown() {
    let text = explain(&RouteResponse {
        rules_fired: vec!["legal-needs-eu".into()],
        evidence: vec![Evidence {
            exemplar_id: "debugging-0007".into(),
            text: "why does my loop never end?".into(),
            similarity: 0.83,
            ..Evidence::default()
        }],
        degradations: vec![Degradation {
            kind: DegradationKind::Unfamiliar.into(),
            detail: "familiarity 0.01 is below 0.02".into(),
        }],
        ..chosen()
    });
    for part in [
        "  weakened by\n  unfamiliar: familiarity 0.01 is below 0.02\n",
        "  rules that fired\n  legal-needs-eu\n",
        "  debugging-0007        0.83   0.000  why does my loop never end?\n",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn a_reason_of_a_newer_router_is_shown_by_its_number() {
    let mut response = chosen();
    response.rejected[0].reason = 99;
    assert!(explain(&response).contains("huge      reason 99"));
}

#[test]
fn text_from_the_wire_cannot_drive_the_terminal() {
    let mut response = chosen();
    response.model = "me\u{1b}[2Jdium".into();
    response.evidence =
        vec![Evidence { text: "line one\nline two\u{9b}".into(), ..Evidence::default() }];
    let text = explain(&response);
    assert!(text.starts_with("me [2Jdium  confidence"), "{text}");
    assert!(text.contains("line one line two\n"), "{text}");
    assert!(!text.contains(['\u{1b}', '\u{9b}']), "{text}");
}

#[test]
fn long_text_is_cut_between_characters() {
    let mut response = chosen();
    response.evidence = vec![Evidence { text: "λ".repeat(100), ..Evidence::default() }];
    assert!(explain(&response).contains(&format!("  {}...\n", "λ".repeat(70))));
}
