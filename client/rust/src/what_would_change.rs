//! What would change a decision: the tradeoff, more evidence, or other limits.

use crate::text_table::safe;
use crate::v1::{
    Candidate, Interval, Outcome, Rejection, RejectionReason, Relaxation, RouteResponse,
};

/// Below this a runner-up is not worth a sentence.
const MIN_DOUBT: f64 = 0.005;

/// One sentence each, without a full stop; empty where nothing is known to change it.
pub(crate) fn what_would_change(response: &RouteResponse) -> Vec<String> {
    let relaxation = response.relaxation.as_ref().map(relaxation_sentence);
    relaxation
        .into_iter()
        .chain(tradeoff_sentence(response))
        .chain(margin_sentence(response))
        .chain(response.rejected.iter().filter_map(limit_sentence))
        .collect()
}

/// "raise limits.max_cost_usd from 0.001 to 0.0042 and model-x qualifies".
pub(crate) fn relaxation_sentence(relaxation: &Relaxation) -> String {
    let field = safe(&relaxation.field);
    let model = safe(&relaxation.model);
    let Some(needed) = relaxation.needed else {
        return if relaxation.detail.is_empty() {
            // The model's value is unknown, so no number would do.
            format!("drop {field} and {model} qualifies")
        } else {
            let detail = safe(&relaxation.detail);
            format!("drop `{detail}` from {field} and {model} qualifies")
        };
    };
    let raise = relaxation.current.is_none_or(|current| needed >= current);
    let verb = if raise { "raise" } else { "lower" };
    let from =
        relaxation.current.map_or(String::new(), |current| format!(" from {}", number(current)));
    let to = admitting_limit(needed, relaxation.current.unwrap_or(0.0));
    format!("{verb} {field}{from} to {to} and {model} qualifies")
}

/// Who wins in which part of 0..1: "0.00 to 0.31 a, 0.31 to 0.80 b (this choice), 0.80 to 1.00 c".
fn tradeoff_sentence(response: &RouteResponse) -> Option<String> {
    let winner = |candidate: &Candidate| {
        let interval = candidate.tradeoff_interval?;
        Some((safe(&candidate.model), interval))
    };
    let mut winners: Vec<(String, Interval)> =
        response.candidates.iter().filter_map(winner).collect();
    winners.sort_by(|a, b| a.1.lower.total_cmp(&b.1.lower));
    if let [(model, interval)] = winners.as_slice() {
        return Some(format!(
            "{model} has the best value at every tradeoff from {:.2} to {:.2}",
            interval.lower, interval.upper
        ));
    }
    let parts: Vec<String> = winners
        .iter()
        .map(|(model, interval)| {
            let is_choice = *model == safe(&response.model);
            let mark = if is_choice { " (this choice)" } else { "" };
            format!("{:.2} to {:.2} {model}{mark}", interval.lower, interval.upper)
        })
        .collect();
    (!parts.is_empty()).then(|| {
        format!("best value by tradeoff (0 = quality only, 1 = cost only): {}", parts.join(", "))
    })
}

fn margin_sentence(response: &RouteResponse) -> Option<String> {
    let doubt = 1.0 - response.margin;
    if response.outcome() != Outcome::Chosen || doubt < MIN_DOUBT {
        return None;
    }
    let runner_up =
        response.candidates.iter().find(|candidate| candidate.model != response.model)?;
    Some(format!(
        "more evidence: with a probability of {doubt:.2} the runner-up {} is really the better choice",
        safe(&runner_up.model)
    ))
}

/// What the model lacks first; a model may lack more, so it is not said to be admitted then.
fn limit_sentence(rejection: &Rejection) -> Option<String> {
    let field = limit_field(rejection.reason())?;
    let model = safe(&rejection.model);
    Some(match (rejection.limit, rejection.value) {
        (Some(limit), Some(value)) => format!(
            "{model} needs {field} at {} instead of {}",
            admitting_limit(value, limit),
            number(limit)
        ),
        _ => format!("{model} needs {field} dropped: its own value is unknown"),
    })
}

/// The field of the request that a rejection for this reason is about.
fn limit_field(reason: RejectionReason) -> Option<&'static str> {
    match reason {
        RejectionReason::ContextTooSmall | RejectionReason::ContextUnknown => {
            Some("requirements.context_tokens")
        }
        RejectionReason::CostAboveLimit | RejectionReason::CostUnknown => {
            Some("limits.max_cost_usd")
        }
        RejectionReason::LatencyAboveLimit | RejectionReason::LatencyUnknown => {
            Some("limits.max_latency_ms")
        }
        RejectionReason::SuccessBelowLimit => Some("limits.min_success_probability"),
        _ => None,
    }
}

/// A limit that admits `value`, short enough to be typed: rounded away from `limit`, since one that
/// is rounded towards it would just miss.
fn admitting_limit(value: f64, limit: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let scale = 10_f64.powf(3.0 - value.abs().log10().floor());
    let rounded = (value * scale).round() / scale;
    let away = if value > limit { 1.0 } else { -1.0 };
    if (rounded - value) * away >= 0.0 { number(rounded) } else { number(rounded + away / scale) }
}

/// A number as people read it: four significant digits, no exponent for small amounts of money.
pub(crate) fn number(value: f64) -> String {
    let magnitude = value.abs();
    if magnitude >= 1000.0 || !value.is_finite() {
        return format!("{value:.0}");
    }
    // After rounding to four digits, which may carry: 9.9999 is 10.
    let exponent = match format!("{value:.3e}").split_once('e') {
        Some((_, exponent)) if value != 0.0 => exponent.parse().unwrap_or(0),
        _ => 0_i32,
    };
    let decimals = usize::try_from(3 - exponent).unwrap_or(0);
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits_and_no_exponent() {
        for (value, text) in [
            (0.0, "0"),
            (0.00002, "0.00002"),
            (0.000_003_301_54, "0.000003302"),
            (0.01, "0.01"),
            (0.876_59, "0.8766"),
            (9.999_96, "10"),
            (999.96, "1000"),
            (8400.0, "8400"),
            (123_456.7, "123457"),
            (-2.5, "-2.5"),
        ] {
            assert_eq!(number(value), text);
        }
    }

    #[test]
    fn a_limit_is_never_rounded_to_one_that_just_misses() {
        assert_eq!(admitting_limit(0.000_003_301_54, 0.000_001), "0.000003302");
        assert_eq!(admitting_limit(0.876_59, 0.99), "0.8765");
        assert_eq!(admitting_limit(0.034, 0.01), "0.034");
        assert_eq!(admitting_limit(0.0, 1.0), "0");
    }
}
