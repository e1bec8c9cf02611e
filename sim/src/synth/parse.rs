//! What the tools print, as numbers.

use super::Cells;

/// Counts of the cells in Yosys's `stat`, old or new layout: a name and a number on a line, in either order.
pub(super) fn cells(stat: &str) -> Cells {
    let mut cells = Cells::default();
    for line in stat.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [first, second] = fields.as_slice() else { continue };
        let (name, count) = match (first.parse::<u32>(), second.parse::<u32>()) {
            (Ok(count), Err(_)) => (*second, count),
            (Err(_), Ok(count)) => (*first, count),
            _ => continue,
        };
        match name {
            "SB_LUT4" | "LUT4" => cells.luts += count,
            "SB_CARRY" | "CCU2C" => cells.carries += count,
            "TRELLIS_FF" => cells.flip_flops += count,
            "DP16KD" => cells.rams += count,
            _ if name.starts_with("SB_DFF") => cells.flip_flops += count,
            _ if name.starts_with("SB_RAM40") => cells.rams += count,
            _ => {}
        }
    }
    cells
}

/// The last highest clock in a log of nextpnr, in MHz: the one after routing.
pub(super) fn mhz(log: &str) -> Option<f64> {
    let line = log.lines().rfind(|line| line.contains("Max frequency for clock"))?;
    let (before, _) = line.split_once(" MHz")?;
    before.split_whitespace().next_back()?.parse().ok()
}

/// Logic cells of a placed circuit and of the device, in a log of nextpnr.
pub(super) fn logic(log: &str) -> Option<[u32; 2]> {
    let line = log.lines().find(|line| line.contains("ICESTORM_LC:") || line.contains("TRELLIS_COMB:"))?;
    let (used, of) = line.rsplit_once(':')?.1.split_once('/')?;
    Some([used.trim().parse().ok()?, of.split_whitespace().next()?.parse().ok()?])
}

/// Whether nextpnr gave up because the circuit is too large.
pub(super) fn is_misfit(problem: &str) -> bool {
    ["Unable to place cell", "no BELs remaining", "failed to place", "Unable to find a placement"]
        .iter()
        .any(|text| problem.contains(text))
}

/// The line that says so.
pub(super) fn misfit(problem: &str) -> String {
    let line = problem.lines().find(|line| line.contains("ERROR"));
    line.unwrap_or("the circuit does not fit").trim_start_matches("ERROR: ").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_in_both_layouts() {
        let old =
            "     SB_CARRY     30\n     SB_DFFESR    2\n     SB_DFF   3\n     SB_LUT4   100\n     SB_RAM40_4K   8\n";
        assert_eq!(cells(old), Cells { luts: 100, carries: 30, flip_flops: 5, rams: 8 });
        let new = "       7   LUT4\n       2   CCU2C\n        4   TRELLIS_FF\n     1 DP16KD\n";
        assert_eq!(cells(new), Cells { luts: 7, carries: 2, flip_flops: 4, rams: 1 });
    }

    #[test]
    fn the_clock_after_routing_counts() {
        let log = "Info: Max frequency for clock 'clock': 50.10 MHz (PASS at 48.00 MHz)\nInfo: x\n\
                   Info: Max frequency for clock 'clock': 47.71 MHz (FAIL at 48.00 MHz)\n";
        assert_eq!(mhz(log), Some(47.71));
        assert_eq!(mhz("nothing"), None);
    }

    #[test]
    fn logic_cells_of_both_families_are_read() {
        let ice40 = "Info: Device utilisation:\nInfo: \t         ICESTORM_LC:  1449/ 5280    27%\n";
        assert_eq!(logic(ice40), Some([1449, 5280]));
        let ecp5 = "Info: \t          TRELLIS_COMB:   12345/24288    50%\nInfo: \t            TRELLIS_FF:     573/24288     2%\n";
        assert_eq!(logic(ecp5), Some([12_345, 24_288]));
        assert_eq!(logic("Info: TRELLIS_COMB: many"), None);
    }

    #[test]
    fn misfits_are_told_from_failures() {
        let problem = "Info: x\nERROR: Unable to place cell 'ram', no BELs remaining to implement cell type";
        assert!(is_misfit(problem));
        assert!(misfit(problem).starts_with("Unable to place"));
        assert!(!is_misfit("ERROR: cannot open file"));
    }
}
