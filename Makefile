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
COMMON = -std=c17 -D_GNU_SOURCE -D_FORTIFY_SOURCE=2 -Isrc -Iinclude -I$(DEPENDENCIES)/include \
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

ENGINE_ROOMS := base types log memtable cold stream engine auth catalog live jobs query sql execute database
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

.PHONY: all programs library run demo test lint bench debug tsan fuzz coverage clean help unit
.DEFAULT_GOAL := all

all: setup-build
	@$(MAKE) -j$(JOBS) --no-print-directory programs

programs: $(BUILD)/firnd $(BUILD)/firn $(BUILD)/firn-worker $(BUILD)/libfirn.a

$(BUILD)/object/%.o: %.c
	@mkdir -p $(@D)
	@echo "cc   $<"
	@$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

# The version is compiled into one file only, so that a commit does not rebuild the house.
$(BUILD)/object/src/base/version.o: EXTRA_CFLAGS += -DFIRN_VERSION='"$(VERSION)"' \
	-DFIRN_COMMIT='"$(COMMIT)"' -DFIRN_FLAVOR='"$(FLAVOR)"'

$(BUILD)/object/cli/%.o: EXTRA_CFLAGS += -I.

# DuckDB's headers are not ours to warn about.
$(BUILD)/object/src/worker/%.o: EXTRA_CFLAGS += -isystem $(DUCKDB_HOME)/include

define room_library
$(call library,$(1)): $(call objects,$(call sources,$(1)))
	@mkdir -p $$(@D)
	@rm -f $$@
	@ar rcs $$@ $$^
endef
$(foreach room,$(sort $(ROOMS) worker cli),$(eval $(call room_library,$(room))))
$(call library,cli): $(call objects,$(wildcard cli/*.c))
# query speaks the worker's protocol: these files of its room are the server's too.
PROTOCOL := $(call objects,$(addprefix src/worker/,channel.c id_table.c protocol.c protocol_request.c))
$(call library,query): $(PROTOCOL)
$(BUILD)/libfirn.a: $(PROTOCOL)

$(BUILD)/libfirn.a: $(foreach room,$(ENGINE_ROOMS),$(call objects,$(call sources,$(room))))
	@rm -f $@
	@ar rcs $@ $^

$(BUILD)/firnd: $(call objects,$(foreach room,$(SERVER_ROOMS),$(call sources,$(room)))) $(BUILD)/libfirn.a
	@echo "link $@"
	@$(CC) $(LDFLAGS) $^ -o $@ $(SERVER_LIBRARIES)

$(BUILD)/firn: $(call objects,$(wildcard cli/*.c)) $(BUILD)/libfirn.a
	@echo "link $@"
	@$(CC) $(LDFLAGS) $^ -o $@ $(LIBRARIES) -ledit

$(BUILD)/firn-worker: $(foreach room,worker types base,$(call library,$(room)))
	@echo "link $@"
	@$(CC) $(LDFLAGS) -Wl,--start-group $^ -Wl,--end-group -o $@ $(WORKER_LIBRARIES)

# ---- unit tests: tests/unit/<room>/<name>_test.c, each a program, linked with its room and below ---

UNIT_TESTS := $(wildcard tests/unit/*/*_test.c)
ifneq ($(ROOM),)
UNIT_TESTS := $(wildcard tests/unit/$(ROOM)/*_test.c)
endif
unit_program = $(BUILD)/$(patsubst %.c,%,$(1))
rooms_up_to = $(shell echo '$(ROOMS)' | sed 's/\b$(1)\b.*/$(1)/')
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

# `make unit ROOM=types FLAVOR=debug` builds and runs one room's unit tests.
unit: unit-programs
	@tools/run-units $(foreach test,$(UNIT_TESTS),$(call unit_program,$(test)))

# ---- the engine in a simulated machine -------------------------------------------------------

SIMULATION_ROOMS := base types log memtable cold stream engine
$(BUILD)/engine_sim: $(call objects,$(wildcard tests/sim/*.c)) \
		$(foreach room,$(SIMULATION_ROOMS),$(call library,$(room)))
	@echo "link $@"
	@$(CC) $(LDFLAGS) -Wl,--start-group $^ -Wl,--end-group -o $@ $(LIBRARIES)

SEEDS ?= 1000
.PHONY: sim canary
sim: ##  the engine against the model of its protocol, SEEDS worlds with crashes
	@$(MAKE) --no-print-directory FLAVOR=check build/check/engine_sim
	@build/check/engine_sim --seeds $(SEEDS)
canary: ##  every rule of the protocol broken in turn: each must be noticed
	@$(MAKE) --no-print-directory FLAVOR=check build/check/engine_sim
	@build/check/engine_sim --canary --seeds $(SEEDS)

# ---- set-up ----------------------------------------------------------------------------------

.PHONY: setup-build setup-test setup-lint setup-bench setup-conformance setup-fuzz setup-coverage
setup-%:
	@tools/setup $*

clean:
	rm -rf build/release build/check build/debug build/tsan build/fuzz build/coverage

help:
	@sed -n 's/^\([a-z-]*\):.*##  *\(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

-include $(shell find $(BUILD)/object -name '*.d' 2>/dev/null)
