/* Counts what a program executes between marker instructions, inside QEMU.
 *
 * A TCG plugin, API version 1 (QEMU 4.2 to 8.2), with its own prototypes so
 * that no QEMU header is needed:
 *
 *     cc -O2 -shared -fPIC -o count.so count.c
 *     qemu-system-arm ... -plugin ./count.so,out=counts.txt,stack=20000000-20010000
 *
 * Markers change nothing in the program and no compiler emits them:
 *
 *     region begins   Thumb mov r10,r10   RISC-V slti x0,x0,1
 *     region ends     Thumb mov r9,r9     RISC-V slti x0,x0,2
 *     lap             Thumb mov r11,r11   RISC-V slti x0,x0,3
 *
 * (mov r8,r8 is the Thumb-1 padding NOP and is therefore not used.)
 * Regions and laps are numbered from 0 in the order in which they end; a lap
 * ends where the next one begins.  Markers themselves are not counted, so an
 * empty region has 0 instructions.  One line a lap and one a region:
 *
 *     lap 0 1 instructions 812 loads 96 stores 12
 *     region 0 instructions 2310 loads 301 stores 44 lowest 2000fe10
 *
 * `lowest` is the lowest address stored to inside the range given by `stack`
 * (both ends in hexadecimal, the end excluded), or `-` if there was none.
 * `loads` and `stores` count accesses, so a load of n registers counts n.
 * These are retired instructions of an emulator without a pipeline: not time.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The part of QEMU's plugin interface that is used. */
typedef uint64_t plugin_id;
typedef uint32_t meminfo;
struct tb;
struct insn;
typedef void (*exec_cb)(unsigned vcpu, void *data);
typedef void (*mem_cb)(unsigned vcpu, meminfo info, uint64_t address, void *data);
typedef void (*trans_cb)(plugin_id id, struct tb *tb);
typedef void (*exit_cb)(plugin_id id, void *data);
enum { NO_REGISTERS = 0, ADD_U64 = 0, BOTH = 3 };

extern size_t qemu_plugin_tb_n_insns(const struct tb *tb);
extern struct insn *qemu_plugin_tb_get_insn(const struct tb *tb, size_t index);
extern const void *qemu_plugin_insn_data(const struct insn *insn);
extern size_t qemu_plugin_insn_size(const struct insn *insn);
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, trans_cb cb);
extern void qemu_plugin_register_vcpu_insn_exec_cb(struct insn *insn, exec_cb cb, int flags, void *data);
extern void qemu_plugin_register_vcpu_insn_exec_inline(struct insn *insn, int op, void *counter, uint64_t add);
extern void qemu_plugin_register_vcpu_mem_cb(struct insn *insn, mem_cb cb, int flags, int rw, void *data);
extern _Bool qemu_plugin_mem_is_store(meminfo info);
extern void qemu_plugin_register_atexit_cb(plugin_id id, exit_cb cb, void *data);

__attribute__((visibility("default"))) int qemu_plugin_version = 1;

struct counts {
    uint64_t instructions, loads, stores;
};

/* Since the start of the emulation, and as they stood at the last begin and lap. */
static struct counts now, at_begin, at_lap;
static uint64_t regions, laps, lowest;
static int open_region, is_riscv;
static uint64_t stack_start, stack_end;
static FILE *out;

enum marker { NONE, BEGIN, END, LAP };

/* By architecture: the Thumb encodings are ordinary loads in compressed RISC-V.
 *
 * Near the end of a page QEMU looks at the next instruction and appends it to
 * the data of this one, so that a marker may seem longer than it is; no longer
 * instruction begins with the bytes of a marker. */
static enum marker marker_of(const struct insn *insn)
{
    const uint8_t *data = qemu_plugin_insn_data(insn);
    size_t size = qemu_plugin_insn_size(insn);
    if (!is_riscv && size >= 2) {
        switch (data[0] | data[1] << 8) {
        case 0x46d2: return BEGIN;
        case 0x46c9: return END;
        case 0x46db: return LAP;
        }
    } else if (is_riscv && size >= 4) {
        switch (data[0] | data[1] << 8 | data[2] << 16 | (uint32_t)data[3] << 24) {
        case 0x00102013: return BEGIN;
        case 0x00202013: return END;
        case 0x00302013: return LAP;
        }
    }
    return NONE;
}

