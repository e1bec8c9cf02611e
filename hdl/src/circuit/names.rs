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

/// Whether `name` may stand for a signal; names that the printer makes up are not for descriptions.
pub(super) fn is_identifier(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let is_made_up = name.ends_with("_table") || name.strip_prefix('n').is_some_and(|rest| rest.parse::<u64>().is_ok());
    let is_word = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(is_word);
    is_word && !is_made_up && !KEYWORDS.split(' ').any(|word| word == name)
}
