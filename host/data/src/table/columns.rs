//! Which column is what.

use super::dialect::Record;
use super::options::{Column, Expected, Label, TableOptions};
use bitfab_graph::Shape;

/// The role of each column; columns are counted from 0 here.
#[derive(Debug)]
pub(crate) struct Roles {
    names: Vec<String>,
    pub(crate) has_names: bool,
    pub(crate) features: Vec<usize>,
    pub(crate) label: Option<usize>,
    pub(crate) groups: Vec<usize>,
}

impl Roles {
    /// The roles that the options give to `width` columns, with `names` or none.
    pub(crate) fn of(
        names: &[String],
        width: usize,
        first: &Record,
        options: &TableOptions,
        notes: &mut Vec<String>,
    ) -> Result<Self, String> {
        let mut roles = Self {
            names: names.to_vec(),
            has_names: !names.is_empty(),
            features: Vec::new(),
            label: None,
            groups: Vec::new(),
        };
        let dropped = roles.all(&options.drop, width)?;
        let mut left: Vec<usize> = (0..width).filter(|column| !dropped.contains(column)).collect();
        roles.leave_out_nameless(&mut left, first, notes)?;
        roles.refuse_doubles(&left)?;
        roles.groups = roles.all(&options.groups, width)?;
        left.retain(|column| !roles.groups.contains(column));
        if let Label::In(column) = &options.label {
            let label = roles.one(column, width)?;
            roles.label = Some(label);
            left.retain(|&column| column != label);
        }
        match (&options.expected, options.columns.is_empty()) {
            (Some(expected), true) => roles.expect(expected, left, &options.label, notes)?,
            (_, is_rest) => roles.choose(is_rest, left, options, width)?,
        }
        if roles.features.is_empty() {
            return Err("no column of values is left; needs at least one beside the class".into());
        }
        Ok(roles)
    }

    /// The name of a column, or its position from 1.
    pub(crate) fn name(&self, column: usize) -> String {
        let name = self.names.get(column).filter(|name| !name.is_empty());
        name.cloned().unwrap_or_else(|| (column + 1).to_string())
    }

    /// Name and position of a column, for messages.
    pub(crate) fn called(&self, column: usize) -> String {
        match self.names.get(column).filter(|name| !name.is_empty()) {
            Some(name) => format!("{} '{name}'", column + 1),
            None => (column + 1).to_string(),
        }
    }

    fn list(&self, columns: &[usize]) -> String {
        let names: Vec<String> = columns.iter().take(8).map(|&column| self.called(column)).collect();
        let more = if columns.len() > 8 { ", ..." } else { "" };
        format!("{}{more}", names.join(", "))
    }

    /// A table for a model: its columns by name, or as many as it takes.
    fn expect(
        &mut self,
        expected: &Expected,
        mut left: Vec<usize>,
        label: &Label,
        notes: &mut Vec<String>,
    ) -> Result<(), String> {
        if self.has_names && !expected.names.is_empty() {
            self.features = self.by_names(&expected.names, &left)?;
            if !self.features.is_sorted() {
                notes.push("the columns stand in another order than the model's: taken by name".into());
            }
            left.retain(|column| !self.features.contains(column));
            return match (label, &left[..]) {
                (_, []) => Ok(()),
                (Label::Auto, &[only]) => {
                    self.label = Some(only);
                    Ok(())
                }
                (Label::Auto, _) => Err(format!(
                    "columns {} are left beside the model's: say which one is the class, or leave the others out",
                    self.list(&left)
                )),
                _ => {
                    notes.push(format!("not taken, as the model has no such inputs: columns {}", self.list(&left)));
                    Ok(())
                }
            };
        }
        let width = expected.width;
        if left.len() == width + 1 && self.label.is_none() {
            let last = left.pop();
            match label {
                Label::Absent => notes.push("one column more than the model takes: the last one is not used".into()),
                _ => self.label = last,
            }
        }
        if left.len() != width {
            let Shape { height, channels, .. } = expected.shape;
            let is_series = expected.axes().is_some_and(|shape| shape.width == 1 && height > 1);
            let windows = format!(", or windows of {height} rows of {channels} (--window {height})");
            let windows = if is_series { windows } else { String::new() };
            return Err(format!("{} columns of values, the model takes {width}{windows}", left.len()));
        }
        self.features = left;
        Ok(())
    }