static void print_counts(const struct counts *from)
{
    fprintf(out, " instructions %" PRIu64 " loads %" PRIu64 " stores %" PRIu64,
            now.instructions - from->instructions, now.loads - from->loads, now.stores - from->stores);
}

/* The callbacks run before the marker itself is added to the count. */
static void begin_region(unsigned vcpu, void *data)
{
    (void)vcpu, (void)data;
    at_begin = now;
    at_begin.instructions += 1;
    at_lap = at_begin;
    laps = 0;
    lowest = UINT64_MAX;
    open_region = 1;
}

static void end_lap(unsigned vcpu, void *data)
{
    (void)vcpu, (void)data;
    if (!open_region)
        return;
    fprintf(out, "lap %" PRIu64 " %" PRIu64, regions, laps++);
    print_counts(&at_lap);
    fprintf(out, "\n");
    at_begin.instructions += 1;
    at_lap = now;
    at_lap.instructions += 1;
}

static void end_region(unsigned vcpu, void *data)
{
    (void)vcpu, (void)data;
    if (!open_region)
        return;
    open_region = 0;
    fprintf(out, "region %" PRIu64, regions++);
    print_counts(&at_begin);
    if (lowest == UINT64_MAX)
        fprintf(out, " lowest -\n");
    else
        fprintf(out, " lowest %08" PRIx64 "\n", lowest);
}

/* QEMU 7.2 swaps loads and stores where a callback asks for one of them, and tells them apart rightly in the callback. */
static void accessed(unsigned vcpu, meminfo info, uint64_t address, void *data)
{
    (void)vcpu, (void)data;
    if (!qemu_plugin_mem_is_store(info)) {
        now.loads += 1;
        return;
    }
    now.stores += 1;
    if (address >= stack_start && address < stack_end && address < lowest)
        lowest = address;
}

static void translated(plugin_id id, struct tb *tb)
{
    static const exec_cb act[] = { [BEGIN] = begin_region, [END] = end_region, [LAP] = end_lap };
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
        struct insn *insn = qemu_plugin_tb_get_insn(tb, i);
        enum marker marker = marker_of(insn);
        if (marker != NONE)
            qemu_plugin_register_vcpu_insn_exec_cb(insn, act[marker], NO_REGISTERS, NULL);
        qemu_plugin_register_vcpu_insn_exec_inline(insn, ADD_U64, &now.instructions, 1);
        qemu_plugin_register_vcpu_mem_cb(insn, accessed, NO_REGISTERS, BOTH, NULL);
    }
}

static void finish(plugin_id id, void *data)
{
    (void)id, (void)data;
    if (open_region)
        fprintf(out, "unfinished %" PRIu64 "\n", regions);
    fflush(out);
}

static int set_option(const char *option)
{
    if (strncmp(option, "out=", 4) == 0) {
        out = fopen(option + 4, "w");
        if (!out)
            perror(option + 4);
        return out != NULL;
    }
    if (strncmp(option, "stack=", 6) == 0)
        return sscanf(option + 6, "%" SCNx64 "-%" SCNx64, &stack_start, &stack_end) == 2;
    return 0;
}

/* `info` starts with the name of the emulated architecture; the rest is not used. */
__attribute__((visibility("default")))
int qemu_plugin_install(plugin_id id, const char *const *info, int argc, char **argv)
{
    is_riscv = strncmp(*info, "riscv", 5) == 0;
    out = stderr;
    for (int i = 0; i < argc; i++) {
        if (!set_option(argv[i])) {
            fprintf(stderr, "count: wrong option `%s`; use out=FILE and stack=HEX-HEX\n", argv[i]);
            return 1;
        }
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_atexit_cb(id, finish, NULL);
    return 0;
}
