package pointsman

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// oneLine makes text from outside safe to print on one line: control characters, which could drive the
// terminal, become spaces, invalid UTF-8 becomes U+FFFD, and text longer than maxCharacters is cut and
// marked with "...".
func oneLine(text string, maxCharacters int) string {
	var line strings.Builder
	characters := 0
	for _, character := range text {
		if characters++; characters > maxCharacters {
			return line.String() + "..."
		}
		if unicode.IsControl(character) {
			character = ' '
		}
		line.WriteRune(character)
	}
	return line.String()
}

// name makes an identifier from outside safe to print; none is that long.
func name(text string) string { return oneLine(text, 256) }

// number is a number as people read it: four significant digits, no exponent for small amounts of
// money.
func number(value float64) string {
	magnitude := math.Abs(value)
	switch {
	case magnitude >= 1000:
		return strconv.FormatFloat(value, 'f', 0, 64)
	case magnitude >= 0.0001:
		// Rounded by the exponent form; the shortest form of that has no trailing zeros.
		rounded, _ := strconv.ParseFloat(strconv.FormatFloat(value, 'e', 3, 64), 64)
		return strconv.FormatFloat(rounded, 'f', -1, 64)
	case magnitude == 0:
		return "0"
	}
	decimals := 3 - int(math.Floor(math.Log10(magnitude)))
	return strings.TrimRight(strconv.FormatFloat(value, 'f', decimals, 64), "0")
}

// column is a title and how its cells stand below it.
type column struct {
	title string
	right bool
}

// table lays out rows in columns as wide as their widest cell, two spaces apart, each line indented by
// two. Columns in which every cell is empty are left out. Characters of wide scripts take more room
// than is counted, which is why free text stands in the last column.
func table(columns []column, rows [][]string) string {
	widths := make([]int, len(columns))
	for _, row := range rows {
		for c, cell := range row {
			widths[c] = max(widths[c], utf8.RuneCountInString(cell))
		}
	}
	titles := make([]string, len(columns))
	for c := range columns {
		titles[c] = columns[c].title
	}
	var text strings.Builder
	for _, row := range append([][]string{titles}, rows...) {
		var line strings.Builder
		for c, cell := range row {
			if widths[c] == 0 {
				continue
			}
			width := max(widths[c], len(columns[c].title))
			padding := strings.Repeat(" ", width-utf8.RuneCountInString(cell))
			if columns[c].right {
				cell = padding + cell
			} else {
				cell += padding
			}
			line.WriteString("  " + cell)
		}
		text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return text.String()
}