    /// The columns with the model's names, in the model's order.
    fn by_names(&self, names: &[String], left: &[usize]) -> Result<Vec<usize>, String> {
        let find = |name: &String| left.iter().copied().find(|&column| self.names[column] == *name);
        let missing: Vec<&str> = names.iter().filter(|name| find(name).is_none()).map(String::as_str).collect();
        if !missing.is_empty() {
            let more = if missing.len() > 8 { ", ..." } else { "" };
            return Err(format!(
                "the model takes columns '{}'{more}, which the table does not have; it has {}",
                missing[..missing.len().min(8)].join("', '"),
                self.list(left)
            ));
        }
        Ok(names.iter().filter_map(find).collect())
    }

    /// A table to learn from: the columns that were chosen, or all that are left, the last one being the class.
    fn choose(
        &mut self,
        is_rest: bool,
        mut left: Vec<usize>,
        options: &TableOptions,
        width: usize,
    ) -> Result<(), String> {
        let mut chosen = self.all(&options.columns, width)?;
        if options.label == Label::Auto {
            left.retain(|column| !chosen.contains(column));
            self.label = left.pop();
            if self.label.is_none() {
                return Err("no column is left for the class; say which one it is, or that there is none".into());
            }
        }
        if is_rest {
            chosen = left;
        }
        if let Some(&column) = chosen.iter().find(|&&c| self.label == Some(c) || self.groups.contains(&c)) {
            return Err(format!("column {} is chosen as a value and has another role", self.called(column)));
        }
        self.features = chosen;
        Ok(())
    }

    /// A column without a name in a table of names: an index in front or an empty one is left out, others are refused.
    fn leave_out_nameless(&self, left: &mut Vec<usize>, first: &Record, notes: &mut Vec<String>) -> Result<(), String> {
        if !self.has_names {
            return Ok(());
        }
        let nameless: Vec<usize> = left.iter().copied().filter(|&column| self.names[column].is_empty()).collect();
        for column in nameless {
            let is_empty = column < first.len() && first[column].is_empty();
            if column != 0 && !is_empty {
                return Err(format!("column {} has no name: name it, or leave it out", column + 1));
            }
            notes.push(format!("column {} has no name: left out", column + 1));
            left.retain(|&other| other != column);
        }
        Ok(())
    }

    fn refuse_doubles(&self, left: &[usize]) -> Result<(), String> {
        let mut seen = std::collections::HashMap::new();
        for &column in left.iter().filter(|_| self.has_names) {
            if let Some(other) = seen.insert(&self.names[column], column) {
                let name = &self.names[column];
                return Err(format!("columns {} and {} are both called '{name}'", other + 1, column + 1));
            }
        }
        Ok(())
    }

    /// The columns of a list, each once.
    fn all(&self, columns: &[Column], width: usize) -> Result<Vec<usize>, String> {
        let mut found = Vec::new();
        for column in columns {
            for at in self.range(column, width)? {
                if found.contains(&at) {
                    return Err(format!("column {} is named twice", self.called(at)));
                }
                found.push(at);
            }
        }
        Ok(found)
    }

    fn one(&self, column: &Column, width: usize) -> Result<usize, String> {
        match self.range(column, width)?[..] {
            [one] => Ok(one),
            _ => Err(format!("'{column}' is more than one column")),
        }
    }

    /// The columns that one name, position or range of positions means.
    fn range(&self, column: &Column, width: usize) -> Result<Vec<usize>, String> {
        if let Some(at) = self.names.iter().position(|name| *name == column.0) {
            return Ok(vec![at]);
        }
        let position = |text: &str| text.trim().parse().ok().filter(|at| (1..=width).contains(at));
        if let Some(at) = position(&column.0) {
            return Ok(vec![at - 1]);
        }
        let range = column.0.split_once('-').and_then(|(from, to)| Some((position(from)?, position(to)?)));
        match range {
            Some((from, to)) if from <= to => Ok((from - 1..to).collect()),
            _ => {
                Err(format!("there is no column '{column}'; there are {}", self.list(&(0..width).collect::<Vec<_>>())))
            }
        }
    }
}
