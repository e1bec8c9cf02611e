//! What the tools print, as numbers.

use super::Cells;

/// Counts of the cells in Yosys's `stat`, old or new layout: a name and a number on a line, in either order.
pub(crate) fn cells(stat: &str) -> Cells {
    let mut cells = Cells::default();
    for line in stat.lines() {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [first, second] = fields.as_slice() else { continue };
        let (name, count) = match (first.parse::<u32>(), second.parse::<u32>()) {
            (Ok(count), Err(_)) => (*second, count),
            (Err(_), Ok(count)) => (*first, count),
            _ => continue,
        };
        count_cells(&mut cells, name, count);
    }
    cells
}

/// Adds `count` cells of this name.
fn count_cells(cells: &mut Cells, name: &str, count: u32) {
    match name {
        // An inverter of Xilinx is a look-up table, or joins the cell that it drives.
        "SB_LUT4" | "INV" | "LUT1" | "LUT2" | "LUT3" | "LUT4" | "LUT5" | "LUT6" => cells.luts += count,
        "SB_CARRY" | "CCU2C" | "ALU" | "CARRY4" => cells.carries += count,
        "TRELLIS_FF" | "FDRE" | "FDSE" | "FDCE" | "FDPE" => cells.flip_flops += count,
        "DP16KD" | "SP" | "SPX9" | "SDPB" | "SDPX9B" | "DPB" | "DPX9B" | "pROM" | "pROMX9" | "RAMB18E1" => {
            cells.rams += count;
        }
        "SB_SPRAM256KA" => cells.sprams += count,
        // Two of 18 kbit.
        "RAMB36E1" => cells.rams += 2 * count,
        "SB_MAC16" | "MULT18X18D" | "MULT9X9" | "MULT18X18" | "MULT36X36" | "DSP48E1" => cells.multipliers += count,
        // As many as the placers of these families take for one, and as the data sheet of the other says.
        "RAM16SDP4" => cells.memory_luts += 8 * count,
        "TRELLIS_DPR16X4" | "RAM32M" | "RAM64M" => cells.memory_luts += 4 * count,
        "RAM32X1D" | "RAM64X1D" => cells.memory_luts += 2 * count,
        "RAM128X1D" => cells.memory_luts += 4 * count,
        "SRL16E" | "SRLC32E" => cells.memory_luts += count,
        _ if name.starts_with("SB_DFF") => cells.flip_flops += count,
        _ if GOWIN_FLIP_FLOPS.contains(&name) => cells.flip_flops += count,
        _ if name.starts_with("SB_RAM40") => cells.rams += count,
        _ => {}
    }
}

/// Gowin's flip-flops, at a rising edge.
const GOWIN_FLIP_FLOPS: [&str; 10] =
    ["DFF", "DFFE", "DFFR", "DFFRE", "DFFS", "DFFSE", "DFFC", "DFFCE", "DFFP", "DFFPE"];

/// The cells of each module in Yosys's `stat` of a design whose hierarchy was kept, without the name of the top module.
pub(crate) fn blocks(stat: &str, top: &str) -> Vec<(String, Cells)> {
    // Behind the modules stands the whole design, which would count all again.
    let modules = stat.split("=== design hierarchy ===").next().unwrap_or_default();
    let mut parts = modules.split("=== ").skip(1);
    let module = |part: &str| {
        let (name, counts) = part.split_once(" ===")?;
        let name = name.strip_prefix(top)?;
        let name = name.strip_prefix('_').unwrap_or("top");
        Some((name.to_owned(), cells(counts)))
    };
    std::iter::from_fn(|| parts.next()).filter_map(module).collect()
}

/// The last highest clock in a log of nextpnr, in MHz: the one after routing.
pub(crate) fn mhz(log: &str) -> Option<f64> {
    let line = log.lines().rfind(|line| line.contains("Max frequency for clock"))?;
    let (before, _) = line.split_once(" MHz")?;
    before.split_whitespace().next_back()?.parse().ok()
}

/// How logs of nextpnr call logic cells of iCE40, look-up tables of ECP5 and of Gowin.
const LOGIC: [&str; 3] = ["ICESTORM_LC:", "TRELLIS_COMB:", " LUT4:"];

