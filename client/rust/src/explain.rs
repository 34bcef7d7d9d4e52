//! A decision as text for people.

use crate::client::{Routed, Source};
use crate::text_table::{Align, TextTable, one_line, safe};
use crate::v1::{DegradationKind, Interval, Outcome, RejectionReason, RouteResponse};
use crate::what_would_change::{number, relaxation_sentence, what_would_change};

const MAX_TEXT_CHARACTERS: usize = 70; // of an exemplar: enough to recognise it
const DIGEST_CHARACTERS: usize = 12;

/// A decision in several lines: the choice, the ranked candidates, the rejected models, what weakened
/// it, the evidence and the rules that fired (both only in answers to requests with `explain`), what
/// would change it, and where it was made. Text from the wire is made safe for a terminal.
///
/// Pure: the same decision gives the same text.
#[must_use]
pub fn explain(response: &RouteResponse) -> String {
    let body = [
        head(response),
        needs(response),
        candidates(response),
        rejected(response),
        degradations(response),
        reasons(response),
    ]
    .concat();
    let foot = against_baseline(response) + &origin(response);
    if foot.is_empty() { body } else { format!("{body}\n{foot}") }
}

/// The same; where no router decided, under a first line that says so with the router's error.
#[must_use]
pub fn explain_routed(routed: &Routed) -> String {
    let response = &routed.response;
    let Source::DefaultRanking { router_error, unchecked_limits } = &routed.source else {
        return explain(response);
    };
    let mut text = format!(
        "the caller's default ranking, no router decided: {}\n",
        safe(&router_error.to_string())
    );
    for limit in unchecked_limits {
        text += &format!("  not checked: {limit}\n");
    }
    if response.model.is_empty() {
        text += "no model of the ranking meets the requirements";
    } else {
        text += &safe(&response.model);
    }
    text + "\n" + &rejected(response)
}

fn head(response: &RouteResponse) -> String {
    match response.outcome() {
        Outcome::Chosen => format!(
            "{}  confidence {:.2}, margin {:.2}, familiarity {:.2}\n",
            safe(&response.model),
            response.confidence,
            response.margin,
            response.familiarity
        ),
        Outcome::Infeasible => {
            let relaxation = response.relaxation.as_ref().map(relaxation_sentence);
            let help = relaxation.unwrap_or("no single change of limits would help".into());
            format!("no model qualifies: {help}\n")
        }
        Outcome::Abstained => format!(
            "abstained  the policy prefers not to choose; familiarity {:.2}\n",
            response.familiarity
        ),
        Outcome::Unspecified => "no outcome in the answer\n".into(),
    }
}

fn needs(response: &RouteResponse) -> String {
    let capabilities: Vec<String> = response
        .capabilities
        .iter()
        .map(|entry| format!("{} {:.2}", safe(&entry.capability), entry.weight))
        .collect();
    let mut parts = Vec::new();
    if !capabilities.is_empty() {
        parts.push(format!("needs {}", capabilities.join(", ")));
    }
    if let Some(difficulty) = response.difficulty {
        parts.push(format!("difficulty {difficulty:.2}"));
    }
    if parts.is_empty() {
        return String::new();
    }
    parts.join("; ") + "\n"
}

fn candidates(response: &RouteResponse) -> String {
    if response.candidates.is_empty() {
        return String::new();
    }
    let mut table = TextTable::new([
        ("#", Align::Right),
        ("candidate", Align::Left),
        ("success", Align::Right),
        ("90 % interval", Align::Right),
        ("cost USD", Align::Right),
        ("latency ms", Align::Right),
        ("output tokens", Align::Right),
        ("utility", Align::Right),
        ("evidence", Align::Right),
        ("wins at tradeoff", Align::Left),
    ]);
    for (rank, candidate) in (1..).zip(&response.candidates) {
        let unknown = || "unknown".to_owned();
        table.add_row([
            format!("{rank}"),
            safe(&candidate.model),
            format!("{:.3}", candidate.success_probability),
            range(candidate.success_interval.unwrap_or_default()),
            candidate.cost_usd.map_or_else(unknown, |cost| format!("{cost:.6}")),
            candidate.latency_ms.map_or_else(unknown, |ms| format!("{ms:.0}")),
            format!("{:.0}", candidate.output_tokens),
            format!("{:.4}", candidate.utility),
            format!("{:.1}", candidate.effective_evidence),
            candidate.tradeoff_interval.map_or(String::new(), range),
        ]);
    }
    format!("\n{}", table.render())
}

