package dev.pointsman.client;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;

/** Numbers as people read them, the same in every locale. */
final class Figures {
  private static final MathContext FOUR_DIGITS = new MathContext(4, RoundingMode.HALF_EVEN);

  private Figures() {}

  /** With so many decimals. Exact halves go to the even digit, as printf has it. */
  static String fixed(double value, int decimals) {
    if (!Double.isFinite(value)) {
      return Double.toString(value);
    }
    return new BigDecimal(value).setScale(decimals, RoundingMode.HALF_EVEN).toPlainString();
  }

  /** Four significant digits, whole from 1,000 on, no exponent for small amounts of money. */
  static String number(double value) {
    if (!Double.isFinite(value) || Math.abs(value) >= 1000) {
      return fixed(value, 0);
    }
    return plain(new BigDecimal(value).round(FOUR_DIGITS));
  }

  /**
   * A limit that admits {@code value}, short enough to be typed: rounded away from {@code limit},
   * since one that is rounded towards it would just miss.
   */
  static String admittingLimit(double value, double limit) {
    if (!Double.isFinite(value)) {
      return Double.toString(value);
    }
    RoundingMode away = value > limit ? RoundingMode.CEILING : RoundingMode.FLOOR;
    // From the shortest decimal form: 0.0042 is meant as that, not as the double just above it.
    return plain(BigDecimal.valueOf(value).round(new MathContext(4, away)));
  }

  private static String plain(BigDecimal value) {
    return value.stripTrailingZeros().toPlainString();
  }
}
