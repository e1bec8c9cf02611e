// The block RAM of an ECP5, of which Yosys has no model that can be simulated: 1,024 words of 18 bits behind two ports,
// after Lattice's FPGA-TN-02204 and Yosys' own ecp5/brams_map.v. Without output registers.
module bitfab_dp16kd(
  input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
  input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
  input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
  output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
  input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
  input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
  input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
  output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
  parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG", RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000", WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL";
  parameter CLKAMUX = "CLKA", CLKBMUX = "CLKB", GSR = "ENABLED";
  parameter [319:0] INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0;
  parameter [319:0] INITVAL_04 = 0, INITVAL_05 = 0, INITVAL_06 = 0, INITVAL_07 = 0;
  parameter [319:0] INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0;
  parameter [319:0] INITVAL_0C = 0, INITVAL_0D = 0, INITVAL_0E = 0, INITVAL_0F = 0;
  parameter [319:0] INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0;
  parameter [319:0] INITVAL_14 = 0, INITVAL_15 = 0, INITVAL_16 = 0, INITVAL_17 = 0;
  parameter [319:0] INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0;
  parameter [319:0] INITVAL_1C = 0, INITVAL_1D = 0, INITVAL_1E = 0, INITVAL_1F = 0;
  parameter [319:0] INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0;
  parameter [319:0] INITVAL_24 = 0, INITVAL_25 = 0, INITVAL_26 = 0, INITVAL_27 = 0;
  parameter [319:0] INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0;
  parameter [319:0] INITVAL_2C = 0, INITVAL_2D = 0, INITVAL_2E = 0, INITVAL_2F = 0;
  parameter [319:0] INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0;
  parameter [319:0] INITVAL_34 = 0, INITVAL_35 = 0, INITVAL_36 = 0, INITVAL_37 = 0;
  parameter [319:0] INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0;
  parameter [319:0] INITVAL_3C = 0, INITVAL_3D = 0, INITVAL_3E = 0, INITVAL_3F = 0;
  localparam [64*320-1:0] CONTENTS = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
    INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
    INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
    INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
    INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
    INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
    INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
    INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00};

  wire [13:0] ada = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] adb = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  wire [17:0] dia = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [17:0] dib = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
  reg [17:0] words [0:1023];
  reg [35:0] a = 0, b = 0;
  // A port of 36 bits has the data pins of both.
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = DATA_WIDTH_B == 36 ? b[17:0] : a[17:0];
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} = DATA_WIDTH_B == 36 ? b[35:18] : b[17:0];

  integer at;
  initial begin
    for (at = 0; at < 1024; at = at + 1) words[at] = CONTENTS[20 * at +: 18];
    if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG" || CLKAMUX != "CLKA" || CLKBMUX != "CLKB") begin
      $display("a mode of DP16KD that is not modelled");
      $finish;
    end
  end

  // Of 9 bits the last is there in widths of 9 and more alone.
  function [35:0] chosen(input [17:0] low, input [17:0] high, input [3:0] address, input integer width);
    case (width)
      36: chosen = {high, low};
      18: chosen = low;
      9: chosen = low >> (address[3] ? 9 : 0) & 511;
      4: chosen = low >> ((address[3] ? 9 : 0) + 4 * address[2]) & 15;
      2: chosen = low >> ((address[3] ? 9 : 0) + 2 * address[2:1]) & 3;
      default: chosen = low >> ((address[3] ? 9 : 0) + address[2:0]) & 1;
    endcase
  endfunction

  // Which bits of a pair of words are written.
  function [35:0] mask(input [3:0] address, input integer width);
    case (width)
      36: mask = {{9{address[3]}}, {9{address[2]}}, {9{address[1]}}, {9{address[0]}}};
      18: mask = {18'b0, {9{address[1]}}, {9{address[0]}}};
      9: mask = 36'd511 << (address[3] ? 9 : 0);
      4: mask = 36'd15 << ((address[3] ? 9 : 0) + 4 * address[2]);
      2: mask = 36'd3 << ((address[3] ? 9 : 0) + 2 * address[2:1]);
      default: mask = 36'd1 << ((address[3] ? 9 : 0) + address[2:0]);
    endcase
  endfunction

  // Data where the mask may be.
  function [35:0] spread(input [35:0] data, input integer width);
    case (width)
      36, 18: spread = data;
      9: spread = {18'b0, {2{data[8:0]}}};
      4: spread = {18'b0, {2{1'b0, {2{data[3:0]}}}}};
      2: spread = {18'b0, {2{1'b0, {4{data[1:0]}}}}};
      default: spread = {18'b0, {2{1'b0, {8{data[0]}}}}};
    endcase
  endfunction

  wire [9:0] word_a = DATA_WIDTH_A == 36 ? {ada[13:5], 1'b0} : ada[13:4];
  wire [9:0] next_a = word_a | 1;
  wire [35:0] mask_a = mask(ada[3:0], DATA_WIDTH_A), data_a = spread({dib, dia}, DATA_WIDTH_A);
  wire [35:0] pair_a = {words[next_a], words[word_a]};
  wire [35:0] written_a = pair_a & ~mask_a | data_a & mask_a;
  always @(posedge CLKA)
    if (CEA && !{CSA2, CSA1, CSA0}) begin
      if (WEA) begin
        words[word_a] <= written_a[17:0];
        if (DATA_WIDTH_A == 36) words[next_a] <= written_a[35:18];
      end
      // In the mode NORMAL a port that writes reads nothing.
      if (RSTA) a <= 0;
      else if (!WEA || WRITEMODE_A == "READBEFOREWRITE")
        a <= chosen(pair_a[17:0], pair_a[35:18], ada[3:0], DATA_WIDTH_A);
      else if (WRITEMODE_A == "WRITETHROUGH")
        a <= chosen(written_a[17:0], written_a[35:18], ada[3:0], DATA_WIDTH_A);
    end

  wire [9:0] word_b = DATA_WIDTH_B == 36 ? {adb[13:5], 1'b0} : adb[13:4];
  wire [9:0] next_b = word_b | 1;
  wire [35:0] mask_b = mask(adb[3:0], DATA_WIDTH_B), data_b = spread({18'b0, dib}, DATA_WIDTH_B);
  wire [35:0] pair_b = {words[next_b], words[word_b]};
  wire [35:0] written_b = pair_b & ~mask_b | data_b & mask_b;
  always @(posedge CLKB)
    if (CEB && !{CSB2, CSB1, CSB0}) begin
      if (WEB) begin
        words[word_b] <= written_b[17:0];
        if (DATA_WIDTH_B == 36) words[next_b] <= written_b[35:18];
      end
      // In the mode NORMAL a port that writes reads nothing.
      if (RSTB) b <= 0;
      else if (!WEB || WRITEMODE_B == "READBEFOREWRITE")
        b <= chosen(pair_b[17:0], pair_b[35:18], adb[3:0], DATA_WIDTH_B);
      else if (WRITEMODE_B == "WRITETHROUGH")
        b <= chosen(written_b[17:0], written_b[35:18], adb[3:0], DATA_WIDTH_B);
    end
endmodule
