//! What the tests of whole runs share.
#![allow(dead_code)] // each test takes what it needs

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use bitfab_train::methods::ALL;
use bitfab_train::{Progress, Watch};

/// Stops after a number of batches.
pub struct StopAfter(pub u32);

impl Watch for StopAfter {
    fn batch(&mut self, _: &Progress) -> ControlFlow<()> {
        self.0 -= 1;
        if self.0 == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

/// Holds a test's list of methods to the table of all that have a graph, so that none is left out.
pub fn assert_every_method(listed: impl IntoIterator<Item = &'static str>) {
    let listed: BTreeSet<&str> = listed.into_iter().filter_map(|method| method.split(':').next()).collect();
    let about = ALL.iter().map(|method| method.about());
    let all: BTreeSet<&str> = about.filter(|about| !about.is_real).map(|about| about.name).collect();
    assert_eq!(listed, all, "methods of this test, and of `methods::ALL`");
}
