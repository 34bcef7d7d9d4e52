//! What a caller falls back on when no router answers: its own list of models, best first.
//!
//! It knows nothing of the query, so it promises little: a model that the request's own requirements
//! allow, or none. What it cannot check is named, never assumed.

use crate::v1::{
    Candidate, Catalogue, Limits, Model, Outcome, Rejection, RejectionReason, Requirements,
    RouteRequest, RouteResponse,
};

/// The caller's own models, best first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DefaultRanking {
    /// Ids are enough; features, tags and context windows let requirements be checked.
    pub models: Vec<Model>,
}

/// [`DefaultRanking::from_catalogue`] was given an id that the catalogue does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the catalogue has no model `{id}`")]
pub struct UnknownModel {
    /// That id.
    pub id: String,
}

/// What a ranking alone decides.
#[derive(Clone, Debug, PartialEq)]
pub struct DefaultDecision {
    /// `CHOSEN` with the first model that meets the requirements, or `INFEASIBLE`. Candidates and
    /// rejections are filled in; confidence, margin, familiarity and every estimate stay 0, the
    /// decision id and the provenance empty: nothing was estimated.
    pub response: RouteResponse,
    /// Hard limits of the request that need an estimate, such as `limits.max_cost_usd`: not checked.
    pub unchecked_limits: Vec<&'static str>,
}

impl DefaultRanking {
    /// Models of which only the id is known. A request that requires a feature, a tag or a context
    /// window rejects them, since what is unknown never satisfies a requirement.
    pub fn from_ids<Id: Into<String>>(ids: impl IntoIterator<Item = Id>) -> Self {
        let named = |id: Id| Model { id: id.into(), ..Model::default() };
        Self { models: ids.into_iter().map(named).collect() }
    }

    /// The order of `ids` with what a catalogue, fetched earlier, says of each model.
    ///
    /// # Errors
    /// Names the first id that the catalogue does not have.
    pub fn from_catalogue<Id: AsRef<str>>(
        catalogue: &Catalogue,
        ids: impl IntoIterator<Item = Id>,
    ) -> Result<Self, UnknownModel> {
        let find = |id: Id| {
            let id = id.as_ref();
            let model = catalogue.models.iter().find(|model| model.id == id);
            model.cloned().ok_or_else(|| UnknownModel { id: id.to_owned() })
        };
        let models = ids.into_iter().map(find).collect::<Result<_, _>>()?;
        Ok(Self { models })
    }

    /// Pure: the same ranking and request give the same decision.
    #[must_use]
    pub fn decide(&self, request: &RouteRequest) -> DefaultDecision {
        let mut response = RouteResponse {
            correlation_id: request.correlation_id.clone(),
            ..RouteResponse::default()
        };
        for model in &self.models {
            match check(request, model) {
                Some(rejection) => response.rejected.push(rejection),
                None => response
                    .candidates
                    .push(Candidate { model: model.id.clone(), ..Candidate::default() }),
            }
        }
        match response.candidates.first() {
            Some(first) => {
                response.model.clone_from(&first.model);
                response.set_outcome(Outcome::Chosen);
            }
            None => response.set_outcome(Outcome::Infeasible),
        }
        DefaultDecision { response, unchecked_limits: unchecked_limits(request.limits.as_ref()) }
    }
}

impl From<Vec<Model>> for DefaultRanking {
    fn from(models: Vec<Model>) -> Self {
        Self { models }
    }
}

/// In the order of the enum, as the router does.
fn check(request: &RouteRequest, model: &Model) -> Option<Rejection> {
    let none = Requirements::default();
    let requirements = request.requirements.as_ref().unwrap_or(&none);
    let allowed = &requirements.allow_models;
    let reject = |reason: RejectionReason, detail: &str| {
        Some(Rejection {
            model: model.id.clone(),
            reason: reason.into(),
            detail: detail.to_owned(),
            ..Rejection::default()
        })
    };
    if !allowed.is_empty() && !allowed.contains(&model.id) {
        return reject(RejectionReason::NotAllowed, "");
    }
    if requirements.deny_models.contains(&model.id) {
        return reject(RejectionReason::Denied, "");
    }
    if let Some(feature) = first_missing(&requirements.features, &model.features) {
        return reject(RejectionReason::MissingFeature, feature);
    }
    if let Some(tag) = first_missing(&requirements.tags, &model.tags) {
        return reject(RejectionReason::MissingTag, tag);
    }
    check_context(request, requirements, model)
}

fn first_missing<'a>(required: &'a [String], present: &[String]) -> Option<&'a String> {
    required.iter().find(|name| !present.contains(name))
}

fn check_context(
    request: &RouteRequest,
    requirements: &Requirements,
    model: &Model,
) -> Option<Rejection> {
    let expected_output = request.expected_output_tokens.unwrap_or(0);
    let input_and_output = request.input_tokens.map(|input| input.saturating_add(expected_output));
    // Tokens that must fit; nothing to check where the request gives nothing to go by.
    let needed = requirements.context_tokens.or(input_and_output)?;
    let (reason, value) = match model.context_window_tokens {
        Some(window) if window >= needed => return None,
        Some(window) => (RejectionReason::ContextTooSmall, Some(window as f64)),
        None if requirements.context_tokens.is_none() => return None,
        None => (RejectionReason::ContextUnknown, None),
    };
    Some(Rejection {
        model: model.id.clone(),
        reason: reason.into(),
        limit: Some(needed as f64),
        value,
        ..Rejection::default()
    })
}

fn unchecked_limits(limits: Option<&Limits>) -> Vec<&'static str> {
    let Some(limits) = limits else {
        return Vec::new();
    };
    [
        ("limits.max_cost_usd", limits.max_cost_usd),
        ("limits.max_latency_ms", limits.max_latency_ms),
        ("limits.min_success_probability", limits.min_success_probability),
    ]
    .into_iter()
    .filter_map(|(name, limit)| limit.map(|_| name))
    .collect()
}
