package dev.pointsman.client;

import java.util.ArrayList;
import java.util.List;
import java.util.function.IntFunction;

/** Columns as wide as their widest cell, two spaces apart, each line indented by two. */
final class TextTable {
  private final List<String> titles = new ArrayList<>();
  private final List<Boolean> rightAligned = new ArrayList<>();
  private final List<List<String>> rows = new ArrayList<>();

  TextTable left(String title) {
    titles.add(title);
    rightAligned.add(false);
    return this;
  }

  TextTable right(String title) {
    titles.add(title);
    rightAligned.add(true);
    return this;
  }

  /** One cell a column. */
  void row(String... cells) {
    rows.add(List.of(cells));
  }

  /** Ends with a newline. Columns in which every cell is empty are left out; no rows: no table. */
  String render() {
    if (rows.isEmpty()) {
      return "";
    }
    StringBuilder table = new StringBuilder(line(titles::get));
    for (List<String> row : rows) {
      table.append(line(row::get));
    }
    return table.toString();
  }

  private String line(IntFunction<String> cellOf) {
    StringBuilder line = new StringBuilder();
    for (int i = 0; i < titles.size(); ++i) {
      int column = i;
      int widest = rows.stream().mapToInt(row -> width(row.get(column))).max().orElse(0);
      if (widest == 0) {
        continue;
      }
      String cell = cellOf.apply(column);
      String padding = " ".repeat(Math.max(widest, width(titles.get(column))) - width(cell));
      line.append("  ").append(rightAligned.get(column) ? padding + cell : cell + padding);
    }
    return line.toString().stripTrailing() + "\n";
  }

  /**
   * Wide scripts take more columns than they have characters, which is why free text always stands
   * in the last column.
   */
  private static int width(String text) {
    return text.codePointCount(0, text.length());
  }
}
