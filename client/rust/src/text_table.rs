//! Plain tables for people.

/// Text from outside, made safe to print on one line: control characters, which could drive the
/// terminal, become spaces, and text longer than `max_characters` is cut and marked with "...".
pub(crate) fn one_line(text: &str, max_characters: usize) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let mut characters = text.chars();
    let mut line: String = characters.by_ref().take(max_characters).map(printable).collect();
    if characters.next().is_some() {
        line += "...";
    }
    line
}

/// The same, however long.
pub(crate) fn safe(text: &str) -> String {
    one_line(text, usize::MAX)
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Columns as wide as their widest cell, two spaces apart, each line indented by two. Cells must be
/// safe already.
pub(crate) struct TextTable<const COLUMNS: usize> {
    columns: [(&'static str, Align); COLUMNS],
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> TextTable<COLUMNS> {
    pub(crate) fn new(columns: [(&'static str, Align); COLUMNS]) -> Self {
        Self { columns, rows: Vec::new() }
    }

    pub(crate) fn add_row(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells);
    }

    /// Ends with a newline. Columns in which every cell is empty are left out.
    pub(crate) fn render(&self) -> String {
        let titles = self.columns.map(|(title, _)| title.to_owned());
        let mut table = self.line(&titles);
        for row in &self.rows {
            table += &self.line(row);
        }
        table
    }

    fn line(&self, cells: &[String; COLUMNS]) -> String {
        let mut line = String::new();
        for (column, (title, align)) in self.columns.iter().enumerate() {
            let widest = self.rows.iter().map(|row| width(&row[column])).max();
            let Some(widest @ 1..) = widest else { continue };
            let width = widest.max(title.len());
            line += "  ";
            line += &match align {
                Align::Left => format!("{:<width$}", cells[column]),
                Align::Right => format!("{:>width$}", cells[column]),
            };
        }
        line.truncate(line.trim_end_matches(' ').len());
        line + "\n"
    }
}

/// Characters; wide scripts take more columns than this, which is why free text always stands in
/// the last column.
fn width(text: &str) -> usize {
    text.chars().count()
}
