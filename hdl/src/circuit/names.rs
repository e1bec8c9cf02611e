//! Names that Verilog, SystemVerilog and VHDL accept.

/// The keywords of Verilog and SystemVerilog (IEEE 1800-2017, annex B), which are lower case.
const VERILOG: &str = "accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before \
    begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos \
    config const constraint context continue cover covergroup coverpoint cross deassign default defparam design disable \
    dist do edge else end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup \
    endinterface endmodule endpackage endprimitive endprogram endproperty endspecify endsequence endtable endtask enum \
    event eventually expect export extends extern final first_match for force foreach forever fork forkjoin function \
    generate genvar global highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import incdir include \
    initial inout input inside instance int integer interconnect interface intersect join join_any join_none large let \
    liblist library local localparam logic longint macromodule matches medium modport module nand negedge nettype new \
    nexttime nmos nor noshowcancelled not notif0 notif1 null or output package packed parameter pmos posedge primitive \
    priority program property protected pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand \
    randc randcase randsequence rcmos real realtime ref reg reject_on release repeat restrict return rnmos rpmos rtran \
    rtranif0 rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence shortint shortreal \
    showcancelled signed small soft solve specify specparam static string strong strong0 strong1 struct super supply0 \
    supply1 sync_accept_on sync_reject_on table tagged task this throughout time timeprecision timeunit tran tranif0 \
    tranif1 tri tri0 tri1 triand trior trireg type typedef union unique unique0 unsigned until until_with untyped use \
    uwire var vectored virtual void wait wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor";

/// The keywords of VHDL (IEEE 1076-2019, 15.10), whatever their case.
const VHDL: &str = "abs access after alias all and architecture array assert assume assume_guarantee attribute begin block \
    body buffer bus case component configuration constant context cover default disconnect downto else elsif end entity \
    exit fairness file for force function generate generic group guarded if impure in inertial inout is label library \
    linkage literal loop map mod nand new next nor not null of on open or others out package parameter port postponed \
    private procedure process property protected pure range record register reject release rem report restrict \
    restrict_guarantee return rol ror select sequence severity shared signal sla sll sra srl strong subtype then to \
    transport type unaffected units until use variable view vmode vpkg vprop vunit wait when while with xnor xor";

/// The language that keeps the word for itself.
pub(crate) fn keyword(word: &str) -> Option<&'static str> {
    let is_of = |words: &str, word: &str| words.split_ascii_whitespace().any(|keyword| keyword == word);
    if is_of(VERILOG, word) {
        return Some("Verilog or SystemVerilog");
    }
    is_of(VHDL, &word.to_ascii_lowercase()).then_some("VHDL")
}

/// Whether `name` may stand for a signal; names that the printer makes up are not for descriptions.
pub(super) fn is_identifier(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_numbered = name.strip_prefix('n').is_some_and(|rest| rest.parse::<u64>().is_ok());
    let is_made_up = is_numbered || ["_table", "_check"].iter().any(|end| name.ends_with(end));
    let is_word = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(is_word);
    is_word && !is_made_up && keyword(name) != Some("Verilog or SystemVerilog")
}
