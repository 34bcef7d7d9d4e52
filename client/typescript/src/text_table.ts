// Figures, lines and tables for a terminal.

/**
 * Text from outside, made safe to print on one line: control characters (which could drive the
 * terminal) become blanks, and text longer than `maxCharacters` is cut and marked with "...".
 */
export function oneLine(text: string, maxCharacters = Infinity): string {
  const characters = Array.from(text.replace(/\p{Cc}/gu, " "));
  if (characters.length <= maxCharacters) return characters.join("");
  return characters.slice(0, maxCharacters).join("") + "...";
}

/** Decimals as C's printf has them (ties go to the even digit), so that all clients print alike. */
export function fixed(value: number, decimals: number): string {
  const text = value.toFixed(decimals);
  const isTie = Math.abs((value * 2 ** (decimals + 1)) % 2) === 1;
  const last = Number(text.at(-1));
  return isTie && last % 2 === 1 ? text.slice(0, -1) + String(last - 1) : text;
}

/** A number as people read it: four significant digits, no exponent for small amounts of money. */
export function significant(value: number): string {
  const magnitude = Math.abs(value);
  if (magnitude >= 1000) return fixed(value, 0);
  if (magnitude >= 0.0001 || magnitude === 0) return String(Number(value.toPrecision(4)));
  const decimals = Math.min(100, 3 - Math.floor(Math.log10(magnitude)));
  return value.toFixed(decimals).replace(/0+$/, "");
}

/** A column of a table: its title, and whether it holds figures, which stand at the right. */
export interface Column {
  title: string;
  isFigure?: boolean;
}

/**
 * Columns as wide as their widest cell, two blanks apart, each line indented by two. Cells are made
 * safe for a terminal; columns in which every cell is empty are left out. Ends with a newline.
 */
export function textTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  const cells = rows.map((row) => row.map((cell) => oneLine(cell)));
  // Code points; wide scripts take more columns, which is why free text always stands in the last.
  const width = (text: string) => Array.from(text).length;
  const shown = columns
    .map((column, index) => ({
      ...column,
      index,
      width: Math.max(0, ...cells.map((row) => width(row[index] ?? ""))),
    }))
    .filter((column) => column.width > 0);
  const line = (textOf: (column: (typeof shown)[number]) => string) =>
    shown
      .map((column) => {
        const text = textOf(column);
        const padding = " ".repeat(Math.max(column.width, width(column.title)) - width(text));
        return "  " + (column.isFigure ? padding + text : text + padding);
      })
      .join("")
      .trimEnd();
  const lines = [
    line(({ title }) => title),
    ...cells.map((row) => line(({ index }) => row[index] ?? "")),
  ];
  return lines.join("\n") + "\n";
}
