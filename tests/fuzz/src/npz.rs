//! Arbitrary bytes as NumPy arrays and archives: the readers must not panic, and what they accept must become rows.
#![no_main]

use bitfab_data::{Content, Missing, SplitOptions, assemble, read_array, read_npz, split};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Ok(array) = read_array("t", data) {
        array.clone().into_labels("t").ok();
        if let Ok(rows) = array.into_rows("t") {
            rows.series().ok();
        }
        return;
    }
    let Ok(mut content) = read_npz("t", data, None) else { return };
    if let Content::Rows(rows) = &mut content {
        rows.missing = Missing::Mean;
    }
    let Ok(parts) = split(content, None, &SplitOptions::default()) else { return };
    if let Ok(data) = assemble(parts, &Default::default()) {
        data.learned();
    }
});
