package dev.pointsman.client;

/** Whether a router takes requests. */
public enum Health {
  /** It decides. */
  SERVING,
  /** It is starting or draining. */
  NOT_SERVING
}
