# Firn's build. `make run` and `make test` are the two commands to know; `make help` lists the rest.
# Each target installs what it needs and what is missing, and nothing else (tools/setup).

FLAVOR ?= release
BUILD := build/$(FLAVOR)
DEPENDENCIES := build/dependencies
MAKEFLAGS += --no-builtin-rules
JOBS ?= $(shell nproc 2>/dev/null || echo 2)

VERSION := 0.1.0
COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

# ---- compilers and flavors -------------------------------------------------------------------

CC := gcc
CXX := g++
WARNINGS := -Wall -Wextra -Wconversion -Wno-sign-conversion -Wshadow -Wformat=2 \
	-Wstrict-prototypes -Wmissing-prototypes -Wimplicit-fallthrough=5 -Wvla -Wcast-align \
	-Wpointer-arith -Wwrite-strings -Wundef -Wno-maybe-uninitialized -Werror
COMMON = -std=c17 -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -Isrc -Iinclude \
	-pthread -fno-common -fvisibility=hidden -fno-strict-aliasing $(WARNINGS)

CFLAGS_release := -O2 -g1 -fstack-protector-strong
CFLAGS_check := -O2 -g -DFIRN_FAULTS
CFLAGS_debug := -O1 -g -DFIRN_FAULTS -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer -U_FORTIFY_SOURCE
CFLAGS_tsan := -O1 -g -DFIRN_FAULTS -fsanitize=thread -fno-omit-frame-pointer -U_FORTIFY_SOURCE
CFLAGS_fuzz := -O1 -g -DFIRN_FAULTS -fsanitize=address,undefined,fuzzer-no-link \
	-fno-sanitize-recover=all -fno-omit-frame-pointer -U_FORTIFY_SOURCE
CFLAGS_coverage := -O0 -g -DFIRN_FAULTS --coverage -U_FORTIFY_SOURCE
ifeq ($(FLAVOR),fuzz)
CC := clang
endif
# clang's warnings differ: gcc's are the law, clang's only those it shares.
ifeq ($(CC),clang)
WARNINGS := -Wall -Wextra -Wshadow -Wformat=2 -Wstrict-prototypes -Wvla -Werror
endif
CFLAGS = $(COMMON) $(CFLAGS_$(FLAVOR)) $(EXTRA_CFLAGS)
LDFLAGS := $(CFLAGS_$(FLAVOR)) -pthread

# ---- the rooms, lowest first: a room may call those before it, never those after it ---------------

ENGINE_ROOMS := base types log memtable cold stream engine auth catalog live jobs query sql execute database check
SERVER_ROOMS := net api server
ROOMS := $(ENGINE_ROOMS) $(SERVER_ROOMS)
# The worker process is a program of its own, on base, types and its half of the protocol.
WORKER_ROOMS := base types worker

