//! Names that Verilog accepts.

/// Words that Verilog or SystemVerilog keeps for itself and that someone could mean as a name.
const KEYWORDS: &str = "alias always and assert assign assume automatic before begin bind bit break buf byte case cell checker \
    class config const context continue cover deassign default defparam design disable do edge else end \
    endcase endfunction endmodule enum event expect export extends final first_match for force forever fork \
    function generate genvar global if iff import include initial inout input inside instance int integer \
    interface join large let library local localparam logic longint macromodule matches medium modport \
    module nand negedge new nor not null or output package packed parameter posedge primitive priority \
    program property protected pure rand real ref reg release repeat restrict return scalared sequence \
    shortint signed small soft solve specify static string strong struct super supply0 supply1 table tagged \
    task this time tran tri type typedef union unique unsigned until use var vectored virtual void wait wand \
    weak while wildcard wire with within wor xnor xor";

/// The other words of SystemVerilog (IEEE 1800-2017, table B.1), which only a module could be called.
const RARE_KEYWORDS: &str = "accept_on always_comb always_ff always_latch bins binsof bufif0 bufif1 casex casez chandle clocking \
    cmos constraint covergroup coverpoint cross dist endchecker endclass endclocking endconfig endgenerate \
    endgroup endinterface endpackage endprimitive endprogram endproperty endsequence endspecify endtable endtask \
    eventually extern foreach forkjoin highz0 highz1 ifnone ignore_bins illegal_bins implements implies incdir \
    interconnect intersect join_any join_none liblist nettype nexttime nmos noshowcancelled notif0 notif1 pmos \
    pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent randc randcase randsequence rcmos \
    realtime reject_on rnmos rpmos rtran rtranif0 rtranif1 s_always s_eventually s_nexttime s_until \
    s_until_with shortreal showcancelled specparam strong0 strong1 sync_accept_on sync_reject_on throughout \
    timeprecision timeunit tranif0 tranif1 tri0 tri1 triand trior trireg unique0 until_with untyped uwire \
    wait_order weak0 weak1";

/// Words that VHDL keeps for itself besides, whatever their case.
const VHDL_KEYWORDS: &str = "abs access after all architecture array assertion attribute block body buffer bus component \
    configuration constant disconnect downto elsif entity exit file generic group guarded impure in is label \
    linkage literal loop map mod next null of on open others out package port postponed procedure process \
    pure range record register reject rem report return rol ror select severity shared signal sla sll sra srl \
    subtype then to transport unaffected units variable when xnor";

/// Whether Verilog, SystemVerilog or VHDL keeps the word for itself.
pub(crate) fn is_keyword(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    [KEYWORDS, RARE_KEYWORDS, VHDL_KEYWORDS].iter().flat_map(|words| words.split(' ')).any(|keyword| keyword == word)
}

/// Whether `name` may stand for a signal; names that the printer makes up are not for descriptions.
pub(super) fn is_identifier(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_made_up = name.ends_with("_table") || name.strip_prefix('n').is_some_and(|rest| rest.parse::<u64>().is_ok());
    let is_word = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(is_word);
    is_word && !is_made_up && !KEYWORDS.split(' ').any(|word| word == name)
}
