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

/// Words that VHDL keeps for itself besides, whatever their case.
const VHDL_KEYWORDS: &str = "abs access after all architecture array assertion attribute block body buffer bus component \
    configuration constant disconnect downto elsif entity exit file generic group guarded impure in is label \
    linkage literal loop map mod next null of on open others out package port postponed procedure process \
    pure range record register reject rem report return rol ror select severity shared signal sla sll sra srl \
    subtype then to transport unaffected units variable when xnor";

/// Whether Verilog, SystemVerilog or VHDL keeps the word for itself.
pub(crate) fn is_keyword(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    KEYWORDS.split(' ').chain(VHDL_KEYWORDS.split(' ')).any(|keyword| keyword == word)
}

/// Whether `name` may stand for a signal; names that the printer makes up are not for descriptions.
pub(super) fn is_identifier(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_made_up = name.ends_with("_table") || name.strip_prefix('n').is_some_and(|rest| rest.parse::<u64>().is_ok());
    let is_word = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(is_word);
    is_word && !is_made_up && !KEYWORDS.split(' ').any(|word| word == name)
}