/// Logic cells of a placed circuit and of the device, in a log of nextpnr.
pub(crate) fn logic(log: &str) -> Option<[u32; 2]> {
    let line = log.lines().find(|line| LOGIC.iter().any(|name| line.contains(name)))?;
    let (used, of) = line.rsplit_once(':')?.1.split_once('/')?;
    Some([used.trim().parse().ok()?, of.split_whitespace().next()?.parse().ok()?])
}

/// Whether nextpnr gave up because the circuit is too large.
pub(crate) fn is_misfit(problem: &str) -> bool {
    ["Unable to place cell", "no BELs remaining", "failed to place", "Unable to find a placement"]
        .iter()
        .any(|text| problem.contains(text))
}

/// The line that says so.
pub(crate) fn misfit(problem: &str) -> String {
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
        let expected = Cells { luts: 100, carries: 30, flip_flops: 5, rams: 8, ..Cells::default() };
        assert_eq!(cells(old), expected);
        let new = "       7   LUT4\n       2   CCU2C\n        4   TRELLIS_FF\n     1 DP16KD\n";
        let expected = Cells { luts: 7, carries: 2, flip_flops: 4, rams: 1, ..Cells::default() };
        assert_eq!(cells(new), expected);
        let gowin =
            "  388 ALU\n 49 DFFE\n 332 DFFR\n 125 LUT1\n 722 LUT4\n 344 MUX2_LUT5\n 8 RAM16SDP4\n 12 SPX9\n 12 OBUF\n";
        let expected =
            Cells { luts: 847, carries: 388, flip_flops: 381, rams: 12, memory_luts: 64, ..Cells::default() };
        assert_eq!(cells(gowin), expected);
        let xilinx =
            "  30 CARRY4\n 9 FDRE\n 5 LUT2\n 7 LUT6\n 8 MUXF7\n 3 RAMB36E1\n 1 RAMB18E1\n 6 RAM32M\n 2 DSP48E1\n";
        let expected =
            Cells { luts: 12, carries: 30, flip_flops: 9, rams: 7, memory_luts: 24, multipliers: 2, sprams: 0 };
        assert_eq!(cells(xilinx), expected);
    }

    #[test]
    fn blocks_are_the_modules_without_the_whole_design() {
        let stat = "2. Printing.\n\n=== bitfab ===\n\n bitfab_front 1\n\n=== bitfab_front ===\n\n SB_LUT4 7\n\n\
                    === bitfab_array ===\n\n SB_DFF 3\n SB_LUT4 9\n\n=== design hierarchy ===\n\n SB_LUT4 16\n";
        let found = blocks(stat, "bitfab");
        let luts: Vec<(&str, u32)> = found.iter().map(|(name, cells)| (name.as_str(), cells.luts)).collect();
        assert_eq!(luts, [("top", 0), ("front", 7), ("array", 9)]);
        assert_eq!(blocks("nothing", "bitfab"), []);
    }

    #[test]
    fn the_clock_after_routing_counts() {
        let log = "Info: Max frequency for clock 'clock': 50.10 MHz (PASS at 48.00 MHz)\nInfo: x\n\
                   Info: Max frequency for clock 'clock': 47.71 MHz (FAIL at 48.00 MHz)\n";
        assert_eq!(mhz(log), Some(47.71));
        assert_eq!(mhz("nothing"), None);
    }

    #[test]
    fn logic_cells_of_all_families_are_read() {
        let ice40 = "Info: Device utilisation:\nInfo: \t         ICESTORM_LC:  1449/ 5280    27%\n";
        assert_eq!(logic(ice40), Some([1449, 5280]));
        let ecp5 = "Info: \t          TRELLIS_COMB:   12345/24288    50%\nInfo: \t            TRELLIS_FF:     573/24288     2%\n";
        assert_eq!(logic(ecp5), Some([12_345, 24_288]));
        let gowin = "Info: \t                LUT4:    2083/   8640    24%\nInfo: \t           MUX2_LUT5:     344/   4320     7%\n";
        assert_eq!(logic(gowin), Some([2083, 8640]));
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