sources = $(wildcard src/$(1)/*.c)
objects = $(patsubst %.c,$(BUILD)/object/%.o,$(1))
library = $(BUILD)/library/$(1).a

# -lpg_query is static: the shared one exports clashing symbols.
LIBRARIES := -l:libpg_query.a -lroaring -lxxhash -lzstd -lz -lcrypto -largon2 -lm
SERVER_LIBRARIES := $(LIBRARIES) -luv -lssl
DUCKDB_HOME ?= $(DEPENDENCIES)/duckdb
WORKER_LIBRARIES := -L$(DUCKDB_HOME)/lib -lduckdb -Wl,-rpath,$(abspath $(DUCKDB_HOME)/lib) \
	-lroaring -lxxhash -lcrypto -lm

# make with all cores, and without the lines about folders.
SUBMAKE = $(MAKE) -j$(JOBS) --no-print-directory

.PHONY: all programs FORCE
.DEFAULT_GOAL := all
# Objects between a source and a program are kept: the next make has less to do.
.SECONDARY:

all: setup-build ##  builds firnd, firn, firn-worker and libfirn.a into build/$FLAVOR
	@$(SUBMAKE) programs

PROGRAMS := $(addprefix $(BUILD)/,firnd firn firn-worker libfirn.a)
programs: $(PROGRAMS)

# Whatever is written by this is rewritten only where the words differ: what depends on it is made
# anew when flags or lists of files change, and not otherwise.
write_if_other = mkdir -p $(@D) && { printf '%s\n' '$(1)' | cmp -s - $@ || printf '%s\n' '$(1)' >$@; }
FLAGS := $(BUILD)/flags
$(FLAGS): FORCE
	@$(call write_if_other,$(CC) $(COMMON) $(CFLAGS_$(FLAVOR)) $(ROOM_FLAGS) \
		$(SERVER_LIBRARIES) $(DUCKDB_HOME))
# The rooms' own flags are told apart by their text in this file.
ROOM_FLAGS = $(shell sed -n "/^\$$(BUILD).*EXTRA_CFLAGS +=/{s/'//g;p}" $(firstword $(MAKEFILE_LIST)))

$(BUILD)/object/%.o: %.c $(FLAGS)
	@mkdir -p $(@D)
	@echo "cc   $<"
	@$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

# The version is compiled into one file only, so that a commit does not rebuild the house; what people
# run says the right one, the other flavors may say an older.
ifeq ($(FLAVOR),release)
$(BUILD)/commit: FORCE
	@$(call write_if_other,$(VERSION) $(COMMIT))
$(BUILD)/object/src/base/version.o: $(BUILD)/commit
endif
$(BUILD)/object/src/base/version.o: EXTRA_CFLAGS += -DFIRN_VERSION='"$(VERSION)"' \
	-DFIRN_COMMIT='"$(COMMIT)"' -DFIRN_FLAVOR='"$(FLAVOR)"'

$(BUILD)/object/cli/%.o: EXTRA_CFLAGS += -I.

# DuckDB's headers are not ours to warn about.
$(BUILD)/object/src/worker/%.o: EXTRA_CFLAGS += -isystem $(DUCKDB_HOME)/include

# Loops over every row that is scanned: gcc 12 makes them of vectors from here on only.
ifeq ($(FLAVOR),release)
$(BUILD)/object/src/worker/dead_set.o: EXTRA_CFLAGS += -O3
endif

# A list beside each library: one file less must make it anew as well as one file more.
define room_library
$(BUILD)/library/$(1).list: FORCE
	@$$(call write_if_other,$(2))
$(call library,$(1)): $(2) $(BUILD)/library/$(1).list
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$(filter %.o,$$^)
endef
$(foreach room,$(sort $(ROOMS) worker), \
	$(eval $(call room_library,$(room),$(call objects,$(call sources,$(room))))))
$(eval $(call room_library,cli,$(call objects,$(wildcard cli/*.c))))
# query speaks the worker's protocol: these files of its room are the server's too.
PROTOCOL := $(call objects,$(addprefix src/worker/,channel.c id_table.c protocol.c protocol_request.c))
$(call library,query): $(PROTOCOL)

$(BUILD)/libfirn.a: $(PROTOCOL) $(foreach room,$(ENGINE_ROOMS),$(call objects,$(call sources,$(room)))) \
		$(foreach room,$(ENGINE_ROOMS),$(BUILD)/library/$(room).list)
	@rm -f $@
	@ar rcs $@ $(filter %.o,$^)

$(BUILD)/firnd: $(call objects,$(foreach room,$(SERVER_ROOMS),$(call sources,$(room)))) $(BUILD)/libfirn.a
	@echo "link $@"
	@$(CC) $(LDFLAGS) $^ -o $@ $(SERVER_LIBRARIES)

$(BUILD)/firn: $(call objects,$(wildcard cli/*.c)) $(BUILD)/libfirn.a
	@echo "link $@"
	@$(CC) $(LDFLAGS) $^ -o $@ $(LIBRARIES) -ledit

$(BUILD)/firn-worker: $(foreach room,worker types base,$(call library,$(room)))
	@echo "link $@"
	@$(CC) $(LDFLAGS) -Wl,--start-group $^ -Wl,--end-group -o $@ $(WORKER_LIBRARIES)

# ---- programs that stand on the house: examples/<name>.c on the library, two benches on its rooms

EXAMPLES := $(patsubst %.c,$(BUILD)/%,$(wildcard examples/*.c))
programs: $(EXAMPLES)
$(BUILD)/examples/%: $(BUILD)/object/examples/%.o $(BUILD)/libfirn.a
	@mkdir -p $(@D)
	@echo "link $@"
	@$(CC) $(LDFLAGS) $^ -o $@ $(LIBRARIES)

# What measures the whole server is built by bench/run.py, for itself.
BENCHES := $(BUILD)/echo $(BUILD)/memtable_bench
.PHONY: benches
benches: $(BENCHES)
$(BENCHES): $(BUILD)/%: $(BUILD)/object/bench/%.o $(foreach room,$(ROOMS),$(call library,$(room)))
	@echo "link $@"
	@$(CC) $(LDFLAGS) -Wl,--start-group $^ -Wl,--end-group -o $@ $(SERVER_LIBRARIES)

# ---- unit tests: tests/unit/<room>/<name>_test.c, each a program, linked with its room and below ---

UNIT_TESTS := $(wildcard tests/unit/*/*_test.c)
ifneq ($(ROOM),)
UNIT_TESTS := $(wildcard tests/unit/$(ROOM)/*_test.c)
endif
unit_program = $(BUILD)/$(patsubst %.c,%,$(1))
rooms_up_to = $(call up_to,$(1),$(ROOMS))
up_to = $(if $(2),$(firstword $(2)) $(if $(filter $(1),$(firstword $(2))),, \
	$(call up_to,$(1),$(wordlist 2,$(words $(2)),$(2)))))
UNIT_SUPPORT := $(wildcard tests/support/*.c)

define unit_rule
$(call unit_program,$(1)): $(call objects,$(1)) $(call objects,$(UNIT_SUPPORT)) \
		$(foreach room,$(call rooms_up_to,$(2)),$(call library,$(room)))
	@mkdir -p $$(@D)
	@echo "link $$@"
	@$$(CC) $$(LDFLAGS) -Wl,--start-group $$^ -Wl,--end-group -o $$@ -lcmocka $$(SERVER_LIBRARIES)
endef
$(foreach test,$(filter-out tests/unit/worker/%,$(UNIT_TESTS)), \
	$(eval $(call unit_rule,$(test),$(word 3,$(subst /, ,$(test))))))

# The worker's C functions in one process with DuckDB, where ASan and TSan see them.
define worker_unit_rule
$(call unit_program,$(1)): $(call objects,$(1)) $(foreach room,worker types base,$(call library,$(room)))
	@mkdir -p $$(@D)
	@echo "link $$@"
	@$$(CC) $$(LDFLAGS) -Wl,--start-group $$^ -Wl,--end-group -o $$@ -lcmocka $$(WORKER_LIBRARIES)
endef
$(foreach test,$(filter tests/unit/worker/%,$(UNIT_TESTS)),$(eval $(call worker_unit_rule,$(test))))
$(BUILD)/object/tests/unit/worker/%.o: EXTRA_CFLAGS += -isystem $(DUCKDB_HOME)/include
$(BUILD)/object/tests/%.o: EXTRA_CFLAGS += -I. -Wno-missing-prototypes

unit-programs: $(foreach test,$(UNIT_TESTS),$(call unit_program,$(test)))

# The queries' tests start a real worker, the release's: sanitizers would slow DuckDB's allocator
# down for nothing (the worker's own code has its tests in one process, above).
RELEASE_WORKER := build/release/firn-worker
.PHONY: unit unit-programs release-worker
unit: setup-unit release-worker ##  unit tests; ROOM=types for one room, FLAVOR=debug for ASan and UBSan
	@$(SUBMAKE) unit-programs
	@tools/run-units $(foreach test,$(UNIT_TESTS),$(call unit_program,$(test)))
release-worker:
	@$(SUBMAKE) FLAVOR=release $(RELEASE_WORKER)
unit-programs: $(foreach test,$(UNIT_TESTS),$(call unit_program,$(test)))

# TSan cannot see into DuckDB; this option, and no list of suppressed reports, keeps it from guessing.
.PHONY: debug tsan
debug: ##  builds with ASan and UBSan and runs the unit tests
	@$(MAKE) --no-print-directory unit FLAVOR=debug
tsan: ##  builds with TSan and runs the tests of the rooms that have threads
	@$(MAKE) --no-print-directory tsan-units FLAVOR=tsan
THREADED_ROOMS := base memtable log cold stream engine live jobs net query database api server worker
TSAN_TESTS := $(foreach room,$(THREADED_ROOMS),$(filter tests/unit/$(room)/%,$(UNIT_TESTS)))
.PHONY: tsan-units
tsan-units: setup-unit release-worker
	@$(SUBMAKE) $(foreach test,$(TSAN_TESTS),$(call unit_program,$(test)))
	@TSAN_OPTIONS=ignore_noninstrumented_modules=1 \
		tools/run-units $(foreach test,$(TSAN_TESTS),$(call unit_program,$(test)))

# ---- the engine in a simulated machine -------------------------------------------------------

SIMULATION_ROOMS := base types log memtable cold stream engine
$(BUILD)/engine_sim: $(call objects,$(wildcard tests/sim/*.c)) \
		$(foreach room,$(SIMULATION_ROOMS),$(call library,$(room)))
	@echo "link $@"
	@$(CC) $(LDFLAGS) -Wl,--start-group $^ -Wl,--end-group -o $@ $(LIBRARIES)

SEEDS ?= 1000
.PHONY: sim canary simulation canary-programs
sim: simulation ##  the engine against the model of its protocol: SEEDS=1000 worlds with crashes
	@build/check/engine_sim --seeds $(SEEDS)
canary: canary-programs ##  every rule of the protocol broken in turn, and the test that notices each
	@python3 tests/canary/run.py
CANARY_TESTS := $(addprefix build/check/tests/unit/,live/hand_over_test log/segment_test)
canary-programs: setup-test
	@$(SUBMAKE) FLAVOR=check build/check/engine_sim $(CANARY_TESTS)
simulation: setup-build
	@$(SUBMAKE) FLAVOR=check build/check/engine_sim

# ---- a whole database whose memory or machine fails it -----------------------------------------

$(BUILD)/faults: $(call objects,$(wildcard tests/faults/*.c)) \
		$(foreach room,$(ENGINE_ROOMS),$(call library,$(room)))
	@echo "link $@"
	@$(CC) $(LDFLAGS) -Wl,--start-group $^ -Wl,--end-group -o $@ $(LIBRARIES)

.PHONY: faults faults-programs
faults: faults-programs ##  the n-th allocation, write, sync, rename … fails, for every n: nothing untrue, no leak
	@build/check/faults $(if $(SEED),--seed $(SEED))
	@build/debug/faults --samples 4 $(if $(SEED),--seed $(SEED))
faults-programs: setup-build release-worker
	@$(SUBMAKE) FLAVOR=check build/check/faults
	@$(SUBMAKE) FLAVOR=debug build/debug/faults

# ---- fuzzing: tests/fuzz/<name>_fuzz.c, each a program of clang's libFuzzer ---------------------

SECONDS ?= 30
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/*_fuzz.c))
.PHONY: fuzz fuzzers
fuzz: setup-fuzz ##  every reader of bytes from outside against random ones, SECONDS=30 each
	@$(SUBMAKE) FLAVOR=fuzz fuzzers
	@tools/run-fuzzers $(SECONDS) $(patsubst %.c,build/fuzz/%,$(wildcard tests/fuzz/*_fuzz.c))
fuzzers: $(FUZZERS)

$(BUILD)/tests/fuzz/%_fuzz: $(BUILD)/object/tests/fuzz/%_fuzz.o \
		$(foreach room,$(ROOMS) worker,$(call library,$(room)))
	@mkdir -p $(@D)
	@echo "link $@"
	@$(CC) $(LDFLAGS) -fsanitize=fuzzer -Wl,--start-group $^ -Wl,--end-group -o $@ \
		$(SERVER_LIBRARIES) -Wl,--as-needed $(WORKER_LIBRARIES)

# ---- what people run, and what tries it whole --------------------------------------------------

.PHONY: run demo test crash soak life loss proof conformance durability bench coverage
run: setup-demo ##  builds, starts the server on ./data, shows it at work on real input, stays until Ctrl-C
	@$(SUBMAKE) programs
	@python3 tools/demo.py --data ./data
demo: setup-demo ##  the same, with the demo run again where ./data holds one already
	@$(SUBMAKE) programs
	@python3 tools/demo.py --data ./data --again

test: ##  everything: set-up, builds, lint, unit, ASan, faults, simulation, integration, durability, crash
	@tools/setup test
	@python3 tools/run-tests

ROUNDS ?= 200
crash: setup-test ##  kill -9 under load, ROUNDS=200 times: nothing acknowledged is lost or doubled
	@$(SUBMAKE) programs
	@python3 tests/crash/run.py --rounds $(ROUNDS) --jobs 2 $(if $(SEED),--seed $(SEED))
CYCLES ?= 200
soak: durability-programs ##  CYCLES=200 SEED=s: kill -9, SIGSTOP, full disks, fault points, losses of power
	@python3 tests/soak/crashes.py --cycles $(CYCLES) $(if $(SEED),--seed $(SEED))
MINUTES ?= 10
life: setup-test ##  one life of MINUTES=10 under every load: nothing grows, every acknowledged row is there
	@$(SUBMAKE) programs
	@python3 tests/soak/run.py --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))
.PHONY: durability-programs
durability-programs: setup-test
	@$(SUBMAKE) programs
	@$(SUBMAKE) FLAVOR=check programs build/check/engine_sim build/check/faults
durability: durability-programs ##  every line of what must be shown, long; then simulation and broken rules
	@python3 tests/durability/run.py $(if $(SEED),--seed $(SEED))
	@$(MAKE) --no-print-directory sim
	@$(MAKE) --no-print-directory canary
LOSSES ?= 300
loss: simulation ##  what losses of power cost in each mode of durability: LOSSES=300 in each
	@build/check/engine_sim --loss $(LOSSES)
proof: durability-programs canary-programs ##  10,000 simulated crashes, 1,300 rounds of kill -9, life, loss, canary: one report
	@python3 tests/crash/proof.py $(if $(SEED),--seed $(SEED))
conformance: setup-conformance ##  answers beside PostgreSQL's, tables as ClickHouse reads them
	@$(SUBMAKE) programs
	@python3 tests/conformance/run.py
	@python3 tests/conformance/readers.py
bench: setup-bench ##  measures beside PostgreSQL, DuckDB and RocksDB, writes bench/results
	@$(SUBMAKE) programs
	@python3 bench/run.py

COVERAGE := build/coverage
coverage: setup-coverage release-worker ##  lines reached by the unit tests: build/coverage/report.txt
	@$(SUBMAKE) FLAVOR=coverage unit-programs
	@find $(COVERAGE) -name '*.gcda' -delete
	@tools/run-units $(patsubst %.c,$(COVERAGE)/%,$(UNIT_TESTS))
	@gcovr --root . --filter src/ --object-directory $(COVERAGE)/object --print-summary \
		--txt $(COVERAGE)/report.txt $(COVERAGE)/object
	@echo "the lines not reached stand in $(COVERAGE)/report.txt"

# ---- lint ------------------------------------------------------------------------------------

C_FILES = $(shell git ls-files --cached --others --exclude-standard '*.c')
H_FILES = $(shell git ls-files --cached --others --exclude-standard '*.h')
.PHONY: lint lint-format lint-tree lint-tidy lint-check tidy format
lint: setup-lint ##  form, the house's rules, clang-tidy, cppcheck
	@$(MAKE) --no-print-directory --keep-going lint-tree lint-format lint-tidy lint-check
	@echo "lint: clean"
lint-tree:
	@python3 tools/check-tree
lint-format:
	@clang-format --dry-run -Werror $(C_FILES) $(H_FILES)
lint-tidy:
	@printf '%s\n' $(C_FILES) | xargs -P $(JOBS) -n 8 tools/tidy \
		-std=c17 -D_GNU_SOURCE -DFIRN_FAULTS -Isrc -Iinclude -I. -isystem $(DUCKDB_HOME)/include --
lint-check:
	@tools/run-cppcheck $(JOBS)
format: setup-lint ##  clang-format over everything
	@clang-format -i $(C_FILES) $(H_FILES)

# ---- set-up ----------------------------------------------------------------------------------

setup-%:
	@tools/setup $*

.PHONY: clean help
clean: ##  removes what was built; what was fetched stays
	rm -rf build/release build/check build/debug build/tsan build/fuzz build/coverage build/test-logs

help: ##  this list
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 22

-include $(shell find $(BUILD)/object -name '*.d' 2>/dev/null)
