# Every target uses the release profile: one profile means that RocksDB is compiled once per machine.
# The target directory lies in the user's cache, so that it also survives a fresh clone.
GRATICULE_CACHE := $(if $(XDG_CACHE_HOME),$(XDG_CACHE_HOME),$(HOME)/.cache)/graticule
CARGO_TARGET_DIR ?= $(GRATICULE_CACHE)/target
ARGS ?=
export GRATICULE_CACHE CARGO_TARGET_DIR

.DEFAULT_GOAL := help
.PHONY: help setup build serve test sim walk clients ordeal fuzz bench lint

help: ## Show this list
	@echo "make TARGET [ARGS='...']"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 10

setup: ## Install what the build and the tests with real clients need besides Rust (Debian), or say how
	@scripts/setup build walk clients ordeal

build: ## Build the server
	@scripts/setup build
	@scripts/announce-rocksdb
	cargo build --release -p graticule

serve: build ## Build and run the server: make serve ARGS="--in-memory"
	exec "$(CARGO_TARGET_DIR)/release/graticule" serve $(ARGS)

test: ## Run all Rust tests
	@scripts/setup build
	@scripts/announce-rocksdb
	cargo test --release --workspace $(ARGS)

sim: ## Simulate Regions with faults under many seeds: make sim ARGS="--seeds 5000", or one: ARGS="--seed 7 --trace"
	@scripts/setup build
	@scripts/announce-rocksdb
	cargo run --release -p graticule-sim -- $(ARGS)

walk: build ## Walk real servers with the AWS CLI and boto3: make walk ARGS="--client cli --form one-process"
	@scripts/setup walk
	@scripts/walk --binary "$(CARGO_TARGET_DIR)/release/graticule" $(ARGS)
	@scripts/api-model --check

clients: build ## Run real client libraries of three languages against servers: make clients ARGS="--suite python"
	@scripts/setup clients
	@scripts/clients --binary "$(CARGO_TARGET_DIR)/release/graticule" $(ARGS)

ordeal: build ## Three servers on a bad network, cut off and killed under load (root): make ordeal ARGS="--minutes 30 --seed 7"
	@scripts/setup ordeal
	@scripts/ordeal --binary "$(CARGO_TARGET_DIR)/release/graticule" $(ARGS)

fuzz: ## Fuzz what reads text from clients: make fuzz ARGS="--runs 10000000 codec"
	@scripts/setup build
	@scripts/fuzz $(ARGS)

bench: build ## Ours, peers and a null server under one load: make bench ARGS="--quick"; links: ARGS="replication --quick"
	@scripts/bench $(ARGS)

lint: ## Formatting, clippy, licences and sources of dependencies
	@scripts/setup build lint
	@scripts/announce-rocksdb
	cargo fmt --all --check
	cargo fmt --manifest-path fuzz/Cargo.toml --check
	cargo fmt --manifest-path clients/rust/Cargo.toml --check
	cargo fmt --manifest-path bench/peers/dynoxide/Cargo.toml --check
	cargo clippy --release --workspace --all-targets -- -D warnings
	"$(GRATICULE_CACHE)/tools/bin/cargo-deny" --locked check licenses bans sources
