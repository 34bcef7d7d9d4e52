package dev.pointsman.client;

import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Message;
import java.util.List;

/**
 * Text from outside, made safe to print: control characters, which could drive a terminal, are
 * spaces.
 */
final class SafeText {
  private SafeText() {}

  static String of(String text) {
    StringBuilder safe = new StringBuilder(text.length());
    text.codePoints().forEach(c -> safe.appendCodePoint(Character.isISOControl(c) ? ' ' : c));
    return safe.toString();
  }

  /** The same message with every text made safe, except keys of maps. */
  @SuppressWarnings("unchecked") // A message's builder builds that message.
  static <T extends Message> T of(T message) {
    Message.Builder builder = message.toBuilder();
    message
        .getAllFields()
        .forEach(
            (field, value) -> {
              if (field.isMapField()) {
                return;
              }
              builder.setField(
                  field,
                  value instanceof List<?> values
                      ? values.stream().map(element -> safe(field, element)).toList()
                      : safe(field, value));
            });
    return (T) builder.build();
  }

  private static Object safe(FieldDescriptor field, Object value) {
    if (field.getJavaType() == JavaType.STRING) {
      return of((String) value);
    }
    return field.getJavaType() == JavaType.MESSAGE ? of((Message) value) : value;
  }

  /** Cut between characters after so many, and marked with "..." then. */
  static String cut(String text, int maxCharacters) {
    if (text.codePointCount(0, text.length()) <= maxCharacters) {
      return text;
    }
    return text.substring(0, text.offsetByCodePoints(0, maxCharacters)) + "...";
  }
}