fn range(interval: Interval) -> String {
    format!("{:.2} to {:.2}", interval.lower, interval.upper)
}

fn rejected(response: &RouteResponse) -> String {
    if response.rejected.is_empty() {
        return String::new();
    }
    let mut table = TextTable::new([
        ("rejected", Align::Left),
        ("why", Align::Left),
        ("limit", Align::Right),
        ("value", Align::Right),
        ("detail", Align::Left),
    ]);
    for rejection in &response.rejected {
        let reason = RejectionReason::try_from(rejection.reason);
        table.add_row([
            safe(&rejection.model),
            reason.map_or_else(
                |_| format!("reason {}", rejection.reason),
                |reason| words(reason.as_str_name(), "REJECTION_REASON_"),
            ),
            rejection.limit.map_or(String::new(), number),
            rejection.value.map_or(String::new(), number),
            one_line(&rejection.detail, MAX_TEXT_CHARACTERS),
        ]);
    }
    format!("\n{}", table.render())
}

fn degradations(response: &RouteResponse) -> String {
    let line = |degradation: &crate::v1::Degradation| {
        let kind = DegradationKind::try_from(degradation.kind).map_or_else(
            |_| format!("degradation {}", degradation.kind),
            |kind| words(kind.as_str_name(), "DEGRADATION_KIND_"),
        );
        format!("{kind}: {}", one_line(&degradation.detail, 2 * MAX_TEXT_CHARACTERS))
    };
    paragraph("weakened by", response.degradations.iter().map(line))
}

fn reasons(response: &RouteResponse) -> String {
    let rules = response.rules_fired.iter().map(|rule| safe(rule));
    evidence(response)
        + &paragraph("rules that fired", rules)
        + &paragraph("what would change the decision", what_would_change(response))
}

fn evidence(response: &RouteResponse) -> String {
    if response.evidence.is_empty() {
        return String::new();
    }
    let mut table = TextTable::new([
        ("evidence", Align::Left),
        ("similarity", Align::Right),
        ("weight", Align::Right),
        ("capability", Align::Left),
        ("difficulty", Align::Right),
        ("outcomes", Align::Right),
        ("text", Align::Left),
    ]);
    for entry in &response.evidence {
        let outcomes = entry.outcomes.len();
        table.add_row([
            safe(&entry.exemplar_id),
            format!("{:.2}", entry.similarity),
            format!("{:.3}", entry.weight),
            safe(&entry.capability),
            entry.difficulty.map_or(String::new(), |difficulty| format!("{difficulty:.2}")),
            if outcomes == 0 { String::new() } else { outcomes.to_string() },
            one_line(&entry.text, MAX_TEXT_CHARACTERS),
        ]);
    }
    format!("\n{}", table.render())
}

fn against_baseline(response: &RouteResponse) -> String {
    let Some(baseline) = &response.baseline else {
        return String::new();
    };
    if response.outcome() != Outcome::Chosen {
        return String::new();
    }
    let cost = baseline.cost_usd.map_or(String::new(), |cost| format!(", cost {cost:.6} USD"));
    format!("always {}: success {:.3}{cost}\n", safe(&baseline.model), baseline.success_probability)
}

fn origin(response: &RouteResponse) -> String {
    let Some(from) = &response.provenance else {
        return String::new();
    };
    let mut text = format!("policy {}, bundle ", safe(&from.policy));
    if !from.bundle_version.is_empty() {
        text += &one_line(&from.bundle_version, MAX_TEXT_CHARACTERS);
        text += " ";
    }
    text.extend(safe(&from.bundle_digest).chars().take(DIGEST_CHARACTERS));
    if !response.decision_id.is_empty() {
        text += &format!(", decision {}", safe(&response.decision_id));
    }
    if from.explored {
        text += &format!(", explored with propensity {:.3}", from.exploration_propensity);
    }
    if let Some(timings) = &response.timings {
        text += &format!(", {:.0} us", timings.total_us);
    }
    text + "\n"
}

/// Indented lines under a title; nothing where there are none.
fn paragraph(title: &str, lines: impl IntoIterator<Item = String>) -> String {
    let text: String = lines.into_iter().map(|line| format!("  {line}\n")).collect();
    if text.is_empty() {
        return text;
    }
    format!("\n  {title}\n{text}")
}

/// `REJECTION_REASON_COST_ABOVE_LIMIT` -> "cost above limit".
fn words(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).replace('_', " ").to_lowercase()
}
