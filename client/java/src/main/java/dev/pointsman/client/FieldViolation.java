package dev.pointsman.client;

/**
 * A field of a request and what is wrong with it.
 *
 * @param field path of the field, such as {@code limits.max_cost_usd}
 * @param problem its bound and its value, as a sentence
 */
public record FieldViolation(String field, String problem) {}
