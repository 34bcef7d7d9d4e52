package dev.pointsman.client;

/** Who made a decision. */
public enum Source {
  /** A router. */
  ROUTER,
  /** None answered: the caller's own ranking, blind to the query. */
  DEFAULT_RANKING
}
